import {
  type Address,
  backoffMs,
  isTocsinError,
  messageOf,
  sleep,
  TocsinError,
} from '../base/index.ts'
import type { ChainBlock, ChainHeader, ChainSource, FeedCursor } from '../chain/types.ts'
import type { Logger } from '../telemetry/index.ts'
import { type BotCrew, createBotCrew } from './botCrew.ts'
import type { BotMarks } from './botMarks.ts'
import { createChainMemory } from './chainMemory.ts'
import type { EngineBot } from './engineBot.ts'
import type { BlockCommit, BlockId, EngineStore, FindingRow } from './engineStore.ts'
import type { Cast } from './pending/cast.ts'
import type { PreparedBlock } from './prepareBlock.ts'
import type { RemoteReader } from './remoteViews.ts'
import type { StrikeBook } from './strikeBook.ts'
import { createTally } from './tallyBlock.ts'
import type { BotAlert, Label } from './types.ts'
import type { BotTurn } from './watchMetrics.ts'

export type EngineOptions<Tx> = {
  readonly chainId: number
  readonly chainName: string
  readonly bots: readonly EngineBot[]
  readonly source: ChainSource
  readonly store: EngineStore<Tx>
  readonly labels: readonly Label[]
  /** Addresses whose logs are tallied, for the comparison with the index. Default: none. */
  readonly tallied?: readonly Address[] | undefined
  readonly log: Logger
  /** Called inside the transaction that commits a block, with the findings that are new or back from retraction. */
  readonly onCommit?: (tx: Tx, findings: readonly FindingRow[], block: ChainBlock) => Promise<void>
  /** Whether `onCommit` wants to hear of this finding: a block with none such is committed in one statement. Default: all. */
  readonly concernsCommit?: ((finding: FindingRow) => boolean) | undefined
  /** Hears of each bot's turn at a block. */
  readonly onTurn?: ((turn: BotTurn) => void) | undefined
  /** Where the process's watchdog reads whose code is on the thread. Default: no watchdog. */
  readonly marks?: BotMarks | undefined
  /** What is known of bots that took the process down. Default: nothing. */
  readonly strikes?: StrikeBook | undefined
  /** False where no node of the chain gives call traces. Default: true. */
  readonly traces?: boolean
  /**
   * Findings that come from elsewhere and belong to a block, for bots that ask for them. Must answer the same whenever
   * it is asked about the same block. Default: none.
   */
  readonly otherAlerts?: ((block: ChainHeader) => readonly BotAlert[]) | undefined
  /** What bots keep on other chains. Default: nothing is known of them. */
  readonly remote?: RemoteReader | undefined
  /** How long to try for data of a block before giving it back to the feed (ms). Default: 15000. */
  readonly dataPatienceMs?: number
}

/** What one block brought. */
export type ProcessedBlock = {
  /** Findings of the block, also those that were committed before. */
  readonly findings: readonly FindingRow[]
  /** Per bot that failed: what it did wrong. */
  readonly failures: ReadonlyMap<string, readonly string[]>
}

/** Runs all bots of one chain over its blocks. Calls are taken in order; none overlaps another. */
export type Engine = {
  /** Where the feed must go on; undefined when no block was ever committed. @throws TocsinError `engine.other_chain` */
  readonly loadCursor: () => Promise<FeedCursor | undefined>
  /** False when the header's bloom shows that no receipt of the block matters. */
  readonly wantsReceipts: (bloom: `0x${string}`) => boolean
  /** A block is heard of: begins to fetch beside its receipts what its bots will want. */
  readonly prefetch: (block: BlockId) => void
  /** Fetches what a block needs ahead of its turn. */
  readonly prepare: (block: ChainBlock) => Promise<PreparedBlock>
  /**
   * Runs the bots and commits. Does not return before the block is committed, however long the database is away.
   * @throws TocsinError `engine.data_unavailable` (nothing was committed), `engine.not_next`, `engine.cursor_moved`, `engine.locked`, `engine.stopped`
   */
  readonly processBlock: (
    block: ChainBlock,
    prepared?: Promise<PreparedBlock>,
  ) => Promise<ProcessedBlock>
  /** @throws TocsinError `engine.below_final` */
  readonly rollback: (to: BlockId, orphaned: readonly BlockId[]) => Promise<void>
  readonly finalize: (number: number) => Promise<void>
  /** Takes up bots with other parameters, or other bots; state is kept. Wrong needs throw and change nothing. */
  readonly reload: (bots: readonly EngineBot[], labels: readonly Label[]) => Promise<void>
  /** The bots as they stand at the last committed block, for blocks that are made up. */
  readonly cast: () => Cast
  /** What keeps the engine from going on, since when (ms since epoch); undefined when nothing does. */
  readonly trouble: () => { readonly reason: string; readonly sinceMs: number } | undefined
  readonly stop: () => Promise<void>
}

const SLOW_COMMIT_MS = 1_000

const clockMs = (): number => performance.timeOrigin + performance.now()
const isFatal = (error: unknown): boolean =>
  isTocsinError(error) &&
  ['engine.locked', 'engine.cursor_moved', 'engine.stopped', 'engine.other_chain'].includes(
    error.code,
  )

/**
 * @throws TocsinError `bot.needs_invalid`, `engine.locked`
 * @example const engine = await createEngine({ chainId: 1, chainName: 'mainnet', bots, source, store, labels: [], log })
 */
export const createEngine = async <Tx>(options: EngineOptions<Tx>): Promise<Engine> => {
  const { store, source, log, chainId, chainName } = options
  const dataPatienceMs = options.dataPatienceMs ?? 15_000
  const tallied = options.tallied ?? []
  const stopping = new AbortController()
  const { signal } = stopping
  const stopped = (): TocsinError => new TocsinError('engine.stopped', 'The engine was stopped.')
  const crew: BotCrew = createBotCrew({
    ...options,
    chain: { id: chainId, name: chainName },
    traces: options.traces ?? true,
    tally: tallied.length > 0 ? createTally(tallied) : undefined,
    marks: options.marks?.openChain({ id: chainId, name: chainName }),
  })
  await crew.use(options.bots, options.labels)
  await store.lock()
  const stored = await store.loadChain()
  await options.strikes?.load(options.bots, stored.cursor)
  for (const botId of crew.memoryIds()) crew.load(botId, await store.loadBot(botId))
  const memory = createChainMemory(stored)
  let genesisHash = stored.cursor?.genesisHash
  let isGenesisChecked = false
  /** The store knows which addresses are tallied, and no block since was without a tally. */
  let isCovered = false
  let trouble: { reason: string; sinceMs: number } | undefined
  let broken: unknown

  const complain = (reason: string): void => {
    if (!trouble) log.warn({ chain: chainName, reason }, 'The engine waits.')
    trouble = { reason, sinceMs: trouble?.sinceMs ?? Date.now() }
  }
  const recover = (): void => {
    if (trouble)
      log.info({ chain: chainName, waitedMs: Date.now() - trouble.sinceMs }, 'The engine goes on.')
    trouble = undefined
  }

  /** A database of another chain with the same id must not be written to. */
  const checkGenesis = async (): Promise<void> => {
    if (isGenesisChecked) return
    const hash = await source.genesisHash?.()
    if (
      hash !== undefined &&
      genesisHash !== undefined &&
      !genesisHash.startsWith('first:') &&
      genesisHash !== hash
    )
      throw new TocsinError(
        'engine.other_chain',
        `The database belongs to another chain with the id ${chainId} (block 0 is ${genesisHash}, the endpoints say ${hash}).`,
        { hints: ['Use another database or data folder for this chain.'], exitCode: 2 },
      )
    genesisHash ??= hash
    isGenesisChecked = true
  }

  /**
   * Writes until it is written. After any error the cursor says whether the write lasted: a connection that broke
   * during the commit leaves that open.
   */
  const persist = async (
    write: () => Promise<void>,
    judge: (cursor: BlockId | undefined) => 'done' | 'again' | 'moved',
  ): Promise<void> => {
    for (let attempt = 0; ; attempt++) {
      if (signal.aborted) throw stopped()
      // A server that hangs gives no error for a long time; health must say so meanwhile.
      const slow = setTimeout(
        () => complain('The block cannot be committed: Postgres does not answer.'),
        SLOW_COMMIT_MS,
      )
      try {
        await store.lock()
        await write()
        return recover()
      } catch (error) {
        if (isTocsinError(error) && error.code === 'engine.locked') throw error
        complain(`The block cannot be committed: ${messageOf(error)}`)
        const found = await store.readCursor().then(judge, () => 'again' as const)
        if (found === 'done') return recover()
        if (found === 'moved') throw error
        await sleep(backoffMs(attempt, 50, 2_000), signal)
      } finally {
        clearTimeout(slow)
      }
    }
  }

  /** Fetches and runs until the data are complete, then gives up in favour of the feed. */
  const runAll = async (
    block: ChainBlock,
    ahead: Promise<PreparedBlock> | undefined,
  ): Promise<ReturnType<BotCrew['run']> extends Promise<infer R> ? R : never> => {
    const deadline = Date.now() + dataPatienceMs
    let prepared = ahead
    for (let attempt = 0; ; attempt++) {
      if (signal.aborted) throw stopped()
      try {
        await checkGenesis()
        const result = await crew.run(await (prepared ?? crew.prepare(block)))
        recover()
        return result
      } catch (error) {
        if (isFatal(error)) throw error
        const reason = `Data of block ${block.number} cannot be had: ${messageOf(error)}`
        complain(reason)
        if (Date.now() >= deadline)
          throw new TocsinError('engine.data_unavailable', reason, {
            cause: error,
            retry: { afterMs: 1_000 },
          })
        prepared = undefined
        await sleep(backoffMs(attempt, 50, 2_000), signal)
      }
    }
  }

  const processBlock = async (
    block: ChainBlock,
    ahead?: Promise<PreparedBlock>,
  ): Promise<ProcessedBlock> => {
    const parent = memory.head()
    if (parent?.hash === block.hash) return { findings: [], failures: new Map() }
    if (parent && (block.parentHash !== parent.hash || block.number !== parent.number + 1))
      throw new TocsinError(
        'engine.not_next',
        `Block ${block.number} does not follow block ${parent.number}.`,
      )
    const run = await runAll(block, ahead)
    const commit: BlockCommit = {
      block: {
        number: block.number,
        hash: block.hash,
        parentHash: block.parentHash,
        timestampS: block.timestampS,
        transactions: block.transactions.length,
      },
      parent,
      genesisHash: genesisHash ?? `first:${block.hash}`,
      findings: run.findings,
      state: run.state,
      samples: run.samples,
      health: run.health,
      ...(run.tally
        ? { tally: { rows: run.tally, ...(isCovered ? {} : { cover: tallied }) } }
        : {}),
      latencyMs: () =>
        block.catchingUp ? null : Math.round((clockMs() - block.seenAtMs) * 1_000) / 1_000,
    }
    const { onCommit, concernsCommit = () => true } = options
    const hook =
      onCommit && run.findings.some(concernsCommit)
        ? (tx: Tx, findings: readonly FindingRow[]) => onCommit(tx, findings, block)
        : undefined
    await persist(
      () => store.commitBlock(commit, hook),
      (cursor) =>
        cursor?.hash === block.hash ? 'done' : cursor?.hash === parent?.hash ? 'again' : 'moved',
    )
    genesisHash = commit.genesisHash
    isCovered = commit.tally !== undefined
    memory.push(commit.block)
    run.apply()
    await options.strikes?.commit()
    return { findings: run.findings, failures: run.failures }
  }

  const rollback = async (to: BlockId): Promise<void> => {
    const from = memory.head()
    if (!from || from.number <= to.number) {
      if (from?.hash === to.hash) return
      throw new TocsinError(
        'engine.not_next',
        `Block ${to.number} cannot be gone back to from ${from?.number ?? 'nowhere'}.`,
      )
    }
    if (to.number < (memory.finalized() ?? -1))
      throw new TocsinError(
        'engine.below_final',
        `Block ${to.number} lies below the final block ${memory.finalized()}.`,
      )
    await persist(
      () => store.rollback(from, to),
      (cursor) =>
        cursor?.hash === to.hash ? 'done' : cursor?.hash === from.hash ? 'again' : 'moved',
    )
    memory.rollback(to)
    crew.rollback(to.number)
  }

  const finalize = async (number: number): Promise<void> => {
    const head = memory.head()
    const finalized = memory.finalized()
    if (!head) return
    const edge = Math.min(number, head.number)
    if (finalized !== undefined && edge <= finalized) return
    const newest = memory.finalize(edge)
    const pruned = newest
      ? crew.finalize({ number: edge, timestampS: newest.timestampS })
      : { state: [], samples: [] }
    await persist(
      () => store.finalize(edge, pruned),
      (cursor) => (cursor?.hash === head.hash ? 'again' : 'moved'),
    )
  }

  let queue: Promise<unknown> = Promise.resolve()
  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const turn = queue.then(async () => {
      if (broken !== undefined) throw broken
      if (signal.aborted) throw stopped()
      try {
        return await work()
      } catch (error) {
        // From here on memory and database may differ: only a new engine may go on.
        if (isFatal(error)) broken = error
        throw error
      }
    })
    queue = turn.catch(() => undefined)
    return turn
  }

  return {
    loadCursor: async () => {
      await checkGenesis().catch((error: unknown) => {
        if (isFatal(error)) throw error
        log.warn(
          { chain: chainName, error: messageOf(error) },
          'Block 0 could not be compared yet.',
        )
      })
      return memory.cursor()
    },
    wantsReceipts: (bloom) => crew.wantsReceipts(bloom),
    prefetch: (block) => crew.prefetch(block),
    prepare: (block) => crew.prepare(block),
    processBlock: (block, prepared) => {
      // Until its turn comes nobody else looks at it.
      prepared?.catch(() => undefined)
      return inTurn(() => processBlock(block, prepared))
    },
    rollback: (to) => inTurn(() => rollback(to)),
    finalize: (number) => inTurn(() => finalize(number)),
    reload: (bots, labels) =>
      inTurn(async () => {
        const before = new Set(crew.memoryIds())
        await crew.use(bots, labels)
        await options.strikes?.load(bots, memory.head())
        for (const botId of crew.memoryIds())
          if (!before.has(botId)) crew.load(botId, await store.loadBot(botId))
      }),
    cast: () => crew.cast(),
    trouble: () => trouble,
    stop: async () => {
      stopping.abort()
      await queue
      await store.unlock()
    },
  }
}

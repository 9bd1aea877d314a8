import {
  type Address,
  backoffMs,
  createLoop,
  type HeapTidy,
  isTocsinError,
  messageOf,
  sleep,
  withTimeout,
} from '../base/index.ts'
import type { BlockFeed, ChainHealth, FeedEvent } from '../chain/index.ts'
import { createBlockFeed, createChainSource, createRpcPool } from '../chain/index.ts'
import type { ChainConfig } from '../config/types.ts'
import type { DatabaseTransaction, Store } from '../store/index.ts'
import { type Logger, recordSelfFinding } from '../telemetry/index.ts'
import type { BotMarks } from './botMarks.ts'
import { countRetracted } from './countRetracted.ts'
import { createEngine, type Engine, type EngineOptions } from './createEngine.ts'
import type { EngineBot } from './engineBot.ts'
import { lookAhead } from './lookAhead.ts'
import { type CommitObserver, observeCommits } from './observeCommits.ts'
import { type PendingWatch, watchPending } from './pending/watchPending.ts'
import { createPostgresEngineStore } from './postgresEngineStore.ts'
import { createRemoteReader } from './remoteViews.ts'
import { shareSource } from './shareSource.ts'
import { createStrikeBook } from './strikeBook.ts'
import type { Label } from './types.ts'
import { type ChainWatchHealth, createWatchHealth } from './watchHealth.ts'
import type { WatchMetrics } from './watchMetrics.ts'

export type WatchChainOptions = {
  readonly chain: ChainConfig
  readonly store: Store
  readonly bots: readonly EngineBot[]
  readonly labels: readonly Label[]
  /** Addresses that the index holds too: their logs are tallied for the comparison. */
  readonly tallied?: readonly Address[]
  readonly log: Logger
  readonly metrics: WatchMetrics
  /** Where the process's watchdog reads whose code is on the thread. Default: no watchdog. */
  readonly marks?: BotMarks | undefined
  readonly onCommit?: EngineOptions<DatabaseTransaction>['onCommit']
  readonly concernsCommit?: EngineOptions<DatabaseTransaction>['concernsCommit']
  readonly commits?: CommitObserver | undefined
  /** Of the whole process. */
  readonly heap: HeapTidy
  readonly lockPatienceMs?: number
}

/** One chain under watch. */
export type ChainWatch = {
  readonly name: string
  readonly health: () => ChainHealth
  readonly reload: (bots: readonly EngineBot[], labels: readonly Label[]) => Promise<void>
  readonly stop: () => Promise<void>
}

/** Blocks whose calldata, traces and state are fetched before their turn. */
const AHEAD = 8
/** Of so many blocks the answers are kept for all bots to share. */
const SHARED_BLOCKS = 2 * AHEAD
/** How long data of a block are asked for before the feed looks again which block it should be (ms). */
const DATA_PATIENCE_MS = 3_000

/** How long the start waits to compare block 0 with the database's (ms). */
const GENESIS_LIMIT_MS = 5_000

/** How long after a block the heap is tidied (ms): at once, or when an answer that the block asked for is on its way. */
const TIDY_AFTER_MS = { plain: 40, asked: 250 }

/** How often it looks whether somebody released a bot from quarantine (ms). */
const RELEASE_POLL_MS = 5_000

/** Errors after which going on would need a person. */
const HALTING = ['feed.reorg_below_finality', 'engine.below_final', 'engine.other_chain']
/** Errors after which the engine no longer knows what is committed. */
const NEEDS_NEW_ENGINE = ['engine.cursor_moved', 'engine.locked', 'engine.not_next']

const codeOf = (error: unknown): string => (isTocsinError(error) ? error.code : '')

/**
 * Follows one chain: feed to engine, block by block, for as long as it runs. Errors of the feed start it again from
 * the last committed block; a reorg below the final block halts the chain and says so.
 * @throws TocsinError at the start only: `bot.needs_invalid`, `engine.locked`, `engine.other_chain`
 */
export const watchChain = async (options: WatchChainOptions): Promise<ChainWatch> => {
  const { chain, store, log, metrics, heap } = options
  const stopping = new AbortController()
  const { signal } = stopping
  let { bots, labels } = options
  let feed: BlockFeed | undefined
  let halted: string | undefined
  let failing: string | undefined
  let pending: PendingWatch | undefined
  let isTaking = false

  const pool = createRpcPool({
    chainId: chain.id,
    chainName: chain.name,
    endpoints: chain.rpc,
    metrics: metrics.rpc,
    onError: (endpoint, error) => {
      metrics.rpc.onError(chain.name, endpoint, error)
      log.debug({ chain: chain.name, endpoint, error: messageOf(error) }, 'An endpoint failed.')
    },
  })
  const rpc = createChainSource(pool, {
    traces: chain.traces,
    multicall3: chain.multicall3 as `0x${string}` | 'none' | undefined,
  })
  // Several bots ask the same of a block, and of the block before what was asked there.
  const source = shareSource(
    {
      ...rpc,
      genesisHash: async () => {
        const block = await pool.request('eth_getBlockByNumber', ['0x0', false])
        const hash =
          typeof block === 'object' && block !== null && 'hash' in block ? block.hash : undefined
        return typeof hash === 'string' ? (hash.toLowerCase() as `0x${string}`) : undefined
      },
    },
    { blocks: SHARED_BLOCKS },
  )
  const strikes = createStrikeBook({ store, chain, log })
  const begin = (): Promise<Engine> =>
    createEngine({
      chainId: chain.id,
      chainName: chain.name,
      bots,
      labels,
      tallied: options.tallied,
      source,
      log,
      onTurn: (turn) => metrics.onTurn(chain.name, turn),
      marks: options.marks,
      strikes,
      remote: createRemoteReader(store),
      dataPatienceMs: DATA_PATIENCE_MS,
      traces: chain.traces !== 'none',
      store: observeCommits(
        createPostgresEngineStore({
          store,
          chainId: chain.id,
          chainName: chain.name,
          ...(options.lockPatienceMs === undefined
            ? {}
            : { lockPatienceMs: options.lockPatienceMs }),
        }),
        options.commits,
      ),
      ...(options.onCommit ? { onCommit: options.onCommit } : {}),
      concernsCommit: options.concernsCommit,
    })

  const take = async (
    engine: Engine,
    event: FeedEvent,
    prepared: ReturnType<Engine['prepare']> | undefined,
  ): Promise<void> => {
    switch (event.kind) {
      case 'block': {
        heap.begin(chain.name)
        const processed = await engine.processBlock(event.block, prepared)
        metrics.onBlock(chain.name, event.block, processed)
        failing = undefined
        const isAsked = processed.findings.some(options.concernsCommit ?? (() => true))
        heap.rest(chain.name, isAsked ? TIDY_AFTER_MS.asked : TIDY_AFTER_MS.plain)
        pending?.onBlock(event.block)
        return
      }
      case 'rollback':
        log.warn(
          { chain: chain.name, to: event.to.number, orphaned: event.orphaned.length },
          'The chain was reorganised.',
        )
        pending?.onRollback()
        await engine.rollback(event.to, event.orphaned)
        metrics.onReorg(chain.name, event.orphaned.length)
        // Off the way: the next block waits for no figure.
        countRetracted(store.db, chain.id, event).then(
          (found) => metrics.onRetracted(chain.name, found),
          (error: unknown) =>
            log.warn({ error: messageOf(error) }, 'The retracted findings were not counted.'),
        )
        return
      case 'finalized':
        return engine.finalize(event.number)
    }
  }

  const follow = async (engine: Engine): Promise<void> => {
    const mine = createBlockFeed({
      pool,
      cursor: await engine.loadCursor(),
      startBlock: chain.startBlock,
      blockTimeMs: chain.blockTimeMs,
      pollMs: chain.pollMs,
      finality: chain.finality,
      transactions: chain.transactions,
      onHead: (head) => {
        heap.begin(chain.name)
        engine.prefetch(head)
      },
      onError: (error) =>
        log.debug({ chain: chain.name, error: messageOf(error) }, 'The feed met an error.'),
    })
    feed = mine
    try {
      const begun = (event: FeedEvent) => {
        if (event.kind !== 'block') return undefined
        const prepared = engine.prepare(event.block)
        prepared.catch(() => undefined)
        return prepared
      }
      for await (const { value, begun: prepared } of lookAhead(mine, AHEAD, begun)) {
        if (signal.aborted) return
        isTaking = true
        try {
          await take(engine, value, prepared)
        } finally {
          isTaking = false
          pending?.wake()
        }
      }
    } finally {
      await mine.stop()
    }
  }

  const halt = async (error: unknown): Promise<void> => {
    halted = messageOf(error)
    log.fatal({ chain: chain.name, error: halted }, 'The chain is halted.')
    const record = (): Promise<void> =>
      recordSelfFinding(store.db, {
        alertId: 'CHAIN-HALTED',
        name: `The watch of ${chain.name} is halted`,
        description: `${halted} Nothing on this chain is watched until somebody looks.`,
        severity: 'Critical',
        uniqueKey: `${chain.name}:${halted}`,
        metadata: { chain: chain.name },
      })
    for (let attempt = 0; !signal.aborted; attempt++) {
      const isRecorded = await record().then(
        () => true,
        () => false,
      )
      if (isRecorded) return
      await sleep(backoffMs(attempt, 200, 5_000), signal)
    }
  }

  /** A database of another chain is refused at once; endpoints that are away are no reason not to begin. */
  const beginSafely = async (): Promise<Engine> => {
    const fresh = await begin()
    const isOther = await withTimeout(() => fresh.loadCursor(), GENESIS_LIMIT_MS, 'Block 0').then(
      () => undefined,
      (error: unknown) => (codeOf(error) === 'engine.other_chain' ? error : undefined),
    )
    if (isOther === undefined) return fresh
    await fresh.stop()
    throw isOther
  }
  let engine = await beginSafely().catch(async (error: unknown) => {
    await pool.stop()
    throw error
  })
  const health: ChainWatchHealth = createWatchHealth({
    chain,
    store,
    log,
    read: () => ({
      feed: feed?.health(),
      endpoints: pool.health(),
      trouble: engine.trouble(),
      halted,
      failing,
    }),
  })

  const run = async (): Promise<void> => {
    for (let attempt = 0; !signal.aborted; attempt++) {
      const startedAt = performance.now()
      try {
        await follow(engine)
      } catch (error) {
        if (signal.aborted) return
        if (HALTING.includes(codeOf(error))) return halt(error)
        failing = messageOf(error)
        log.warn(
          { chain: chain.name, code: codeOf(error), error: failing },
          'The feed starts again.',
        )
        if (NEEDS_NEW_ENGINE.includes(codeOf(error))) await renew()
      }
      if (performance.now() - startedAt > 60_000) attempt = 0
      await sleep(backoffMs(attempt, 50, 5_000), signal)
    }
  }
  const renew = async (): Promise<void> => {
    await engine
      .stop()
      .catch((error: unknown) => log.warn({ error: messageOf(error) }, 'The engine ended badly.'))
    for (let attempt = 0; !signal.aborted; attempt++) {
      try {
        engine = await begin()
        return
      } catch (error) {
        failing = messageOf(error)
        log.error({ chain: chain.name, error: failing }, 'The engine could not begin again.')
        await sleep(backoffMs(attempt, 200, 5_000), signal)
      }
    }
  }
  pending = await watchPending({
    chain,
    pool,
    source,
    store,
    cast: () => engine.cast(),
    isBusy: () => isTaking,
    onCommit: options.onCommit,
    heap,
    log,
    metrics: metrics.pending,
  }).catch(async (error: unknown) => {
    await health.stop()
    await engine.stop()
    await pool.stop()
    throw error
  })
  const running = run()
  const releases = createLoop(() => strikes.refresh(), {
    pauseMs: RELEASE_POLL_MS,
    onError: (error) =>
      log.debug({ chain: chain.name, error: messageOf(error) }, 'Releases were not looked for.'),
  })

  return {
    name: chain.name,
    health: health.read,
    reload: async (nextBots, nextLabels) => {
      await engine.reload(nextBots, nextLabels)
      bots = nextBots
      labels = nextLabels
    },
    stop: async () => {
      stopping.abort()
      await releases.stop()
      await pending?.stop()
      await feed?.stop()
      await engine.stop()
      await running
      // One that was begun again at the last moment.
      await engine.stop()
      await health.stop()
      await pool.stop()
    },
  }
}

import { type Hex, messageOf, TocsinError } from '../base/index.ts'
import {
  type ChainBlock,
  type ChainHeader,
  type ChainSource,
  createBlockFetcher,
  createChainSource,
  createRpcPool,
  flattenParity,
  type ParsedHeader,
} from '../chain/index.ts'
import type { FindingRow } from '../engine/index.ts'
import {
  createEngine,
  createMemoryEngineStore,
  type Engine,
  type EngineBot,
} from '../engine/light.ts'
import type { Logger } from '../telemetry/light.ts'
import type { EventBook } from './createEventBook.ts'
import type { Keeper, Kept } from './createKeeper.ts'
import type { PackedChain } from './types.ts'

/** What the bots made of a block. */
export type Examined = {
  readonly findings: readonly FindingRow[]
  readonly faults: readonly string[]
}

/** The bots of one chain over the blocks that a scan node names, by the same engine as everywhere. */
export type Examiner = {
  /**
   * Each block is run once, however often it is asked about; blocks between it and the last one are run before it, and
   * those of another history are taken back.
   * @throws TocsinError when the node does not give its data: asked again, it is tried again
   */
  readonly examine: (block: {
    readonly hash: Hex
    readonly header?: ParsedHeader
  }) => Promise<Examined>
  /** What keeps it from going on; undefined when nothing does. */
  readonly trouble: () => string | undefined
  readonly stop: () => Promise<void>
}

/** Longest gap that is filled, and blocks that a reorg may take back. */
const MOST_GAP = 256
const FINAL_AFTER = 128
const KEPT_ANSWERS = 512
/** Until so many blocks were run, an older one that is named is the true beginning: nodes ask in two streams. */
const SETTLED = 16
const NOTHING: Examined = { findings: [], faults: [] }

/** Calldata and traces come out of what the node told, where it told all that is asked; else over JSON-RPC. */
const withEvents = (source: ChainSource, book: EventBook): ChainSource => ({
  ...source,
  inputs: async (block, hashes) => {
    const told = hashes.flatMap((hash) => book.find(block.hash, hash) ?? [])
    if (told.length < hashes.length) return source.inputs(block, hashes)
    return told.map(({ hash, input, valueWei }) => ({ hash, input, valueWei }))
  },
  traces: async (block, hashes) => {
    const told = hashes?.flatMap((hash) => book.find(block.hash, hash) ?? [])
    const isWhole =
      told !== undefined &&
      told.length === hashes?.length &&
      told.every(({ traces }) => traces.length > 0)
    return isWhole
      ? flattenParity(
          told.flatMap(({ traces }) => traces),
          block.hash,
        )
      : source.traces(block, hashes)
  },
})

export const createExaminer = async (options: {
  readonly chain: PackedChain
  readonly bots: readonly EngineBot[]
  /** Whose findings are told. */
  readonly botId: string
  readonly rpcUrl: string
  readonly book: EventBook
  /** Where the bots keep what they remember. Default: in memory only. */
  readonly keeper?: Keeper | undefined
  readonly log: Logger
}): Promise<Examiner> => {
  const { chain, botId, keeper, log } = options
  const pool = createRpcPool({
    chainId: chain.id,
    chainName: chain.name,
    endpoints: [{ name: 'node', http: options.rpcUrl }],
  })
  const source = withEvents(
    createChainSource(pool, { traces: chain.traces, multicall3: chain.multicall3 }),
    options.book,
  )
  const fetcher = createBlockFetcher({ pool, transactions: 'auto' })
  const answers = new Map<Hex, Examined>()
  /** Committed blocks, oldest first. */
  let line: { readonly number: number; readonly hash: Hex }[] = []
  /** What was saved, where the chain is still the one that it was saved of. */
  const recall = async (): Promise<Kept | undefined> => {
    const kept = await keeper?.load()
    const [oldest] = kept?.blocks ?? []
    if (!oldest || (await pool.request('eth_getBlockByHash', [oldest.hash, false]))) return kept
    log.warn({ chain: chain.name }, 'What is saved is of another chain: it begins anew.')
    return undefined
  }
  const recalled = await recall()
  let store = createMemoryEngineStore({ keepFindings: false, from: recalled })
  const open = (): Promise<Engine> =>
    createEngine({
      chainId: chain.id,
      chainName: chain.name,
      bots: options.bots,
      source,
      store,
      labels: chain.labels,
      traces: chain.traces !== 'none',
      log,
    })
  const begin = (): Promise<Engine> => {
    store = createMemoryEngineStore({ keepFindings: false })
    return open()
  }
  let engine = await open()

  const fetchBlock = async (header: ParsedHeader): Promise<ChainBlock> => {
    const { txHashes: _hashes, rawTransactions: _raw, ...plain } = header
    const times = { seenAtMs: performance.timeOrigin + performance.now(), catchingUp: false }
    if (!engine.wantsReceipts(header.logsBloom))
      return { ...plain, transactions: [], skipped: true, ...times }
    return { ...(await fetcher.byHash(header.hash, { header })), ...times }
  }
  const keep = (block: ChainHeader, examined: Examined): void => {
    answers.set(block.hash, examined)
    for (const oldest of answers.keys()) {
      if (answers.size <= KEPT_ANSWERS) break
      answers.delete(oldest)
    }
  }
  line = (recalled?.blocks ?? []).map(({ number, hash }) => ({ number, hash })).slice(-FINAL_AFTER)
  // Asked again about a block that was committed before the restart, it says what it said.
  for (const { hash } of line) {
    const findings = (recalled?.findings ?? []).filter((finding) => finding.blockHash === hash)
    answers.set(hash, { findings: findings.filter((one) => one.botId === botId), faults: [] })
  }
  const run = async (header: ParsedHeader): Promise<void> => {
    const block = await fetchBlock(header)
    const { findings, failures } = await engine.processBlock(block)
    line.push({ number: block.number, hash: block.hash })
    // Nothing older can be taken back.
    if (line.length > FINAL_AFTER) line = line.slice(-FINAL_AFTER)
    keep(block, {
      findings: findings.filter((finding) => finding.botId === botId),
      faults: [...failures].flatMap(([id, faults]) => faults.map((fault) => `${id}: ${fault}`)),
    })
    if (block.number % 16 === 0 && line.length >= FINAL_AFTER)
      await engine.finalize(block.number - FINAL_AFTER)
  }
  /** The headers from after the last block that is known to this one; undefined when the gap is too wide. */
  const climb = async (target: ParsedHeader): Promise<readonly ParsedHeader[] | undefined> => {
    const known = new Set(line.map(({ hash }) => hash))
    const path = [target]
    for (let oldest = target; !known.has(oldest.parentHash); ) {
      const edge = line[0]
      if (path.length > MOST_GAP || edge === undefined || oldest.number <= edge.number)
        return undefined
      oldest = await fetcher.headerByHash(oldest.parentHash)
      path.unshift(oldest)
    }
    return path
  }

  const examine: Examiner['examine'] = async ({ hash, header }) => {
    const done = answers.get(hash)
    if (done) return done
    const target = header ?? (await fetcher.headerByHash(hash))
    const head = line[line.length - 1]
    const edge = line[0]
    // Named long after its turn: it is passed over, and what the bot remembers stays.
    if (edge && target.number < edge.number && line.length >= SETTLED) return NOTHING
    let path: readonly ParsedHeader[] | undefined = [target]
    if (head && target.parentHash !== head.hash) {
      path = target.number - head.number > MOST_GAP ? undefined : await climb(target)
      if (path === undefined) {
        log.warn(
          { chain: chain.name, from: head.number, to: target.number },
          'The block does not join the ones before: what the bot remembers begins anew.',
        )
        await engine.stop()
        engine = await begin()
        line = []
        path = [target]
      }
      const at = line.findIndex((one) => one.hash === path?.[0]?.parentHash)
      const fork = line[at]
      if (fork && fork.hash !== head.hash) {
        await engine.rollback(fork, line.slice(at + 1).reverse())
        line = line.slice(0, at + 1)
      }
    }
    for (const one of path) await run(one)
    await keeper?.offer(store.snapshot)
    return answers.get(hash) ?? NOTHING
  }

  let queue: Promise<unknown> = Promise.resolve()
  let trouble: string | undefined
  return {
    examine: (block) => {
      const turn = queue.then(async () => {
        try {
          const made = await examine(block)
          trouble = undefined
          return made
        } catch (error) {
          trouble = messageOf(error)
          throw error
        }
      })
      queue = turn.catch(() => undefined)
      return turn
    },
    trouble: () => trouble ?? engine.trouble()?.reason,
    stop: async () => {
      await queue
      await engine.stop()
      await keeper?.save(store.snapshot())
      await pool.stop()
    },
  }
}

/** @throws TocsinError `forta_out.no_node` */
export const rpcUrlOf = (environment: NodeJS.ProcessEnv): string => {
  const { JSON_RPC_HOST: host, JSON_RPC_PORT: port } = environment
  if (!host)
    throw new TocsinError('forta_out.no_node', 'There is no node: JSON_RPC_HOST is not set.', {
      hints: ['Scan nodes set it. To try the bot: JSON_RPC_HOST=127.0.0.1 JSON_RPC_PORT=8545'],
      exitCode: 2,
    })
  return `http://${host}${port ? `:${port}` : ''}`
}

import { pino } from 'pino'
import type { Hex } from '../../core/base/index.ts'
import { type ChainBlock, createRangeSource, createRpcPool } from '../../core/chain/index.ts'
import type { CallTrace, ChainSource, ChainTransaction } from '../../core/chain/types.ts'
import {
  createEngine,
  createMemoryEngineStore,
  type Engine,
  type EngineBot,
  type Label,
} from '../../core/engine/index.ts'
import type { ThingInput } from '../../core/testing/index.ts'
import { startFeedScene } from './feedScene.ts'
import { type Answers, recordSource } from './recordSource.ts'
import { makeStrangers, traceStranger } from './strangers.ts'

/** Blocks as the engine gets them, in order. */
export type Feed = {
  readonly name: string
  readonly blocks: readonly ChainBlock[]
  /** Every read of every bot over them. */
  readonly record: Answers
}

export type Recording = {
  readonly chain: { readonly id: number; readonly name: string }
  readonly labels: readonly Label[]
  readonly things: readonly ThingInput[]
  /** Hashes of the transactions that really were on the chain. */
  readonly own: ReadonlySet<string>
  /** A tenth of the transactions touch what is watched. */
  readonly mixed: Feed
  /** All of them do. */
  readonly dense: Feed
  /** None of them does. */
  readonly quiet: Feed
  /** The blocks of `quiet` without their transactions. */
  readonly empty: Feed
}

export const TRANSACTIONS = 200
const WATCHED = 20

const withStrangers = (block: ChainBlock, count: number): ChainBlock => {
  const own = block.transactions
  const logIndex = own.reduce((sum, tx) => sum + tx.logs.length, 0)
  const strangers = makeStrangers(block.number, count, { txIndex: own.length, logIndex })
  return { ...block, transactions: [...own, ...strangers] }
}

/** Several blocks made one: all transactions at the state after the last. */
const mergeBlocks = (
  blocks: readonly ChainBlock[],
  parent: ChainBlock | undefined,
  number: number,
): ChainBlock => {
  const last = blocks.at(-1)
  if (!last) throw new Error('nothing to merge')
  let logIndex = 0
  const transactions = blocks
    .flatMap((block) => block.transactions)
    .map(
      (tx, index): ChainTransaction => ({
        ...tx,
        index,
        logs: tx.logs.map((log) => ({ ...log, txIndex: index, logIndex: logIndex++ })),
      }),
    )
  const parentHash = parent?.hash ?? blocks[0]?.parentHash ?? last.parentHash
  return { ...last, number, parentHash, transactions }
}

/** An engine over recorded or made-up blocks, with nothing stored. */
export const startFeedEngine = (
  { chain, labels }: Pick<Recording, 'chain' | 'labels'>,
  source: ChainSource,
  bots: readonly EngineBot[],
): Promise<Engine> =>
  createEngine({
    chainId: chain.id,
    chainName: chain.name,
    bots,
    source,
    store: createMemoryEngineStore({ keepBots: false, keepFindings: false }),
    labels,
    log: pino({ level: 'silent' }),
    dataPatienceMs: 0,
  })

/**
 * Records blocks of a local chain with everything that the bots read there, and adds to them what other people do.
 * The node is gone when it returns.
 */
export const recordFeed = async (blocks: number): Promise<Recording> => {
  const scene = await startFeedScene()
  const { anvil, chain, bots, labels, things } = scene
  const pool = createRpcPool({
    chainId: chain.id,
    chainName: chain.name,
    endpoints: [{ name: 'anvil', http: anvil.url }],
  })
  try {
    // Blocks in which nothing happens come first, so that the bots see a world that stands still.
    for (let at = 0; at < blocks; at++) await scene.mine(0)
    for (let at = 0; at < blocks; at++) await scene.mine(WATCHED)
    const range = createRangeSource(pool, {
      from: scene.start + 1,
      to: scene.start + 2 * blocks,
      transactions: 'full',
    })
    const all: ChainBlock[] = []
    for await (const block of range) all.push(block)
    const empty = all.slice(0, blocks)
    const busy = all.slice(blocks)
    const mixed = busy.map((block) =>
      withStrangers(block, TRANSACTIONS - block.transactions.length),
    )
    const quiet = empty.map((block) => withStrangers(block, TRANSACTIONS))
    const dense: ChainBlock[] = []
    const size = TRANSACTIONS / WATCHED
    for (let at = 0; at + size <= busy.length; at += size)
      dense.push(
        mergeBlocks(busy.slice(at, at + size), dense.at(-1), (busy[0]?.number ?? 0) + at / size),
      )
    const traces = new Map<Hex, readonly CallTrace[]>()
    for (const block of busy)
      for (const call of await range.source.traces(block))
        traces.set(call.txHash, [...(traces.get(call.txHash) ?? []), call])
    const play = async (name: string, played: readonly ChainBlock[]): Promise<Feed> => {
      const record: Answers = new Map()
      const byHash = new Map(played.map((block) => [block.hash, block]))
      const source = recordSource(chain, record, {
        ...range.source,
        traces: async ({ hash }) =>
          (byHash.get(hash)?.transactions ?? []).flatMap((tx) =>
            (traces.get(tx.hash) ?? traceStranger(tx)).map((call) => ({
              ...call,
              txIndex: tx.index,
            })),
          ),
      })
      const engine = await startFeedEngine({ chain, labels }, source, bots)
      for (const block of played) {
        const { failures } = await engine.processBlock(block)
        for (const [bot, faults] of failures) throw new Error(`${bot}: ${faults.join('; ')}`)
      }
      await engine.stop()
      return { name, blocks: played, record }
    }
    return {
      chain,
      labels,
      things,
      own: new Set(busy.flatMap(({ transactions }) => transactions.map(({ hash }) => hash))),
      mixed: await play('a tenth watched', mixed),
      dense: await play('all watched', dense),
      quiet: await play('nothing watched', quiet),
      empty: await play('empty', empty),
    }
  } finally {
    await pool.stop()
    await scene.stop()
  }
}

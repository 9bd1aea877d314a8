import type { Json } from '../base/index.ts'
import type { ChainBlock, ChainSource } from '../chain/types.ts'
import type { Logger } from '../telemetry/index.ts'
import { createEngine } from './createEngine.ts'
import type { EngineBot } from './engineBot.ts'
import { createMemoryEngineStore } from './memoryEngineStore.ts'
import type { RemoteReader } from './remoteViews.ts'
import type { Label, RemoteView } from './types.ts'

/** Another chain beside a run over history: its bots run as well, and what they keep is seen as far as time has come. */
export type RemoteHistory = {
  /** Runs every block up to this moment (block time, s). Moments never go back. @throws as `Engine.processBlock` */
  readonly advance: (timestampS: number) => Promise<void>
  /** What a bot keeps there now; undefined before the first block. */
  readonly view: (botId: string, keys: readonly string[]) => RemoteView | undefined
  readonly stop: () => Promise<void>
}

export type RemoteHistoryOptions = {
  readonly chain: { readonly id: number; readonly name: string }
  /** The bots of that chain whose state is asked for. What they find is not told. */
  readonly bots: readonly EngineBot[]
  readonly labels?: readonly Label[]
  readonly source: ChainSource
  /** In order and without gaps. */
  readonly blocks: AsyncIterable<ChainBlock>
  /** History does not say what was final when: all that lies so many blocks, or so many seconds, back. */
  readonly finality: { readonly depth: number } | { readonly ageS: number }
  readonly traces?: boolean
  readonly dataPatienceMs?: number
  readonly log: Logger
}

type Point = { readonly number: number; readonly timestampS: number }
type Kept = { readonly value: Json; readonly blockNumber: number }

const FINALIZE_EVERY = 256

/** The state of bots by bot and key, as the engine commits it. */
const createMirror = () => {
  const bots = new Map<string, Map<string, Kept>>()
  const memory = createMemoryEngineStore({ keepBots: false, keepFindings: false })
  const commitBlock: typeof memory.commitBlock = async (commit, hook) => {
    await memory.commitBlock(commit, hook)
    for (const { botId, key, value } of commit.state) {
      const own = bots.get(botId) ?? new Map<string, Kept>()
      bots.set(botId, own)
      if (value === undefined) own.delete(key)
      else own.set(key, { value, blockNumber: commit.block.number })
    }
  }
  return {
    store: { ...memory, commitBlock },
    read: (botId: string, keys: readonly string[]): RemoteView['values'] =>
      new Map(
        keys.flatMap((key) => {
          const kept = bots.get(botId)?.get(key)
          return kept ? [[key, { ...kept, value: structuredClone(kept.value) }]] : []
        }),
      ),
  }
}

/** @throws TocsinError `bot.needs_invalid` */
export const openRemoteHistory = async (options: RemoteHistoryOptions): Promise<RemoteHistory> => {
  const { chain, finality, log } = options
  const mirror = createMirror()
  const engine = await createEngine({
    chainId: chain.id,
    chainName: chain.name,
    bots: options.bots,
    source: options.source,
    store: mirror.store,
    labels: options.labels ?? [],
    log,
    traces: options.traces ?? true,
    ...(options.dataPatienceMs === undefined ? {} : { dataPatienceMs: options.dataPatienceMs }),
  })
  const blocks = options.blocks[Symbol.asyncIterator]()
  let next: IteratorResult<ChainBlock> | undefined
  let failing: ReadonlySet<string> = new Set()
  let head: Point | undefined
  let finalized: Point | undefined
  /** Blocks that are not final yet, oldest first. */
  let young: Point[] = []
  let count = 0

  const isFinal = ({ number, timestampS }: Point, nowS: number): boolean =>
    'depth' in finality
      ? number <= (head?.number ?? 0) - finality.depth
      : timestampS <= nowS - finality.ageS

  return {
    advance: async (nowS) => {
      for (;;) {
        next ??= await blocks.next()
        if (next.done || next.value.timestampS > nowS) break
        const block = next.value
        next = undefined
        const { failures } = await engine.processBlock(block)
        failing = new Set(failures.keys())
        head = { number: block.number, timestampS: block.timestampS }
        young.push(head)
        if (++count % FINALIZE_EVERY === 0) await engine.finalize(block.number)
      }
      const still = young.findIndex((point) => !isFinal(point, nowS))
      const final = still < 0 ? young.length : still
      finalized = young[final - 1] ?? finalized
      young = young.slice(final)
    },
    view: (botId, keys) =>
      head && { head, finalized, isWell: !failing.has(botId), values: mirror.read(botId, keys) },
    stop: async () => {
      await blocks.return?.()
      await engine.stop()
    },
  }
}

/** What bots of one lane keep on other chains, by the name of the chain. */
export const readRemotes =
  (remotes: ReadonlyMap<string, RemoteHistory>): RemoteReader =>
  async ({ botId, chain, keys }) =>
    remotes.get(chain)?.view(botId, keys)

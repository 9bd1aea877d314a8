import type { ChainBlock, ChainSource } from '../chain/types.ts'
import type { Logger } from '../telemetry/index.ts'
import type { BotMarks } from './botMarks.ts'
import { createEngine, type Engine, type ProcessedBlock } from './createEngine.ts'
import type { EngineBot } from './engineBot.ts'
import { lookAhead } from './lookAhead.ts'
import { createMemoryEngineStore } from './memoryEngineStore.ts'
import { type RemoteHistory, readRemotes } from './remoteHistory.ts'
import { shareSource } from './shareSource.ts'
import type { Label } from './types.ts'

export type LanesOptions = {
  readonly chain: { readonly id: number; readonly name: string }
  /** Sets of bots that run side by side over the same blocks, each with a memory of its own. */
  readonly lanes: readonly (readonly EngineBot[])[]
  readonly labels?: readonly Label[]
  /** Other chains beside it, for each lane by the name of the chain. Default: nothing is known of other chains. */
  readonly remotes?: readonly ReadonlyMap<string, RemoteHistory>[]
  readonly source: ChainSource
  /** In order and without gaps. */
  readonly blocks: AsyncIterable<ChainBlock>
  /** Hears of each block when every lane has run it; `done` in the order of the lanes. */
  readonly onBlock: (
    block: ChainBlock,
    done: readonly ProcessedBlock[],
    totals: { readonly blocks: number; readonly transactions: number },
  ) => void
  readonly log: Logger
  /** False: no block is traced. Default: true. */
  readonly traces?: boolean
  /** Blocks whose data are fetched before their turn. Default: 64. */
  readonly ahead?: number
  readonly signal?: AbortSignal
  /** Where the process's watchdog reads whose code is on the thread. Default: no watchdog. */
  readonly marks?: BotMarks | undefined
  /** How long to try for data of a block (ms). Default: 15000. */
  readonly dataPatienceMs?: number
}

export type LanesResult = {
  readonly blocks: number
  readonly transactions: number
  readonly seconds: number
}

/** Old state is forgotten every so many blocks: history is not rolled back. */
const FINALIZE_EVERY = 256
/** Answers are kept for so many blocks that lanes have left: the next block asks for its parent. */
const KEPT_BEHIND = 8

const openEngines = async (options: LanesOptions, source: ChainSource): Promise<Engine[]> => {
  const { chain } = options
  const engines: Engine[] = []
  for (const [index, bots] of options.lanes.entries()) {
    const remotes = options.remotes?.[index]
    engines.push(
      await createEngine({
        chainId: chain.id,
        chainName: chain.name,
        bots,
        source,
        store: createMemoryEngineStore({ keepBots: false, keepFindings: false }),
        labels: options.labels ?? [],
        log: options.log,
        traces: options.traces ?? true,
        marks: options.marks,
        ...(remotes ? { remote: readRemotes(remotes) } : {}),
        ...(options.dataPatienceMs === undefined ? {} : { dataPatienceMs: options.dataPatienceMs }),
      }),
    )
  }
  return engines
}

/**
 * Runs sets of bots over history by the same engine as live, with nothing stored. Fetching overlaps running, and what
 * several lanes want of a block is fetched once.
 * @throws TocsinError `bot.needs_invalid`, `engine.data_unavailable`
 */
export const runLanes = async (options: LanesOptions): Promise<LanesResult> => {
  const { signal } = options
  const ahead = options.ahead ?? 64
  const source = shareSource(options.source, { blocks: ahead + KEPT_BEHIND })
  const engines = await openEngines(options, source)
  const others = [...new Set(options.remotes?.flatMap((remotes) => [...remotes.values()]))]
  const startedMs = performance.now()
  let blocks = 0
  let transactions = 0
  const begin = (block: ChainBlock) =>
    engines.map((engine) => {
      const prepared = engine.prepare(block)
      prepared.catch(() => undefined)
      return prepared
    })
  try {
    for await (const { value: block, begun } of lookAhead(options.blocks, ahead, begin)) {
      if (signal?.aborted) break
      // No bot waits for another chain: by its turn that has come as far as this block's time.
      for (const other of others) await other.advance(block.timestampS)
      const done: ProcessedBlock[] = []
      for (const [index, engine] of engines.entries())
        done.push(await engine.processBlock(block, begun[index]))
      blocks++
      transactions += block.transactions.length
      if (blocks % FINALIZE_EVERY === 0)
        for (const engine of engines) await engine.finalize(block.number)
      options.onBlock(block, done, { blocks, transactions })
    }
  } finally {
    for (const engine of engines) await engine.stop()
  }
  return { blocks, transactions, seconds: (performance.now() - startedMs) / 1_000 }
}

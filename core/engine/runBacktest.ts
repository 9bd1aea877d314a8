import type { ChainBlock, ChainSource } from '../chain/types.ts'
import type { Logger } from '../telemetry/index.ts'
import type { BotMarks } from './botMarks.ts'
import { createEngine } from './createEngine.ts'
import type { EngineBot } from './engineBot.ts'
import type { FindingRow } from './engineStore.ts'
import { lookAhead } from './lookAhead.ts'
import { createMemoryEngineStore } from './memoryEngineStore.ts'
import type { Label } from './types.ts'

export type BacktestOptions = {
  readonly chain: { readonly id: number; readonly name: string }
  readonly bots: readonly EngineBot[]
  readonly labels?: readonly Label[]
  readonly source: ChainSource
  /** In order and without gaps. */
  readonly blocks: AsyncIterable<ChainBlock>
  readonly onFinding?: (finding: FindingRow) => void
  readonly onProgress?: (
    block: ChainBlock,
    totals: { readonly blocks: number; readonly transactions: number },
  ) => void
  readonly onFailure?: (botId: string, block: ChainBlock, faults: readonly string[]) => void
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

export type BacktestResult = {
  readonly blocks: number
  readonly transactions: number
  readonly findings: number
  /** Per bot that failed: in how many blocks. */
  readonly failures: ReadonlyMap<string, number>
  readonly seconds: number
}

/** Old state is forgotten every so many blocks: history is not rolled back. */
const FINALIZE_EVERY = 256

/**
 * Runs bots over history by the same engine as live, with nothing stored. Fetching overlaps running.
 * @throws TocsinError `bot.needs_invalid`, `engine.data_unavailable`
 */
export const runBacktest = async (options: BacktestOptions): Promise<BacktestResult> => {
  const { chain, bots, source, signal } = options
  const engine = await createEngine({
    chainId: chain.id,
    chainName: chain.name,
    bots,
    source,
    store: createMemoryEngineStore({ keepBots: false, keepFindings: false }),
    labels: options.labels ?? [],
    log: options.log,
    traces: options.traces ?? true,
    marks: options.marks,
    ...(options.dataPatienceMs === undefined ? {} : { dataPatienceMs: options.dataPatienceMs }),
  })
  const startedMs = performance.now()
  const failures = new Map<string, number>()
  let blocks = 0
  let transactions = 0
  let findings = 0
  const begin = (block: ChainBlock): ReturnType<typeof engine.prepare> => {
    const prepared = engine.prepare(block)
    prepared.catch(() => undefined)
    return prepared
  }
  try {
    for await (const { value: block, begun } of lookAhead(
      options.blocks,
      options.ahead ?? 64,
      begin,
    )) {
      if (signal?.aborted) break
      const done = await engine.processBlock(block, begun)
      blocks++
      transactions += block.transactions.length
      for (const finding of done.findings) {
        findings++
        options.onFinding?.(finding)
      }
      for (const [botId, faults] of done.failures) {
        failures.set(botId, (failures.get(botId) ?? 0) + 1)
        options.onFailure?.(botId, block, faults)
      }
      if (blocks % FINALIZE_EVERY === 0) await engine.finalize(block.number)
      options.onProgress?.(block, { blocks, transactions })
    }
  } finally {
    await engine.stop()
  }
  return {
    blocks,
    transactions,
    findings,
    failures,
    seconds: (performance.now() - startedMs) / 1_000,
  }
}

import type { ChainBlock } from '../chain/types.ts'
import type { EngineBot } from './engineBot.ts'
import type { FindingRow } from './engineStore.ts'
import { type LanesOptions, type LanesResult, runLanes } from './runLanes.ts'

export type BacktestOptions = Omit<LanesOptions, 'lanes' | 'onBlock'> & {
  readonly bots: readonly EngineBot[]
  readonly onFinding?: (finding: FindingRow) => void
  readonly onFailure?: (botId: string, block: ChainBlock, faults: readonly string[]) => void
  readonly onProgress?: (
    block: ChainBlock,
    totals: { readonly blocks: number; readonly transactions: number },
  ) => void
}

export type BacktestResult = LanesResult & {
  readonly findings: number
  /** Per bot that failed: in how many blocks. */
  readonly failures: ReadonlyMap<string, number>
}

/**
 * Runs bots over history by the same engine as live, with nothing stored. Fetching overlaps running.
 * @throws TocsinError `bot.needs_invalid`, `engine.data_unavailable`
 */
export const runBacktest = async (options: BacktestOptions): Promise<BacktestResult> => {
  const failures = new Map<string, number>()
  let findings = 0
  const result = await runLanes({
    ...options,
    lanes: [options.bots],
    onBlock: (block, [done], totals) => {
      for (const finding of done?.findings ?? []) {
        findings++
        options.onFinding?.(finding)
      }
      for (const [botId, faults] of done?.failures ?? []) {
        failures.set(botId, (failures.get(botId) ?? 0) + 1)
        options.onFailure?.(botId, block, faults)
      }
      options.onProgress?.(block, totals)
    },
  })
  return { ...result, findings, failures }
}

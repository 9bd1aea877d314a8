import type { DiffReport } from './setDiff.ts'
import type { SetReport } from './setTally.ts'

/** All that a backtest has to say. */
export type BacktestReport = {
  readonly watchlist: string
  readonly chain: string
  readonly from: number
  readonly to: number
  /** Time of the first and of the last block (UTC, ISO 8601). */
  readonly since: string | undefined
  readonly until: string | undefined
  /** Days of block time. */
  readonly days: number
  readonly blocks: number
  readonly transactions: number
  readonly seconds: number
  readonly blocksPerSecond: number
  readonly transactionsPerSecond: number
  /** The watchlist's own parameters. */
  readonly base: SetReport
  /** Those of `--compare`. */
  readonly other: (SetReport & { readonly file: string }) | undefined
  readonly diff: DiffReport | undefined
  /** Labelled incidents that lie outside of the range or on other chains. */
  readonly outside: number | undefined
  readonly graceBlocks: number
}

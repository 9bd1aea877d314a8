import type { Json } from '../base/index.ts'

/** How a process is doing, in one sentence and figures. */
export type ProcessReport = {
  readonly status: 'ok' | 'degraded' | 'starting'
  /** Empty when ok. */
  readonly reason: string
  readonly detail: Json
}

/** What every process of Tocsin is, seen from the command line that runs it. */
export type RunningProcess = {
  readonly report: () => ProcessReport | Promise<ProcessReport>
  /** Finishes the work in hand and lets go of everything. */
  readonly stop: () => Promise<void>
  /** Called after the watchlist changed; thresholds and routes are taken up without a restart. */
  readonly reload?: (config: import('../config/types.ts').Config) => Promise<void>
}

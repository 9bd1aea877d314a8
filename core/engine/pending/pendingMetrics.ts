import type { Meter } from '../../telemetry/index.ts'

/** What became of a pending transaction that was looked at. */
export type PendingOutcome = 'untouched' | 'nothing' | 'found' | 'unfit' | 'failed' | 'missed'

export type PendingMetrics = {
  readonly onOutcome: (chain: string, outcome: PendingOutcome, by?: number) => void
  /** From hearing of the transaction to the commit of its findings. */
  readonly onCommit: (chain: string, seconds: number) => void
  readonly onClosed: (chain: string, status: 'landed' | 'dropped') => void
}

export const createPendingMetrics = (meter: Meter): PendingMetrics => {
  const outcomes = meter.counter({
    name: 'tocsin_watcher_pending_transactions_total',
    help: 'Pending transactions by what became of them: simulated and found harmless, found something, or never looked at.',
    labels: ['chain', 'outcome'],
  })
  const latency = meter.histogram({
    name: 'tocsin_watcher_pending_to_commit_seconds',
    help: 'From hearing of a pending transaction to the commit of its findings.',
    labels: ['chain'],
  })
  const closed = meter.counter({
    name: 'tocsin_watcher_pending_closed_total',
    help: 'Pending transactions with findings that were mined (landed) or never will be (dropped).',
    labels: ['chain', 'status'],
  })
  return {
    onOutcome: (chain, outcome, by) => outcomes.add({ chain, outcome }, by),
    onCommit: (chain, seconds) => latency.observe({ chain }, seconds),
    onClosed: (chain, status) => closed.add({ chain, status }),
  }
}

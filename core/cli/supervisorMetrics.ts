import type { Meter } from '../telemetry/index.ts'

export type SupervisorMetrics = { readonly onRestart: (process: string) => void }

/** What the supervisor tells Prometheus of the processes that it keeps alive. */
export const createSupervisorMetrics = (
  meter: Meter,
  processes: readonly string[],
  isUp: (process: string) => boolean,
): SupervisorMetrics => {
  const restarts = meter.counter({
    name: 'tocsin_supervisor_restarts_total',
    help: 'How often a process ended by itself and was started again.',
    labels: ['process'],
  })
  const up = meter.gauge({
    name: 'tocsin_supervisor_process_up',
    help: '1 while the process runs, 0 while it waits to be started again.',
    labels: ['process'],
  })
  for (const process of processes) restarts.add({ process }, 0)
  meter.onScrape(() => {
    for (const process of processes) up.set({ process }, isUp(process) ? 1 : 0)
  })
  return { onRestart: (process) => restarts.add({ process }) }
}

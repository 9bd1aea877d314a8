import { createLoop, messageOf } from '../base/index.ts'
import type { Config } from '../config/types.ts'
import { createListener, type Store } from '../store/index.ts'
import type { Logger, Meter, ProcessReport, RunningProcess } from '../telemetry/index.ts'
import { escalate, readNow } from './escalate.ts'
import { handOver } from './handover.ts'
import { sendIssues } from './jiraIssues.ts'
import { registerOnCallMetrics } from './metrics.ts'
import { closeAnswered } from './openEscalations.ts'
import { dropRingsOfEnded } from './ringAgain.ts'
import { fileTickets } from './tickets.ts'
import { whoIsOnCall } from './whoIsOnCall.ts'

type RunningConfig = Pick<Config, 'channels' | 'chains' | 'onCall'>

const TICK_MS = 1_000
const SLOW_MS = 15_000

/**
 * Pages whoever is on call, goes on to the next when nobody answers, reports hand-overs and files tickets. Its timers
 * are rows: any number may run on one database, and one that is killed loses nothing. Without `onCall` it does nothing.
 */
export const startOnCall = (options: {
  readonly config: RunningConfig
  readonly store: Store
  readonly log: Logger
  readonly meter?: Meter | undefined
}): RunningProcess & { readonly reload: (config: RunningConfig) => Promise<void> } => {
  const { store, log } = options
  const { db } = store
  let { config } = options
  const troubles = new Map<string, string>()
  const loop = (what: string, pauseMs: number, turn: () => Promise<void>) =>
    createLoop(
      async () => {
        await turn()
        troubles.delete(what)
      },
      {
        pauseMs,
        onError: (error) => {
          if (!troubles.has(what)) log.error({ error: messageOf(error) }, `${what} failed.`)
          troubles.set(what, messageOf(error))
        },
      },
    )
  const paging = loop('Paging', TICK_MS, async () => {
    const { onCall } = config
    if (onCall) await escalate({ db, config: { ...config, onCall } })
  })
  const slow = loop('Hand-overs and tickets', SLOW_MS, async () => {
    const { onCall } = config
    if (!onCall) return
    const now = await readNow(db)
    await handOver(db, { ...config, onCall }, now)
    await fileTickets(db, onCall, now)
    await dropRingsOfEnded(db)
    await closeAnswered(db, onCall)
    const { jira } = onCall.tickets
    if (jira) await sendIssues(db, jira)
  })
  const listener = createListener({
    url: store.url,
    topics: ['tocsin_outbox', 'tocsin_alert'],
    onNotify: paging.wake,
    onError: (error) => log.warn({ error: messageOf(error) }, 'The pager lost its listener.'),
  })
  if (options.meter) registerOnCallMetrics(options.meter, db)

  const report = async (): Promise<ProcessReport> => {
    const { onCall } = config
    const now = new Date()
    const detail = onCall
      ? Object.fromEntries(
          Object.keys(onCall.teams).map((team) => {
            const who = whoIsOnCall(onCall, [], team, now)
            return [team, who.primary?.person ?? 'nobody']
          }),
        )
      : {}
    const reasons = [...troubles].map(([what, why]) => `${what.toLowerCase()} failed: ${why}`)
    return { status: reasons.length > 0 ? 'degraded' : 'ok', reason: reasons.join('; '), detail }
  }
  return {
    report,
    reload: async (next) => {
      config = next
      paging.wake()
      slow.wake()
    },
    stop: async () => {
      await listener.stop()
      await paging.stop()
      await slow.stop()
    },
  }
}

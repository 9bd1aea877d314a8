import { createLoop, messageOf } from '../base/index.ts'
import type { ChannelConfig, Config } from '../config/types.ts'
import type { LabelledConfig } from '../labels/index.ts'
import { createListener, type Store } from '../store/index.ts'
import {
  type Logger,
  type Meter,
  noMeter,
  type ProcessReport,
  type RunningProcess,
} from '../telemetry/index.ts'
import { closeQuietAlerts } from './changeAlert.ts'
import { createChannel } from './channels/createChannel.ts'
import { type ChannelWorker, drainChannel } from './drainChannel.ts'
import { foldFindings } from './foldFindings.ts'
import { tickIncidents } from './incident/tickIncidents.ts'
import { createNotifierMetrics } from './notifierMetrics.ts'
import { readChannelFigures } from './outbox.ts'
import { createPresence } from './presence.ts'
import { createThreadBook, forgetThreads } from './threads.ts'
import type { AlertMessage, Channel, ChannelFigures } from './types.ts'

/** The part of the configuration that the notifier reads. */
export type NotifierConfig = Pick<Config, 'channels' | 'routes' | 'chains' | 'dataDir'> &
  Partial<Pick<Config, 'incidents' | 'dependencies' | 'people'>> &
  LabelledConfig

export type Notifier = RunningProcess & {
  readonly reload: (config: NotifierConfig) => Promise<void>
}

export type NotifierOptions = {
  readonly config: NotifierConfig
  readonly store: Store
  readonly log: Logger
  /** Default: nothing is measured. */
  readonly meter?: Meter
  /** Where the runbook of a bot lies, as people are told. */
  readonly runbookFor?: (botId: string) => string | undefined
  /** Last touch before a message leaves by a channel. */
  readonly prepare?: (
    message: AlertMessage,
    channel: string,
  ) => AlertMessage | Promise<AlertMessage>
  /** For tests: stands in for the channels of the watchlist. */
  readonly createChannel?: (config: ChannelConfig) => Channel
  readonly backoffBaseMs?: number
}

/** A message that waits longer than this makes the notifier say that it is degraded (s). */
const LATE_S = 30
const SWEEP_MS = 60_000

type Worker = { readonly settings: string; readonly worker: ChannelWorker }

/**
 * Follows findings, folds them into alerts and incidents, and delivers what people must know. Any number may run on
 * one database. Nothing is lost or told twice under another key, whenever one is killed.
 * @throws TocsinError when a channel's settings cannot work
 */
export const startNotifier = async (options: NotifierOptions): Promise<Notifier> => {
  const { store, log } = options
  let { config } = options
  const build = (entry: ChannelConfig): Channel => {
    const threads = createThreadBook(store.db, entry.name)
    const { dataDir } = config
    const channel = options.createChannel?.(entry) ?? createChannel(entry, { dataDir, threads })
    const { prepare } = options
    if (!prepare) return channel
    return {
      ...channel,
      send: async (message, signal) => channel.send(await prepare(message, entry.name), signal),
    }
  }
  let channels = new Map(config.channels.map((entry) => [entry, build(entry)]))
  const workers = new Map<string, Worker>()
  const metrics = createNotifierMetrics(options.meter ?? noMeter, store.db)
  const wakeWorkers = (): void => {
    for (const { worker } of workers.values()) worker.wake()
  }
  const presence = await createPresence({ store, log, onReleased: wakeWorkers })

  const employ = async (): Promise<void> => {
    for (const [name, { worker, settings }] of workers) {
      const still = config.channels.find((entry) => entry.name === name)
      if (still && JSON.stringify(still) === settings) continue
      workers.delete(name)
      await worker.stop()
    }
    for (const [entry, channel] of channels) {
      if (workers.has(entry.name)) continue
      const { backoffBaseMs } = options
      metrics.onChannel(entry.name)
      const worker = drainChannel({
        db: store.db,
        channel,
        presence,
        log,
        onDelivery: (outcome, seconds) => metrics.onDelivery(entry.name, outcome, seconds),
        ...(backoffBaseMs === undefined ? {} : { backoffBaseMs }),
      })
      workers.set(entry.name, { settings: JSON.stringify(entry), worker })
    }
  }
  await employ()

  let foldError = ''
  let sweptAt = 0
  let folded = 0
  const folding = createLoop(
    async (signal) => {
      for (;;) {
        const count = await foldFindings({ db: store.db, config, runbookFor: options.runbookFor })
        folded += count
        metrics.onFolded(count)
        foldError = ''
        if (count === 0 || signal.aborted) break
        // In a storm what is held back comes due between two batches.
        await tickIncidents({ db: store.db, config })
      }
      await tickIncidents({ db: store.db, config })
      if (Date.now() - sweptAt < SWEEP_MS) return
      await closeQuietAlerts({ db: store.db, config })
      await forgetThreads(store.db)
      sweptAt = Date.now()
    },
    {
      pauseMs: 1_000,
      onError: (error) => {
        if (!foldError) log.error({ error: messageOf(error) }, 'Findings could not be folded.')
        foldError = messageOf(error)
      },
    },
  )
  const listener = createListener({
    url: store.url,
    topics: ['tocsin_finding', 'tocsin_outbox'],
    onNotify: (topic) => (topic === 'tocsin_finding' ? folding.wake() : wakeWorkers()),
    onError: (error) => log.warn({ error: messageOf(error) }, 'The listener lost its connection.'),
  })

  return {
    report: async () => {
      const figures = await readChannelFigures(store.db)
      return encodeReport({ figures, workers, foldError, folded })
    },
    reload: async (next) => {
      // Built first: settings that cannot work leave everything as it was.
      const built = new Map(next.channels.map((entry) => [entry, build(entry)]))
      config = next
      channels = built
      await employ()
      folding.wake()
      wakeWorkers()
    },
    stop: async () => {
      await listener.stop()
      await folding.stop()
      await Promise.all([...workers.values()].map(({ worker }) => worker.stop()))
      await presence.stop()
    },
  }
}

const encodeReport = (state: {
  readonly figures: Readonly<Record<string, ChannelFigures>>
  readonly workers: ReadonlyMap<string, Worker>
  readonly foldError: string
  readonly folded: number
}): ProcessReport => {
  const reasons: string[] = state.foldError ? [`findings cannot be folded: ${state.foldError}`] : []
  for (const [name, { pending, oldestPendingS, dead, lastError }] of Object.entries(
    state.figures,
  )) {
    const trouble = state.workers.get(name)?.worker.trouble() || lastError
    const why = trouble ? ` (${trouble})` : ''
    if (dead > 0) reasons.push(`channel ${name} refused ${dead} messages for good${why}`)
    if (pending === 0) continue
    if (!state.workers.has(name)) {
      reasons.push(
        `${pending} messages wait for channel ${name}, which the watchlist does not name`,
      )
    } else if (oldestPendingS > LATE_S) {
      reasons.push(`channel ${name} is ${oldestPendingS} s behind with ${pending} messages${why}`)
    }
  }
  const channels = Object.fromEntries(
    [...new Set([...state.workers.keys(), ...Object.keys(state.figures)])].map((name) => [
      name,
      {
        pending: 0,
        oldestPendingS: 0,
        dead: 0,
        lastError: null,
        ...state.figures[name],
        sent: state.workers.get(name)?.worker.sent() ?? 0,
      },
    ]),
  )
  return {
    status: reasons.length > 0 ? 'degraded' : 'ok',
    reason: reasons.join('; '),
    detail: { folded: state.folded, channels },
  }
}

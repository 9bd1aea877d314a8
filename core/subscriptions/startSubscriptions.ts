import { sql } from 'drizzle-orm'
import { messageOf } from '../base/index.ts'
import type { SubscriptionConfig } from '../config/types.ts'
import type { Store } from '../store/index.ts'
import {
  type Logger,
  type Meter,
  noMeter,
  type ProcessReport,
  SECONDS_BUCKETS,
} from '../telemetry/index.ts'
import { createEndpoint, type Endpoint, type WebhookConfig } from './createEndpoint.ts'
import { createEventTip } from './followEvents.ts'
import { createMatcher } from './matchesFilter.ts'
import {
  type DeliveryResult,
  type SubscriptionWorker,
  serveSubscription,
} from './serveSubscription.ts'
import { createSessionLocks } from './sessionLocks.ts'
import { registerSubscription } from './subscriptionStore.ts'
import type { KnownChain } from './types.ts'

export type SubscriptionsConfig = {
  readonly subscriptions?: readonly SubscriptionConfig[] | undefined
  readonly chains: readonly KnownChain[]
}

export type Subscriptions = {
  readonly report: () => Promise<ProcessReport>
  readonly reload: (config: SubscriptionsConfig) => Promise<void>
  readonly stop: () => Promise<void>
}

/** `endpoint` is undefined where everything stays as it is. */
type Wanted = {
  readonly entry: WebhookConfig
  readonly settings: string
  readonly endpoint: Endpoint | undefined
}

/** How long events and the log of deliveries are kept, and so how far back a replay reaches. */
const KEEP_DAYS = 30

const webhooksIn = (config: SubscriptionsConfig): readonly WebhookConfig[] =>
  (config.subscriptions ?? []).filter((entry) => entry.kind === 'webhook')

const createMetrics = (meter: Meter, store: Store) => {
  const labels = ['subscription'] as const
  const deliveries = meter.counter({
    name: 'tocsin_subscription_deliveries_total',
    help: 'Requests to subscribers, by what came of them.',
    labels: [...labels, 'outcome'],
  })
  const seconds = meter.histogram({
    name: 'tocsin_subscription_delivery_seconds',
    help: 'One request to a subscriber, whatever came of it.',
    labels,
    buckets: SECONDS_BUCKETS,
  })
  const waiting = meter.gauge({
    name: 'tocsin_subscription_oldest_seconds',
    help: 'Age of the oldest event that a subscriber has not settled; 0 when there is none.',
    labels,
  })
  meter.onScrape(async () => {
    const { rows } = await store.db.execute<{ name: string; oldest: number | null }>(sql`
      select s.name, (select extract(epoch from now() - e.at)::float8 from tocsin.finding_event e
        where e.seq > s.cursor order by e.seq limit 1) as oldest
      from tocsin.subscription s where s.status = 'active'`)
    waiting.clear()
    for (const { name, oldest } of rows) waiting.set({ subscription: name }, Number(oldest ?? 0))
  })
  return (subscription: string, outcome: DeliveryResult, took: number): void => {
    deliveries.add({ subscription, outcome })
    seconds.observe({ subscription }, took)
  }
}

/**
 * Delivers findings to all webhook subscribers. Any number of processes may do so on one database: each subscriber is
 * served by one of them, and by the next at once when that one is gone. One whose settings cannot work gets nothing and
 * makes the report `degraded`.
 */
export const startSubscriptions = async (options: {
  readonly config: SubscriptionsConfig
  readonly store: Store
  readonly log: Logger
  readonly meter?: Meter
  readonly backoffBaseMs?: number
}): Promise<Subscriptions> => {
  const { store, log, backoffBaseMs } = options
  const locks = createSessionLocks(store, log)
  const workers = new Map<string, { readonly settings: string; worker: SubscriptionWorker }>()
  const faults = new Map<string, string>()
  const onResult = createMetrics(options.meter ?? noMeter, store)

  const employ = async (config: SubscriptionsConfig): Promise<void> => {
    faults.clear()
    const wanted = webhooksIn(config).flatMap((entry): readonly Wanted[] => {
      const settings = JSON.stringify([entry, config.chains.map(({ id, name }) => [id, name])])
      if (workers.get(entry.name)?.settings === settings)
        return [{ entry, settings, endpoint: undefined }]
      // What one team cannot have must not keep anybody from being told.
      try {
        return [{ entry, settings, endpoint: createEndpoint(entry, config.chains) }]
      } catch (error) {
        faults.set(entry.name, messageOf(error))
        log.error({ subscription: entry.name, error: messageOf(error) }, 'It gets nothing.')
        return []
      }
    })
    for (const [name, { worker }] of workers) {
      const next = wanted.find(({ entry }) => entry.name === name)
      if (next && next.endpoint === undefined) continue
      workers.delete(name)
      await worker.stop()
    }
    for (const { entry, settings, endpoint } of wanted) {
      if (!endpoint) continue
      await registerSubscription(store.db, entry.name)
      const worker = serveSubscription({
        name: entry.name,
        db: store.db,
        locks,
        endpoint,
        matches: createMatcher(entry.filter, config.chains),
        log,
        giveUpAfterMs: entry.giveUpAfterH * 3_600_000,
        onResult: (result, took) => onResult(entry.name, result, took),
        ...(backoffBaseMs === undefined ? {} : { backoffBaseMs }),
      })
      workers.set(entry.name, { settings, worker })
    }
  }
  await employ(options.config)
  const tip = createEventTip({
    store,
    log,
    keepDays: KEEP_DAYS,
    onAdvance: () => {
      for (const { worker } of workers.values()) worker.wake()
    },
  })
  return {
    report: async () => {
      const troubles = [...workers].flatMap(([name, { worker }]) =>
        worker.trouble() ? [`subscriber ${name}: ${worker.trouble()}`] : [],
      )
      return {
        // A receiver of somebody else's that is away makes nothing here unwell.
        status: faults.size > 0 ? 'degraded' : 'ok',
        reason: [...faults.values()].join(' '),
        detail: { subscribers: workers.size, troubles },
      }
    },
    reload: employ,
    stop: async () => {
      await tip.stop()
      await Promise.all([...workers.values()].map(({ worker }) => worker.stop()))
      await locks.stop()
    },
  }
}

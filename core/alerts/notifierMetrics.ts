import { sql } from 'drizzle-orm'
import type { Database } from '../store/index.ts'
import type { Meter } from '../telemetry/index.ts'

/** `refused`: for good by the receiver's word, yet tried again. `dead`: given up. */
export type DeliveryOutcome = 'sent' | 'retry' | 'refused' | 'dead'

export type NotifierMetrics = {
  readonly onFolded: (findings: number) => void
  readonly onDelivery: (channel: string, outcome: DeliveryOutcome, seconds: number) => void
  /** Makes a channel visible before its first message. */
  readonly onChannel: (channel: string) => void
}

const OUTCOMES: readonly DeliveryOutcome[] = ['sent', 'retry', 'refused', 'dead']
const SEVERITIES = ['SEV1', 'SEV2', 'SEV3', 'SEV4'] as const
const CHANNEL = ['channel'] as const

/** Open alerts, read at each scrape. */
const registerAlerts = (meter: Meter, db: Database): void => {
  const open = meter.gauge({
    name: 'tocsin_alerts_open',
    help: 'Alerts that are open or whose condition cannot be told now.',
    labels: ['severity'],
  })
  const unclaimed = meter.gauge({
    name: 'tocsin_alerts_unacknowledged',
    help: 'Open alerts that nobody has acknowledged.',
    labels: ['severity'],
  })
  meter.onScrape(async () => {
    const { rows } = await db.execute<{ severity: string; open: number; unclaimed: number }>(sql`
      select severity, count(*)::int as open,
        count(*) filter (where acknowledged_at is null)::int as unclaimed
      from tocsin.alert where status in ('open', 'unknown') group by severity`)
    for (const severity of SEVERITIES) {
      const row = rows.find((one) => one.severity === severity)
      open.set({ severity }, row?.open ?? 0)
      unclaimed.set({ severity }, row?.unclaimed ?? 0)
    }
  })
}

/** How every channel stands, also one that the watchlist no longer names; read at each scrape. */
const registerOutbox = (meter: Meter, db: Database, channels: ReadonlySet<string>): void => {
  const gauge = (name: string, help: string) => meter.gauge({ name, help, labels: CHANNEL })
  const pending = gauge('tocsin_outbox_pending_messages', 'Messages that wait for the channel.')
  const oldest = gauge(
    'tocsin_outbox_oldest_seconds',
    'Age of the oldest message that waits; 0 when none does.',
  )
  const attempts = gauge(
    'tocsin_outbox_attempts',
    'Most attempts that a message which still waits has had.',
  )
  const dead = gauge('tocsin_outbox_dead_messages', 'Messages given up within 24 hours.')
  meter.onScrape(async () => {
    const { rows } = await db.execute<{
      channel: string
      pending: number
      oldest: number | null
      attempts: number | null
      dead: number
    }>(sql`
      select channel, count(*) filter (where status = 'pending')::int as pending,
        extract(epoch from now() - min(created_at) filter (where status = 'pending'))::float8 as oldest,
        max(attempts) filter (where status = 'pending')::int as attempts,
        count(*) filter (where status = 'dead')::int as dead
      from tocsin.outbox
      where status = 'pending' or (status = 'dead' and created_at > now() - interval '24 hours')
      group by channel`)
    for (const one of [pending, oldest, attempts, dead]) one.clear()
    for (const channel of new Set([...channels, ...rows.map((row) => row.channel)])) {
      const row = rows.find((one) => one.channel === channel)
      pending.set({ channel }, row?.pending ?? 0)
      oldest.set({ channel }, row?.oldest ?? 0)
      attempts.set({ channel }, row?.attempts ?? 0)
      dead.set({ channel }, row?.dead ?? 0)
    }
  })
}

/** Everything that the notifier tells Prometheus. */
export const createNotifierMetrics = (meter: Meter, db: Database): NotifierMetrics => {
  const channels = new Set<string>()
  registerAlerts(meter, db)
  registerOutbox(meter, db, channels)
  const folded = meter.counter({
    name: 'tocsin_notifier_findings_folded_total',
    help: 'Findings and retractions folded into alerts.',
  })
  const deliveries = meter.counter({
    name: 'tocsin_notifier_deliveries_total',
    help: 'Attempts to deliver a message, by what came of them.',
    labels: [...CHANNEL, 'outcome'],
  })
  const durations = meter.histogram({
    name: 'tocsin_notifier_delivery_seconds',
    help: 'One attempt to deliver a message, whatever came of it.',
    labels: CHANNEL,
  })
  return {
    onFolded: (findings) => folded.add({}, findings),
    onDelivery: (channel, outcome, seconds) => {
      deliveries.add({ channel, outcome })
      durations.observe({ channel }, seconds)
    },
    onChannel: (channel) => {
      channels.add(channel)
      for (const outcome of OUTCOMES) deliveries.add({ channel, outcome }, 0)
    },
  }
}

import { sql } from 'drizzle-orm'
import { SELF_BOT_ID, stableHash } from '../base/index.ts'
import type { Database } from '../store/index.ts'
import type { FindingEvent } from './types.ts'

/** Advisory lock under which events get their places: one writer at a time, its rows committed before the next. */
const ORDER_LOCK = 7_268_341

/**
 * Gives every event that is committed by now its place. A finding whose transaction commits later gets a later one,
 * whenever it began: who has read up to a place has missed nothing below it. Answers how many it placed.
 */
export const sequenceEvents = async (db: Database): Promise<number> => {
  const { rows } = await db.execute<{ waits: boolean }>(
    sql`select exists (select 1 from tocsin.finding_event where seq is null) as waits`,
  )
  if (!rows[0]?.waits) return 0
  return db.transaction(async (tx) => {
    await tx.execute(sql`select pg_advisory_xact_lock(${ORDER_LOCK})`)
    const { rowCount } = await tx.execute(sql`
      with last as (select coalesce(max(seq), 0) as seq from tocsin.finding_event),
      fresh as (
        select key, row_number() over (order by key) as place
        from tocsin.finding_event where seq is null)
      update tocsin.finding_event e set seq = last.seq + fresh.place
      from fresh, last where e.key = fresh.key`)
    return rowCount ?? 0
  })
}

/** The newest and the oldest place that is kept; 0 where there is none. */
export const readEnds = async (
  db: Database,
): Promise<{ readonly oldest: number; readonly newest: number }> => {
  const { rows } = await db.execute<{ oldest: string | null; newest: string | null }>(
    sql`select min(seq) as oldest, max(seq) as newest from tocsin.finding_event`,
  )
  return { oldest: Number(rows[0]?.oldest ?? 0), newest: Number(rows[0]?.newest ?? 0) }
}

type Row = {
  seq: string
  key: string
  type: FindingEvent['type']
  event_status: FindingEvent['status']
  event_at: string
  finding: Record<string, unknown>
}

const text = (value: unknown): string => (typeof value === 'string' ? value : '')
const orNull = (value: unknown): string | null => (typeof value === 'string' ? value : null)

const decode = (row: Row): FindingEvent => {
  const f = row.finding
  const id = text(f['id'])
  const kind = text(f['alert_kind']) === 'condition' ? 'condition' : 'event'
  const condition = f['condition']
  return {
    seq: Number(row.seq),
    // A detection happens once to a finding; whatever else may happen again.
    id: `evt_${stableHash(id, row.type, row.type === 'detected' ? '' : row.key).slice(0, 40)}`,
    type: row.type,
    status: row.event_status,
    at: new Date(row.event_at),
    finding: {
      id,
      botId: text(f['bot_id']),
      botVersion: text(f['bot_version']),
      alertId: text(f['alert_id']),
      alertKind: kind,
      condition:
        condition === 'holds' || condition === 'ended' || condition === 'unknown'
          ? condition
          : null,
      chainId: Number(f['chain_id']),
      blockNumber: Number(f['block_number']),
      blockHash: text(f['block_hash']),
      blockTimestampS: Number(f['block_timestamp_s']),
      txHash: orNull(f['tx_hash']),
      uniqueKey: text(f['unique_key']),
      name: text(f['name']),
      description: text(f['description']),
      severity: text(f['severity']),
      type: text(f['type']),
      thing: orNull(f['thing']),
      owner: orNull(f['owner']),
      protocol: orNull(f['protocol']),
      metadata: (f['metadata'] ?? {}) as Record<string, string>,
      addresses: (f['addresses'] ?? []) as string[],
      labels: (f['labels'] ?? []) as FindingEvent['finding']['labels'],
      createdAt: new Date(text(f['created_at'])),
    },
  }
}

/** Events behind a place, in order; between two moments when those are given. */
export const readEvents = async (
  db: Database,
  options: {
    readonly after: number
    readonly limit: number
    readonly between?: { readonly from: Date; readonly to: Date }
  },
): Promise<readonly FindingEvent[]> => {
  const { between } = options
  const within = between
    ? sql`and e.at >= ${between.from.toISOString()}::timestamptz and e.at < ${between.to.toISOString()}::timestamptz`
    : sql``
  const { rows } = await db.execute<Row>(sql`
    select e.seq, e.key, e.type, e.status as event_status, to_json(e.at)#>>'{}' as event_at,
      to_jsonb(f) as finding
    from tocsin.finding_event e join tocsin.finding f on f.id = e.finding_id
    where e.seq > ${options.after}::bigint ${within}
    order by e.seq limit ${options.limit}::int`)
  return rows.map(decode)
}

/** Forgets events older than so many days, but never the newest: places are counted on from it. */
export const forgetEvents = async (db: Database, days: number): Promise<void> => {
  await db.execute(sql`
    delete from tocsin.finding_event where at < now() - ${days} * interval '1 day'
      and seq < (select max(seq) from tocsin.finding_event)`)
  await db.execute(sql`
    delete from tocsin.subscription_delivery where created_at < now() - ${days} * interval '1 day'
      and status <> 'pending'`)
}

/** Whether an event is about Tocsin itself. */
export const isOwnAffair = ({ finding }: FindingEvent): boolean => finding.botId === SELF_BOT_ID

import { sql } from 'drizzle-orm'
import { type Database, type DatabaseTransaction, inTransaction } from '../store/index.ts'
import { sequenceEvents } from './events.ts'
import type { FindingEvent } from './types.ts'

export type SubscriptionState = {
  readonly cursor: number
  readonly status: 'active' | 'disabled'
  readonly reason: string | null
  readonly failures: number
  /** Until the next attempt (ms); 0 when it is due. */
  readonly waitMs: number
}

/** Makes a subscription known; one that is new begins with what happens from now on. */
export const registerSubscription = async (db: Database, name: string): Promise<void> => {
  await sequenceEvents(db)
  await db.execute(sql`
    insert into tocsin.subscription (name, cursor)
    select ${name}, coalesce(max(seq), 0) from tocsin.finding_event
    on conflict (name) do nothing`)
}

export const readState = async (
  db: Database,
  name: string,
): Promise<SubscriptionState | undefined> => {
  const { rows } = await db.execute<{
    cursor: string
    status: SubscriptionState['status']
    reason: string | null
    failures: number
    wait_ms: number
  }>(sql`
    select cursor, status, reason, failures,
      greatest(0, extract(epoch from next_attempt_at - now()) * 1000)::float8 as wait_ms
    from tocsin.subscription where name = ${name}`)
  const [row] = rows
  return (
    row && {
      cursor: Number(row.cursor),
      status: row.status,
      reason: row.reason,
      failures: row.failures,
      waitMs: Number(row.wait_ms),
    }
  )
}

/** Which row of the log, and where the subscriber stood when it was sent. */
export type Sent = {
  readonly name: string
  readonly event: FindingEvent
  /** 0: live. */
  readonly replay: number
  /** Where the cursor must stand: that of the subscription, or of the replay. */
  readonly from: number
  readonly tookMs: number
  readonly httpStatus: number | null
}

const logRow = (sent: Sent, status: 'pending' | 'delivered' | 'dead', error: string | null) => sql`
  insert into tocsin.subscription_delivery as d (subscription, event_seq, event_id, event_type, finding_id, replay,
    status, attempts, http_status, took_ms, last_error, last_attempt_at, delivered_at)
  select ${sent.name}, ${sent.event.seq}::bigint, ${sent.event.id}, ${`finding.${sent.event.type}`},
    ${sent.event.finding.id}, ${sent.replay}::int, ${status}, 1, ${sent.httpStatus}::int, ${sent.tookMs}::float8,
    ${error}, now(), case when ${status} = 'delivered' then now() end
  from moved
  on conflict (subscription, replay, event_seq) do update set status = excluded.status, attempts = d.attempts + 1,
    http_status = excluded.http_status, took_ms = excluded.took_ms, last_error = excluded.last_error,
    last_attempt_at = excluded.last_attempt_at, delivered_at = excluded.delivered_at
  returning d.attempts`

const moveTo = (sent: Sent, cursor: number, delivered: boolean) =>
  sent.replay === 0
    ? sql`update tocsin.subscription set cursor = ${cursor}::bigint, failures = 0, next_attempt_at = now(),
        updated_at = now()
      where name = ${sent.name} and cursor = ${sent.from}::bigint returning name`
    : sql`update tocsin.subscription_replay set cursor = ${cursor}::bigint, sent = sent + ${delivered ? 1 : 0}
      where id = ${sent.replay}::int and cursor = ${sent.from}::bigint and status = 'open' returning subscription`

/** The event is settled: its row in the log and the cursor, in one statement. False: somebody else moved the cursor. */
export const settle = async (
  db: Database | DatabaseTransaction,
  sent: Sent,
  status: 'delivered' | 'dead',
  error: string | null,
): Promise<boolean> => {
  const { rows } = await db.execute(sql`
    with moved as (${moveTo(sent, sent.event.seq, status === 'delivered')}) ${logRow(sent, status, error)}`)
  return rows.length > 0
}

/** The event is to be tried again: nothing behind it leaves before. Answers how many attempts it has had. */
export const postpone = async (
  db: Database,
  sent: Sent,
  afterMs: number,
  error: string,
): Promise<number> => {
  const { rows } = await db.execute<{ attempts: number }>(sql`
    with moved as (update tocsin.subscription set failures = failures + 1, updated_at = now(),
        next_attempt_at = now() + ${afterMs}::float8 * interval '1 millisecond'
      where name = ${sent.name} returning name)
    ${logRow(sent, 'pending', error)}`)
  return rows[0]?.attempts ?? 0
}

/** Passes over events that the subscriber does not want. */
export const skipTo = async (
  db: Database,
  options: {
    readonly name: string
    readonly replay: number
    readonly from: number
    readonly to: number
  },
): Promise<boolean> => {
  const { name, replay, from, to } = options
  const { rowCount } = await db.execute(
    replay === 0
      ? sql`update tocsin.subscription set cursor = ${to}::bigint, updated_at = now()
          where name = ${name} and cursor = ${from}::bigint`
      : sql`update tocsin.subscription_replay set cursor = ${to}::bigint
          where id = ${replay}::int and cursor = ${from}::bigint`,
  )
  return (rowCount ?? 0) > 0
}

export const disableSubscription = async (
  db: Database | DatabaseTransaction,
  name: string,
  reason: string,
): Promise<void> => {
  await db.execute(sql`
    update tocsin.subscription set status = 'disabled', reason = ${reason}, updated_at = now()
    where name = ${name}`)
}

/** Goes on where it stopped. Answers false where nobody of that name is known. */
export const enableSubscription = async (db: Database, name: string): Promise<boolean> => {
  const { rowCount } = await db.execute(sql`
    update tocsin.subscription set status = 'active', reason = null, failures = 0, next_attempt_at = now(),
      updated_at = now() where name = ${name}`)
  return (rowCount ?? 0) > 0
}

export type OpenReplay = {
  readonly id: number
  readonly from: Date
  readonly to: Date
  readonly cursor: number
}

export const readReplay = async (db: Database, name: string): Promise<OpenReplay | undefined> => {
  const { rows } = await db.execute<{ id: string; f: string; t: string; cursor: string }>(sql`
    select id, to_json(from_at)#>>'{}' as f, to_json(to_at)#>>'{}' as t, cursor
    from tocsin.subscription_replay where subscription = ${name} and status = 'open' order by id limit 1`)
  const [row] = rows
  return (
    row && {
      id: Number(row.id),
      from: new Date(row.f),
      to: new Date(row.t),
      cursor: Number(row.cursor),
    }
  )
}

export const endReplay = async (db: Database, id: number): Promise<void> => {
  await db.execute(sql`
    update tocsin.subscription_replay set status = 'done', done_at = now() where id = ${id}::int`)
}

/** Asks for everything between two moments once more. Answers its id and how many events lie in between. */
export const requestReplay = (
  db: Database,
  options: {
    readonly name: string
    readonly from: Date
    readonly to: Date
    readonly by: string
  },
): Promise<{ readonly id: number; readonly events: number }> =>
  inTransaction(db, async (tx) => {
    const [from, to] = [options.from.toISOString(), options.to.toISOString()]
    const { rows } = await tx.execute<{ id: string }>(sql`
      insert into tocsin.subscription_replay (subscription, from_at, to_at, requested_by)
      values (${options.name}, ${from}::timestamptz, ${to}::timestamptz, ${options.by}) returning id`)
    const { rows: counted } = await tx.execute<{ events: number }>(sql`
      select count(*)::int as events from tocsin.finding_event
      where at >= ${from}::timestamptz and at < ${to}::timestamptz`)
    await tx.execute(sql`select pg_notify('tocsin_finding', '')`)
    return { id: Number(rows[0]?.id ?? 0), events: counted[0]?.events ?? 0 }
  })

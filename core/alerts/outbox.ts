import { and, eq, type SQL, sql } from 'drizzle-orm'
import { type Database, tables } from '../store/index.ts'
import type { AlertMessage, ChannelFigures, Pace } from './types.ts'

/** A message that this notifier has leased. */
export type Claimed = {
  readonly seq: number
  readonly attempts: number
  readonly refusals: number
  readonly message: AlertMessage
}

/** Where a paced channel's next message stands, and how many steps of its pace it may go ahead now. */
const roomOf = (channel: string, { perMinute, burst }: Pace): SQL => sql`
    slot as materialized (
      select due_at from tocsin.channel_slot where channel = ${channel} for update),
    room as (
      select greatest(0, floor(${burst}::float8
        - coalesce(extract(epoch from greatest(max(due_at) - now(), interval '0')), 0)::float8
        * ${perMinute}::float8 / 60))::bigint as free
      from slot),`

const goAhead = (channel: string, { perMinute }: Pace): SQL => sql`,
    ahead as (
      insert into tocsin.channel_slot as s (channel, due_at)
      select ${channel}, now() + count(*) * interval '1 minute' / ${perMinute}::float8
      from due having count(*) > 0
      on conflict (channel) do update set due_at =
        greatest(s.due_at, now()) + (excluded.due_at - now()))`

/**
 * Leases up to `limit` messages of a channel that are due: graver first, then older; of each lane only the first that
 * is pending, so nothing overtakes an earlier message of its incident. One short transaction; two notifiers never get
 * the same row while a lease lasts, and share the pace of a channel that has one (generic cell rate algorithm).
 */
export const claimMessages = async (
  db: Database,
  options: {
    readonly channel: string
    readonly by: number
    readonly limit: number
    readonly leaseMs: number
    readonly pace?: Pace | undefined
  },
): Promise<readonly Claimed[]> => {
  const { channel, pace } = options
  // A lease that a crash of Postgres forgets costs a repeat of the same message, so nobody waits until it is on disk.
  // The head of a lane is asked for row by row, from the index, until there are enough: as a join it would be worked
  // out for the whole backlog at every claim.
  const { rows } = await db.execute<{
    seq: string
    attempts: number
    refusals: number
    payload: AlertMessage
  }>(sql`
    with ${pace ? roomOf(channel, pace) : sql``}
    due as materialized (
      select o.seq from tocsin.outbox o
      where o.channel = ${channel} and o.status = 'pending' and o.next_attempt_at <= now()
        and o.seq = (
          select min(p.seq) from tocsin.outbox p
          where p.channel = o.channel and p.lane = o.lane and p.status = 'pending')
      order by o.severity, o.seq
      limit ${pace ? sql`(select least(free, ${options.limit}::bigint) from room)` : sql`${options.limit}::bigint`}
      for update skip locked)
    ${pace ? goAhead(channel, pace) : sql``}
    update tocsin.outbox o
    set attempts = o.attempts + 1, leased_by = ${options.by},
        next_attempt_at = now() + ${options.leaseMs} * interval '1 millisecond'
    where o.seq = any(array(select due.seq from due)) and o.status = 'pending'
      and (select set_config('synchronous_commit', 'off', true)) = 'off'
    returning o.seq, o.attempts, o.refusals, o.payload`)
  return rows
    .map(({ seq, attempts, refusals, payload }) => ({
      seq: Number(seq),
      attempts,
      refusals,
      message: payload,
    }))
    .sort((a, b) =>
      a.message.severity < b.message.severity
        ? -1
        : a.message.severity > b.message.severity
          ? 1
          : a.seq - b.seq,
    )
}

const ours = (seq: number, by: number) =>
  and(
    eq(tables.outbox.seq, seq),
    eq(tables.outbox.leasedBy, by),
    eq(tables.outbox.status, 'pending'),
  )

/** Does nothing when the lease went to another notifier meanwhile; that one will send it again, with the same key. */
export const markSent = async (
  db: Database,
  seqs: readonly number[],
  by: number,
): Promise<void> => {
  await db.execute(sql`
    update tocsin.outbox
    set status = 'sent', sent_at = now(), leased_by = null, last_error = null
    where seq = any(${sql.param([...seqs])}::bigint[]) and leased_by = ${by} and status = 'pending'`)
}

export const markForRetry = async (
  db: Database,
  options: {
    readonly seq: number
    readonly by: number
    readonly afterMs: number
    readonly reason: string
    readonly refused: boolean
  },
): Promise<void> => {
  await db
    .update(tables.outbox)
    .set({
      leasedBy: null,
      lastError: options.reason,
      refusals: sql`${tables.outbox.refusals} + ${options.refused ? 1 : 0}`,
      nextAttemptAt: sql`now() + ${options.afterMs} * interval '1 millisecond'`,
    })
    .where(ours(options.seq, options.by))
}

/** Gives a message up. Answers false when the lease was lost. */
export const markDead = async (
  db: Parameters<Parameters<Database['transaction']>[0]>[0],
  seq: number,
  by: number,
  reason: string,
): Promise<boolean> => {
  const { rowCount } = await db
    .update(tables.outbox)
    .set({
      status: 'dead',
      leasedBy: null,
      lastError: reason,
      refusals: sql`${tables.outbox.refusals} + 1`,
    })
    .where(ours(seq, by))
  return (rowCount ?? 0) > 0
}

/** How each channel stands; `dead` counts the last 24 hours. */
export const readChannelFigures = async (
  db: Database,
): Promise<Readonly<Record<string, ChannelFigures>>> => {
  const { rows } = await db.execute<{
    channel: string
    pending: number
    oldest: number | null
    dead: number
    error: string | null
  }>(sql`
    select channel,
      count(*) filter (where status = 'pending')::int as pending,
      extract(epoch from now() - min(created_at) filter (where status = 'pending'))::float8 as oldest,
      count(*) filter (where status = 'dead')::int as dead,
      (array_agg(last_error order by seq desc) filter (where last_error is not null))[1] as error
    from tocsin.outbox
    where status = 'pending' or (status = 'dead' and created_at > now() - interval '24 hours')
    group by channel`)
  return Object.fromEntries(
    rows.map(({ channel, pending, oldest, dead, error }) => [
      channel,
      { pending, oldestPendingS: Math.round(oldest ?? 0), dead, lastError: error },
    ]),
  )
}

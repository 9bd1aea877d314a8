import { sql } from 'drizzle-orm'
import { alertIdOf, foldKey } from '../alerts/light.ts'
import { CANARY_ALERT_ID, SELF_BOT_ID, stableHash } from '../base/index.ts'
import { type Database, type DatabaseTransaction, notify, tables } from '../store/index.ts'

/** One canary at a time, whoever looks. */
const CANARY_LOCK = 7_268_343
const KEEP_DAYS = 30

export type CanaryState = {
  readonly channel: string
  readonly status: 'travelling' | 'delivered' | 'lost'
  readonly sentAt: Date
  readonly travellingS: number
  readonly tookMs: number | null
  readonly lateAt: Date | null
  /** The last one that came to an end was refused. */
  readonly isLost: boolean
}

const nameFinding = (channel: string, uniqueKey: string) => ({
  botId: SELF_BOT_ID,
  alertId: CANARY_ALERT_ID,
  chainId: 0,
  thing: null,
  addresses: [],
  uniqueKey,
  channel,
})

const release = async (tx: DatabaseTransaction, channel: string): Promise<void> => {
  const { rows } = await tx.execute<{ at: string }>(
    sql`select to_json(clock_timestamp())#>>'{}' as at`,
  )
  const at = rows[0]?.at ?? new Date().toISOString()
  const facts = nameFinding(channel, `canary:${at}`)
  const id = stableHash(SELF_BOT_ID, CANARY_ALERT_ID, 0, '', '', facts.uniqueKey)
  await tx.insert(tables.vigilCanary).values({ id, channel, status: 'travelling' })
  await tx.insert(tables.finding).values({
    id,
    botId: facts.botId,
    botVersion: '1.0.0',
    alertId: facts.alertId,
    alertKind: 'event',
    chainId: 0,
    blockNumber: 0,
    blockHash: '',
    blockTimestampS: Math.floor(Date.now() / 1_000),
    uniqueKey: facts.uniqueKey,
    name: 'Canary: nothing happened',
    description: 'Made up to see that findings reach this channel. Nothing is to be done.',
    severity: 'Info',
    type: 'Info',
    metadata: { channels: channel },
    status: 'final',
  })
  await notify(tx, 'tocsin_finding')
}

/** Takes away every trace but the canary's own row: it counts in no figure. */
const clear = async (tx: DatabaseTransaction, id: string, alertId: string): Promise<void> => {
  await tx.execute(sql`delete from tocsin.outbox where alert_id = ${alertId}`)
  await tx.execute(sql`delete from tocsin.alert_finding where alert_id = ${alertId}`)
  await tx.execute(sql`delete from tocsin.alert where id = ${alertId}`)
  await tx.execute(sql`delete from tocsin.finding_queue where finding_id = ${id}`)
  await tx.execute(sql`delete from tocsin.finding where id = ${id}`)
}

/** Looks how far the canary under way has come, and notes it. */
const follow = async (tx: DatabaseTransaction, lateAfterS: number): Promise<void> => {
  const { rows } = await tx.execute<{ id: string; channel: string; unique_key: string | null }>(sql`
    select c.id, c.channel, f.unique_key from tocsin.vigil_canary c
    left join tocsin.finding f on f.id = c.id where c.status = 'travelling'`)
  for (const { id, channel, unique_key } of rows) {
    const key = foldKey(nameFinding(channel, unique_key ?? ''))
    const alertId = alertIdOf(key, id)
    const { rows: sent } = await tx.execute<{ status: string }>(sql`
      select status from tocsin.outbox where alert_id = ${alertId} and channel = ${channel} limit 1`)
    const status = unique_key === null ? 'dead' : sent[0]?.status
    if (status !== undefined)
      await tx.execute(sql`
        update tocsin.vigil_canary set folded_at = coalesce(folded_at, now()) where id = ${id}`)
    if (status === 'sent')
      await tx.execute(sql`
        update tocsin.vigil_canary c set status = 'delivered', delivered_at = o.sent_at,
          took_ms = extract(epoch from o.sent_at - c.sent_at) * 1000,
          late_at = case when o.sent_at - c.sent_at > ${lateAfterS}::float8 * interval '1 second'
            then coalesce(c.late_at, now()) else c.late_at end
        from tocsin.outbox o where o.alert_id = ${alertId} and o.channel = ${channel} and c.id = ${id}`)
    else if (status === 'dead')
      await tx.execute(
        sql`update tocsin.vigil_canary set status = 'lost', late_at = coalesce(late_at, now()) where id = ${id}`,
      )
    else
      await tx.execute(sql`
        update tocsin.vigil_canary set late_at = now() where id = ${id} and late_at is null
          and sent_at < now() - ${lateAfterS}::float8 * interval '1 second'`)
    if (status === 'sent' || status === 'dead') await clear(tx, id, alertId)
  }
}

/** The newest canary; undefined where none ever flew. */
export const readCanary = async (
  db: Database | DatabaseTransaction,
): Promise<CanaryState | undefined> => {
  const { rows } = await db.execute<{
    channel: string
    status: CanaryState['status']
    sent_at: string
    travelling: number
    took_ms: number | null
    late_at: string | null
    lost: boolean | null
  }>(sql`
    select (select v.status = 'lost' from tocsin.vigil_canary v where v.status <> 'travelling'
        order by v.sent_at desc limit 1) as lost, channel, status, to_json(sent_at)#>>'{}' as sent_at, took_ms, to_json(late_at)#>>'{}' as late_at,
      extract(epoch from now() - sent_at)::float8 as travelling
    from tocsin.vigil_canary order by sent_at desc limit 1`)
  const [row] = rows
  return (
    row && {
      channel: row.channel,
      status: row.status,
      sentAt: new Date(row.sent_at),
      travellingS: Number(row.travelling),
      tookMs: row.took_ms,
      lateAt: row.late_at === null ? null : new Date(row.late_at),
      isLost: row.lost ?? false,
    }
  )
}

/**
 * Follows the canary that is under way, and lets the next one fly when it is time; never two at once. Answers how the
 * newest stands.
 */
export const flyCanary = async (
  db: Database,
  options: { readonly channel: string; readonly everyS: number; readonly lateAfterS: number },
): Promise<CanaryState | undefined> =>
  db.transaction(async (tx) => {
    const { rows } = await tx.execute<{ ok: boolean }>(
      sql`select pg_try_advisory_xact_lock(${CANARY_LOCK}) as ok`,
    )
    if (!rows[0]?.ok) return readCanary(tx)
    await follow(tx, options.lateAfterS)
    const last = await readCanary(tx)
    const isDue = !last || (last.status !== 'travelling' && last.travellingS >= options.everyS)
    if (!isDue) return last
    await release(tx, options.channel)
    await tx.execute(sql`
      delete from tocsin.vigil_canary where sent_at < now() - ${KEEP_DAYS} * interval '1 day'`)
    return readCanary(tx)
  })

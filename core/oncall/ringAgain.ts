import { eq, sql } from 'drizzle-orm'
import type { AlertMessage } from '../alerts/types.ts'
import { stableHash, toJson } from '../base/index.ts'
import type { Config } from '../config/types.ts'
import { type Database, notify, tables } from '../store/index.ts'

const PREFIX = 'again.'

/**
 * Has a pager told once more of an alert that somebody closed there while it still holds: a new incident there, unless
 * it ends before. In a lane of its own, so that news do not wait for it.
 */
export const ringAgainLater = (
  db: Database,
  options: {
    readonly alertId: string
    /** Of the channels that are told again. */
    readonly kind: string
    readonly config: Pick<Config, 'channels'>
    readonly afterMs: number
  },
): Promise<void> =>
  db.transaction(async (tx) => {
    const { alertId, kind, config, afterMs } = options
    const channels = config.channels.filter((one) => one.kind === kind).map(({ name }) => name)
    const { rows } = await tx.execute<{ seq: string }>(sql`
      select distinct on (channel) seq from tocsin.outbox
      where alert_id = ${alertId} and channel = any(${sql.param(channels)}::text[])
        and dedup_key not like ${`${PREFIX}%`}
      order by channel, seq desc`)
    for (const { seq } of rows) {
      const [last] = await tx
        .select()
        .from(tables.outbox)
        .where(eq(tables.outbox.seq, Number(seq)))
      if (!last) continue
      const { rows: counted } = await tx.execute<{ n: number }>(sql`
        select count(*)::int as n from tocsin.outbox
        where alert_id = ${alertId} and channel = ${last.channel} and dedup_key like ${`${PREFIX}%`}`)
      const dedupKey = `${PREFIX}${stableHash(alertId, last.channel).slice(0, 20)}.${counted[0]?.n ?? 0}`
      // Written by the notifier in this very form.
      const payload = last.payload as unknown as AlertMessage
      const summary = `Somebody closed it here, and it still holds. ${payload.summary}`
      await tx
        .insert(tables.outbox)
        .values({
          dedupKey,
          channel: last.channel,
          alertId,
          incidentId: last.incidentId,
          lane: dedupKey,
          severity: last.severity,
          payload: toJson({
            ...payload,
            dedupKey,
            change: 'reopened',
            summary: summary.slice(0, 1_000),
          }),
          nextAttemptAt: sql`now() + ${afterMs} * interval '1 millisecond'`,
        })
        .onConflictDoNothing()
    }
    await notify(tx, 'tocsin_outbox')
  })

/** Takes those back whose alert has ended meanwhile. */
export const dropRingsOfEnded = async (db: Database): Promise<void> => {
  await db.execute(sql`
    delete from tocsin.outbox o using tocsin.alert a
    where o.dedup_key like ${`${PREFIX}%`} and o.status = 'pending' and o.leased_by is null
      and a.id = o.alert_id and a.status in ('resolved', 'retracted')`)
}

import { sql } from 'drizzle-orm'
import type { AlertMessage } from '../alerts/types.ts'
import { cleanText, toJson } from '../base/index.ts'
import { type DatabaseTransaction, notify, tables } from '../store/index.ts'
import type { OnCallConfig } from './types.ts'

type Sent = {
  seq: string
  dedup_key: string
  person: string | null
  by: string | null
}

/**
 * Tells whoever was paged that they may stand down: somebody has it in hand, or it is over. Who has it in hand is not
 * told so; their own pager is closed when it is over.
 */
export const standDown = async (
  tx: DatabaseTransaction,
  config: Pick<OnCallConfig, 'people'>,
  escalations: readonly string[],
  change: 'answered' | 'resolved',
): Promise<void> => {
  if (escalations.length === 0) return
  // The last page at each place, if it has left or is leaving.
  const { rows } = await tx.execute<Sent>(sql`
    select distinct on (e.id, o.channel, o.payload->>'to') o.seq, o.dedup_key, p.person,
      i.acknowledged_by as by
    from tocsin.oncall_escalation e
      join tocsin.incident i on i.id = e.incident_id
      join tocsin.oncall_page p on p.escalation_id = e.id
      join tocsin.outbox o on o.dedup_key = any(p.messages)
    where e.id = any(${sql.param(escalations)}::text[]) and o.status <> 'dead'
      and (o.status = 'sent' or o.leased_by is not null)
    order by e.id, o.channel, o.payload->>'to', o.seq desc`)
  for (const { seq, dedup_key, person, by } of rows) {
    const name = person === null ? undefined : (config.people[person]?.name ?? person)
    if (change === 'answered' && by !== null && (by === person || by === name)) continue
    const [page] = await tx
      .select()
      .from(tables.outbox)
      .where(sql`${tables.outbox.seq} = ${Number(seq)}`)
    if (!page) continue
    // Written here in this very form.
    const message = page.payload as unknown as AlertMessage
    const dedupKey = `${dedup_key}.${change}`
    const words = change === 'answered' ? `${by ?? 'Somebody'} has it in hand.` : 'It is over.'
    await tx
      .insert(tables.outbox)
      .values({
        dedupKey,
        channel: page.channel,
        alertId: page.alertId,
        incidentId: page.incidentId,
        // Never before the page that it takes back.
        lane: page.lane,
        severity: page.severity,
        payload: toJson({ ...message, dedupKey, change, summary: cleanText(words, 300) }),
      })
      .onConflictDoNothing()
  }
  await notify(tx, 'tocsin_outbox')
}

import { sql } from 'drizzle-orm'
import type { AlertRow } from '../alerts/types.ts'
import { type Sev, stableHash } from '../base/index.ts'
import { type Database, type DatabaseTransaction, tables } from '../store/index.ts'
import { standDown } from './standDown.ts'
import { teamsOf } from './teamsOf.ts'
import type { OnCallConfig } from './types.ts'

/** Incidents whose pages begin within one turn; the gravest first. */
const MOST_AT_ONCE = 200

/** An alert that people may be paged for: it is there, grave enough, and neither silenced nor inhibited. */
const rings = (page: readonly Sev[]) => sql`
  a.status in ('open', 'unknown') and a.severity = any(${sql.param(page)}::text[])
  and not exists (
    select 1 from tocsin.held_notice h
    where h.alert_id = a.id and h.released_at is null and h.reason in ('silenced', 'inhibited'))`

/** Alerts of an incident that ring, the gravest and oldest first. */
export const listRinging = async (
  tx: Database | DatabaseTransaction,
  incidentId: string,
  page: readonly Sev[],
): Promise<readonly AlertRow[]> => {
  const { rows } = await tx.execute<{ id: string }>(sql`
    select a.id from tocsin.alert a where a.incident_id = ${incidentId} and ${rings(page)}
    order by a.severity, a.opened_at, a.id limit 100`)
  if (rows.length === 0) return []
  const ids = rows.map(({ id }) => id)
  const found = await tx
    .select()
    .from(tables.alert)
    .where(sql`${tables.alert.id} = any(${sql.param(ids)}::text[])`)
  return found.sort((a, b) => ids.indexOf(a.id) - ids.indexOf(b.id))
}

type Wanted = { readonly incident_id: string; readonly severity: Sev }

/** Begins to page for incidents that nobody has in hand: one timer per incident and team. Answers how many began. */
export const openEscalations = async (
  db: Database,
  config: OnCallConfig,
  now: Date,
): Promise<number> => {
  const { page } = config
  const { rows } = await db.execute<Wanted>(sql`
    select i.id as incident_id, i.severity from tocsin.incident i
    where i.status = 'open' and i.acknowledged_at is null and i.inhibited_by is null
      and i.severity = any(${sql.param(page)}::text[])
      and exists (
        select 1 from tocsin.alert a where a.incident_id = i.id and ${rings(page)}
          and a.opened_at > coalesce(
            (select max(e.opened_at) from tocsin.oncall_escalation e
             where e.incident_id = i.id and e.status <> 'ended'), '-infinity'))
    order by i.severity, i.opened_at desc limit ${MOST_AT_ONCE}`)
  let opened = 0
  for (const wanted of rows) opened += await openOne(db, config, wanted, now)
  return opened
}

const openOne = (db: Database, config: OnCallConfig, wanted: Wanted, now: Date): Promise<number> =>
  db.transaction(async (tx) => {
    // The same lock that an acknowledgement takes: whichever comes second sees the other.
    const { rows } = await tx.execute<{ ok: boolean }>(sql`
      select status = 'open' and acknowledged_at is null and inhibited_by is null as ok
      from tocsin.incident where id = ${wanted.incident_id} for update`)
    if (rows[0]?.ok !== true) return 0
    const alerts = await listRinging(tx, wanted.incident_id, config.page)
    const first = new Map<string, AlertRow>()
    for (const alert of alerts)
      for (const team of teamsOf(config, alert)) if (!first.has(team)) first.set(team, alert)
    let opened = 0
    for (const [team, alert] of first) {
      const { rows: before } = await tx.execute<{ n: number }>(sql`
        select count(*)::int as n from tocsin.oncall_escalation
        where incident_id = ${wanted.incident_id} and team = ${team}`)
      const { rowCount } = await tx
        .insert(tables.oncallEscalation)
        .values({
          id: `e_${stableHash('escalation', wanted.incident_id, team, before[0]?.n ?? 0).slice(0, 20)}`,
          incidentId: wanted.incident_id,
          team,
          severity: wanted.severity,
          status: 'active',
          dueAt: now,
          alertId: alert.id,
          openedAt: now,
        })
        .onConflictDoNothing()
      opened += rowCount ?? 0
    }
    return opened
  })

/**
 * Ends the timers of incidents that are over or in somebody's hands, with those of their pages that have not left yet;
 * brings severities up to date; and lets those go on at once whose last pages were all refused. Answers how many ended.
 */
export const settleEscalations = async (
  db: Database,
  config: OnCallConfig,
  now: Date,
): Promise<number> => {
  const at = now.toISOString()
  const { page, anyHour } = config
  const ended = await db.transaction(async (tx) => {
    const { rows } = await tx.execute<{ id: string; ended_by: string }>(sql`
      update tocsin.oncall_escalation e set status = 'ended', ended_at = ${at}::timestamptz,
        ended_by = case
          when i.status <> 'open' then 'over'
          when i.acknowledged_at is not null then 'acknowledged'
          when i.inhibited_by is not null then 'inhibited'
          when not (i.severity = any(${sql.param(page)}::text[])) then 'milder'
          else 'silenced' end
      from tocsin.incident i
      where i.id = e.incident_id and e.status <> 'ended'
        and (i.status <> 'open' or i.acknowledged_at is not null or i.inhibited_by is not null
          or not exists (select 1 from tocsin.alert a where a.incident_id = i.id and ${rings(page)}))
      returning e.id, e.ended_by`)
    const endedBy = (why: string) => rows.filter((row) => row.ended_by === why).map(({ id }) => id)
    await standDown(tx, config, endedBy('acknowledged'), 'answered')
    await standDown(tx, config, endedBy('over'), 'resolved')
    if (rows.length > 0)
      await tx.execute(sql`
        delete from tocsin.outbox o using tocsin.oncall_page p
        where p.escalation_id = any(${sql.param(rows.map(({ id }) => id))}::text[])
          and o.dedup_key = any(p.messages) and o.status = 'pending' and o.leased_by is null`)
    return rows.length
  })
  await db.execute(sql`
    update tocsin.oncall_escalation e set severity = i.severity,
      due_at = case when e.status = 'waiting' and i.severity = any(${sql.param(anyHour)}::text[])
        then ${at}::timestamptz else e.due_at end
    from tocsin.incident i
    where i.id = e.incident_id and e.status <> 'ended' and e.severity <> i.severity`)
  await db.execute(sql`
    update tocsin.oncall_escalation e set due_at = ${at}::timestamptz
    where e.status = 'active' and e.due_at > ${at}::timestamptz
      and exists (select 1 from tocsin.oncall_page p
        where p.escalation_id = e.id and p.step = e.step - 1)
      and not exists (
        select 1 from tocsin.oncall_page p join tocsin.outbox o on o.dedup_key = any(p.messages)
        where p.escalation_id = e.id and p.step = e.step - 1 and o.status <> 'dead')`)
  return ended
}

/** Closes the pagers of whoever was paged for incidents that rang no more, in whosoever's hands, and are over by now. */
export const closeAnswered = (db: Database, config: OnCallConfig): Promise<number> =>
  db.transaction(async (tx) => {
    const { rows } = await tx.execute<{ id: string }>(sql`
      update tocsin.oncall_escalation e set ended_by = 'over'
      from tocsin.incident i
      where e.ended_by in ('acknowledged', 'silenced', 'inhibited', 'milder') and i.id = e.incident_id and i.status <> 'open'
      returning e.id`)
    await standDown(
      tx,
      config,
      rows.map(({ id }) => id),
      'resolved',
    )
    return rows.length
  })

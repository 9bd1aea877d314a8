import { and, desc, eq, inArray, sql } from 'drizzle-orm'
import { isCanary, stableHash } from '../base/index.ts'
import { type DatabaseTransaction, tables } from '../store/index.ts'
import type { AlertState } from './alertBook.ts'
import type { AlertRow, IncidentRow } from './types.ts'

/** An alert joins an open incident of its subject when that one's last news is younger. */
const JOIN_WITHIN_MS = 3_600_000

/** What is hit: the protocol, else the thing, else the bot's alert itself. */
export const incidentSubject = (row: AlertRow): string =>
  row.protocol ?? row.thing ?? `${row.botId}/${row.alertId}`

/** Gives every new alert its incident: an open one of the same subject, or one of its own. */
export const joinIncidents = async (
  tx: DatabaseTransaction,
  states: readonly AlertState[],
): Promise<void> => {
  const fresh = states.filter(({ row }) => row.incidentId === null && !isCanary(row))
  if (fresh.length === 0) return
  const subjects = [...new Set(fresh.map(({ row }) => incidentSubject(row)))]
  const open = await tx
    .select()
    .from(tables.incident)
    .where(and(inArray(tables.incident.subject, subjects), eq(tables.incident.status, 'open')))
    .orderBy(desc(tables.incident.updatedAt))
  const bySubject = new Map<string, IncidentRow>()
  for (const row of open) if (!bySubject.has(row.subject)) bySubject.set(row.subject, row)
  for (const { row } of fresh) {
    const subject = incidentSubject(row)
    const found = bySubject.get(subject)
    const young = found && row.openedAt.getTime() - found.updatedAt.getTime() < JOIN_WITHIN_MS
    const incident = young ? found : newIncident(row, subject)
    if (incident !== found) {
      await tx.insert(tables.incident).values(incident)
      bySubject.set(subject, incident)
    }
    row.incidentId = incident.id
  }
}

const newIncident = (row: AlertRow, subject: string): IncidentRow => ({
  id: `i_${stableHash(subject, row.id).slice(0, 20)}`,
  subject,
  status: 'open',
  severity: row.severity,
  title: `${subject}: ${row.title}`.slice(0, 300),
  owner: row.owner,
  openedAt: row.openedAt,
  updatedAt: row.openedAt,
  closedAt: null,
  acknowledgedAt: null,
  acknowledgedBy: null,
  firstAcknowledgedAt: null,
  attendedAt: null,
  mitigatedAt: null,
  mitigatedBy: null,
  closedBy: null,
  acknowledgeDueAt: null,
  mitigateDueAt: null,
  escalatedTo: null,
  inhibitedBy: null,
  toldAt: null,
  repeats: 0,
  reopenedCount: 0,
})

/** Brings status and severity of the alerts' incidents up to date: open while one alert is, as grave as the gravest. */
export const settleIncidents = async (
  tx: DatabaseTransaction,
  changed: readonly AlertRow[],
): Promise<void> => {
  const ids = [...new Set(changed.flatMap(({ incidentId }) => incidentId ?? []))]
  if (ids.length === 0) return
  const { alert, incident } = tables
  const own = tx
    .select({
      id: sql<string>`${alert.incidentId}`.as('own_incident'),
      isLive: sql<boolean>`bool_or(${alert.status} in ('open', 'unknown'))`.as('is_live'),
      // SEV1 sorts before SEV4.
      gravest: sql<string>`min(${alert.severity}) filter (where ${alert.status} <> 'retracted')`.as(
        'gravest',
      ),
      changedAt: sql<Date>`max(${alert.updatedAt})`.as('changed_at'),
      endedAt: sql<Date>`max(${alert.closedAt})`.as('ended_at'),
    })
    .from(alert)
    .where(inArray(alert.incidentId, ids))
    .groupBy(alert.incidentId)
    .as('own')
  await tx
    .update(incident)
    .set({
      status: sql`case when ${own.isLive} then 'open' else 'resolved' end`,
      severity: sql`coalesce(${own.gravest}, ${incident.severity})`,
      updatedAt: sql`greatest(${incident.updatedAt}, ${own.changedAt})`,
      closedAt: sql`case when ${own.isLive} then null else coalesce(${own.endedAt}, ${incident.openedAt}) end`,
    })
    .from(own)
    .where(eq(incident.id, own.id))
}

import { and, desc, eq, inArray } from 'drizzle-orm'
import { stableHash } from '../base/index.ts'
import { type DatabaseTransaction, tables } from '../store/index.ts'
import { type AlertState, isOpen } from './alertBook.ts'
import { graver } from './routeFinding.ts'
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
  const fresh = states.filter(({ row }) => row.incidentId === null)
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
})

/** Brings status and severity of the alerts' incidents up to date: open while one alert is, as grave as the gravest. */
export const settleIncidents = async (
  tx: DatabaseTransaction,
  changed: readonly AlertRow[],
): Promise<void> => {
  const ids = [...new Set(changed.flatMap(({ incidentId }) => incidentId ?? []))]
  if (ids.length === 0) return
  const alerts = await tx.select().from(tables.alert).where(inArray(tables.alert.incidentId, ids))
  const incidents = await tx.select().from(tables.incident).where(inArray(tables.incident.id, ids))
  for (const incident of incidents) {
    const own = alerts.filter(({ incidentId }) => incidentId === incident.id)
    const told = own.filter(({ status }) => status !== 'retracted')
    const severity = told.map((row) => row.severity).reduce(graver, 'SEV4')
    const isLive = own.some(isOpen)
    const latest = (times: readonly (Date | null)[]): Date =>
      new Date(Math.max(...times.flatMap((time) => time?.getTime() ?? [])))
    const next = {
      status: isLive ? 'open' : 'resolved',
      severity: told.length > 0 ? severity : incident.severity,
      updatedAt: latest([incident.updatedAt, ...own.map((row) => row.updatedAt)]),
      closedAt: isLive ? null : latest([incident.openedAt, ...own.map((row) => row.closedAt)]),
    } as const
    await tx.update(tables.incident).set(next).where(eq(tables.incident.id, incident.id))
  }
}

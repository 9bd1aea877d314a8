import { and, eq, inArray } from 'drizzle-orm'
import { cleanText } from '../../base/index.ts'
import { type Database, tables } from '../../store/index.ts'
import { closedAlert } from '../closedAlert.ts'
import type { RoutingConfig } from '../types.ts'
import { writeAlerts } from '../writeAlerts.ts'
import type { ActResult } from './acknowledgeIncident.ts'
import { type Act, type IncidentRef, lockIncident } from './findIncident.ts'
import { noteIncident } from './noteIncident.ts'

/**
 * Says that the harm is stopped, though the incident is not over; whoever says so has it in hand.
 * @throws TocsinError `incident.unknown`
 */
export const mitigateIncident = (
  db: Database,
  options: IncidentRef & Act & { readonly note?: string },
): Promise<ActResult> =>
  db.transaction(async (tx) => {
    const { row, now } = await lockIncident(tx, options, options.at)
    const by = cleanText(options.by, 100)
    if (row.status !== 'open') {
      return { accepted: false, incident: row, text: `Incident ${row.id} is over already.` }
    }
    if (row.mitigatedAt) {
      const text = `Incident ${row.id} counts as mitigated since ${row.mitigatedAt.toISOString()}.`
      return { accepted: false, incident: row, text }
    }
    const set = {
      mitigatedAt: now,
      mitigatedBy: by,
      attendedAt: now,
      acknowledgedAt: row.acknowledgedAt ?? now,
      acknowledgedBy: row.acknowledgedBy ?? by,
      firstAcknowledgedAt: row.firstAcknowledgedAt ?? now,
    }
    await tx.update(tables.incident).set(set).where(eq(tables.incident.id, row.id))
    await noteIncident(tx, {
      incidentId: row.id,
      at: now,
      kind: 'mitigated',
      actor: by,
      channel: options.via,
      text: options.note ? `${by}: ${options.note}` : `${by} says that the harm is stopped.`,
      detail: { afterS: Math.round((now.getTime() - row.openedAt.getTime()) / 1_000) },
    })
    return {
      accepted: true,
      incident: { ...row, ...set },
      text: `Incident ${row.id} is mitigated.`,
    }
  })

/**
 * Closes an incident with all its open alerts, and tells their channels. A condition that still holds is not closed
 * unless `evenIfHolding`: else the next block would open it again.
 * @throws TocsinError `incident.unknown`
 */
export const resolveIncident = (
  db: Database,
  options: IncidentRef &
    Act & {
      readonly config: RoutingConfig
      readonly note?: string
      readonly evenIfHolding?: boolean
    },
): Promise<ActResult> =>
  db.transaction(async (tx) => {
    const { row, now } = await lockIncident(tx, options, options.at)
    const by = cleanText(options.by, 100)
    if (row.status !== 'open') {
      return { accepted: false, incident: row, text: `Incident ${row.id} is over already.` }
    }
    const alerts = await tx
      .select()
      .from(tables.alert)
      .where(
        and(eq(tables.alert.incidentId, row.id), inArray(tables.alert.status, ['open', 'unknown'])),
      )
      .for('update')
    const holding = alerts.filter(({ kind }) => kind === 'condition')
    if (holding.length > 0 && !options.evenIfHolding) {
      const all = holding.map(({ title, thing }) => `"${title}"${thing ? ` (${thing})` : ''}`)
      const titles = [...new Set(all)].slice(0, 3)
      const text = `Incident ${row.id} still holds: ${titles.join(', ')}. Resolve it even so (\`--force\` in the terminal), or let it end.`
      return { accepted: false, incident: row, text }
    }
    const states = alerts.map((alert) => closedAlert(alert, now, `by:${by}`, `Closed by ${by}.`))
    await writeAlerts(tx, options.config, states, now)
    const set = {
      status: 'resolved' as const,
      closedAt: now,
      closedBy: `by:${by}`,
      attendedAt: now,
    }
    await tx.update(tables.incident).set(set).where(eq(tables.incident.id, row.id))
    await noteIncident(tx, {
      incidentId: row.id,
      at: now,
      kind: 'closed',
      actor: by,
      channel: options.via,
      text: options.note ? `${by}: ${options.note}` : `${by} closed it.`,
      detail: { alerts: alerts.length, holding: holding.length },
    })
    return { accepted: true, incident: { ...row, ...set }, text: `Incident ${row.id} is resolved.` }
  })

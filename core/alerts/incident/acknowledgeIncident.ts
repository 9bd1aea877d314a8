import { and, eq, inArray, isNull } from 'drizzle-orm'
import { cleanText } from '../../base/index.ts'
import { type Database, tables } from '../../store/index.ts'
import type { IncidentRow } from '../types.ts'
import { type Act, type IncidentRef, lockIncident } from './findIncident.ts'
import { noteIncident } from './noteIncident.ts'

/** What came of an act of a person. `accepted: false` changes nothing, and `text` says why, for that person. */
export type ActResult = {
  readonly accepted: boolean
  readonly text: string
  readonly incident: IncidentRow
}

const since = (row: IncidentRow): string => row.acknowledgedAt?.toISOString() ?? ''

/**
 * Says that somebody has an incident in hand: of several at once the first one counts, and the others are told who it
 * is. It stays open; its open alerts count as acknowledged too.
 * @throws TocsinError `incident.unknown`
 */
export const acknowledgeIncident = (db: Database, options: IncidentRef & Act): Promise<ActResult> =>
  db.transaction(async (tx) => {
    const { row, now } = await lockIncident(tx, options, options.at)
    const by = cleanText(options.by, 100)
    if (row.status !== 'open') {
      return { accepted: false, incident: row, text: `Incident ${row.id} is over already.` }
    }
    if (row.acknowledgedAt) {
      const text = `${row.acknowledgedBy} has had incident ${row.id} in hand since ${since(row)}.`
      return { accepted: false, incident: row, text }
    }
    const set = {
      acknowledgedAt: now,
      acknowledgedBy: by,
      attendedAt: now,
      firstAcknowledgedAt: row.firstAcknowledgedAt ?? now,
    }
    await tx.update(tables.incident).set(set).where(eq(tables.incident.id, row.id))
    await tx
      .update(tables.alert)
      .set({ acknowledgedAt: now, acknowledgedBy: by })
      .where(
        and(
          eq(tables.alert.incidentId, row.id),
          inArray(tables.alert.status, ['open', 'unknown']),
          isNull(tables.alert.acknowledgedAt),
        ),
      )
    await noteIncident(tx, {
      incidentId: row.id,
      alertId: options.alertId,
      at: now,
      kind: 'acknowledged',
      actor: by,
      channel: options.via,
      text: `${by} has it in hand.`,
      detail: { afterS: Math.round((now.getTime() - row.openedAt.getTime()) / 1_000) },
    })
    return {
      accepted: true,
      incident: { ...row, ...set },
      text: `${by} has incident ${row.id} in hand.`,
    }
  })

/**
 * Takes an acknowledgement back, so that people are asked again.
 * @throws TocsinError `incident.unknown`
 */
export const unacknowledgeIncident = (
  db: Database,
  options: IncidentRef & Act & { readonly reason?: string },
): Promise<ActResult> =>
  db.transaction(async (tx) => {
    const { row, now } = await lockIncident(tx, options, options.at)
    const by = cleanText(options.by, 100)
    if (row.status !== 'open' || !row.acknowledgedAt) {
      const text = `Nobody has incident ${row.id} in hand.`
      return { accepted: false, incident: row, text }
    }
    const set = { acknowledgedAt: null, acknowledgedBy: null }
    await tx.update(tables.incident).set(set).where(eq(tables.incident.id, row.id))
    await tx.update(tables.alert).set(set).where(eq(tables.alert.incidentId, row.id))
    await noteIncident(tx, {
      incidentId: row.id,
      alertId: options.alertId,
      at: now,
      kind: 'unacknowledged',
      actor: by,
      channel: options.via,
      text: options.reason ?? `${by} gave it back; it was ${row.acknowledgedBy}'s.`,
      detail: { was: row.acknowledgedBy },
    })
    return {
      accepted: true,
      incident: { ...row, ...set },
      text: `Incident ${row.id} is in nobody's hands again.`,
    }
  })

import { eq, sql } from 'drizzle-orm'
import { cleanText, TocsinError } from '../../base/index.ts'
import { type DatabaseTransaction, tables } from '../../store/index.ts'
import { databaseNow, lockAlerts } from '../alertLock.ts'
import type { IncidentRow } from '../types.ts'

/** An incident by its own id or by that of one of its alerts. */
export type IncidentRef =
  | { readonly incidentId: string; readonly alertId?: undefined }
  | { readonly alertId: string; readonly incidentId?: undefined }

/** Who does something to an incident, by which way, when. */
export type Act = {
  readonly by: string
  /** Channel of the watchlist, or `console`, `api`, `cli`. */
  readonly via: string
  /** Default: the database's now. */
  readonly at?: Date | undefined
}

/** How the closed part of a merger names the incident that it went into, in `closedBy`. */
export const MERGED_INTO = 'merged:'

/**
 * Locks an incident for a change of it; of one that was merged into another, that other one.
 * @throws TocsinError `incident.unknown`
 */
export const lockIncident = async (
  tx: DatabaseTransaction,
  ref: IncidentRef,
  at: Date | undefined,
): Promise<{ readonly row: IncidentRow; readonly now: Date }> => {
  await lockAlerts(tx)
  const own =
    ref.incidentId ?? sql`(select incident_id from tocsin.alert where id = ${ref.alertId})`
  const [row] = await tx
    .select()
    .from(tables.incident)
    .where(eq(tables.incident.id, own))
    .for('update')
  if (row?.closedBy?.startsWith(MERGED_INTO))
    return lockIncident(tx, { incidentId: row.closedBy.slice(MERGED_INTO.length) }, at)
  if (row) return { row, now: at ?? (await databaseNow(tx)) }
  const name = cleanText(ref.incidentId ?? ref.alertId ?? '', 60)
  throw new TocsinError('incident.unknown', `There is no incident "${name}".`, {
    hints: ['`tocsin incidents list --all` shows them.'],
  })
}

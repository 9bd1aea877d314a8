import { and, eq, sql } from 'drizzle-orm'
import { cleanText, TocsinError } from '../base/index.ts'
import { type Database, type DatabaseTransaction, tables } from '../store/index.ts'
import { isOpen, QUIET_MS } from './alertBook.ts'
import { databaseNow, lockAlerts } from './alertLock.ts'
import { closedAlert } from './closedAlert.ts'
import { noteIncident } from './incident/noteIncident.ts'
import type { AlertRow, RoutingConfig } from './types.ts'
import { writeAlerts } from './writeAlerts.ts'

const findAlert = async (tx: DatabaseTransaction, id: string): Promise<AlertRow> => {
  const [row] = await tx.select().from(tables.alert).where(eq(tables.alert.id, id)).for('update')
  if (row) return row
  throw new TocsinError('alert.unknown', `There is no alert "${cleanText(id, 60)}".`, {
    hints: ['`tocsin alerts list` shows them.'],
  })
}

const refuseClosed = (row: AlertRow): void => {
  if (isOpen(row)) return
  throw new TocsinError('alert.closed', `Alert ${row.id} is ${row.status} already.`)
}

/**
 * Says that somebody has taken an alert on. It stays open; a second acknowledgement changes nothing.
 * @throws TocsinError `alert.unknown`, `alert.closed`
 */
export const acknowledgeAlert = (options: {
  readonly db: Database
  readonly id: string
  readonly by: string
}): Promise<AlertRow> =>
  options.db.transaction(async (tx) => {
    await lockAlerts(tx)
    const row = await findAlert(tx, options.id)
    refuseClosed(row)
    if (row.acknowledgedAt) return row
    const set = {
      acknowledgedAt: await databaseNow(tx),
      acknowledgedBy: cleanText(options.by, 100),
    }
    await tx.update(tables.alert).set(set).where(eq(tables.alert.id, row.id))
    await noteIncident(tx, {
      incidentId: row.incidentId ?? row.id,
      alertId: row.id,
      at: set.acknowledgedAt,
      kind: 'acknowledged',
      actor: set.acknowledgedBy,
      text: `${set.acknowledgedBy} has the alert "${row.title}" in hand.`,
    })
    return { ...row, ...set }
  })

/**
 * Closes an alert by hand and tells its channels. What is found later opens a new one.
 * @throws TocsinError `alert.unknown`, `alert.closed`
 */
export const resolveAlert = (options: {
  readonly db: Database
  readonly config: RoutingConfig
  readonly id: string
  readonly by: string
}): Promise<AlertRow> =>
  options.db.transaction(async (tx) => {
    await lockAlerts(tx)
    const row = await findAlert(tx, options.id)
    refuseClosed(row)
    const by = cleanText(options.by, 100)
    const state = closedAlert(row, await databaseNow(tx), `by:${by}`, `Closed by ${by}.`)
    await writeAlerts(tx, options.config, [state])
    return state.row
  })

/** Closes events that have been quiet for a day and tells their channels. Answers how many. */
export const closeQuietAlerts = (options: {
  readonly db: Database
  readonly config: RoutingConfig
}): Promise<number> =>
  options.db.transaction(async (tx) => {
    const isQuiet = and(
      eq(tables.alert.kind, 'event'),
      sql`${tables.alert.status} in ('open', 'unknown')`,
      sql`${tables.alert.lastFindingAt} <= now() - ${QUIET_MS} * interval '1 millisecond'`,
    )
    const [any] = await tx
      .select({ id: tables.alert.id })
      .from(tables.alert)
      .where(isQuiet)
      .limit(1)
    if (!any) return 0
    await lockAlerts(tx)
    const rows = await tx.select().from(tables.alert).where(isQuiet).limit(500).for('update')
    const now = await databaseNow(tx)
    const summary = 'Closed by itself: nothing further was found for 24 hours.'
    await writeAlerts(
      tx,
      options.config,
      rows.map((row) => closedAlert(row, now, 'quiet', summary)),
    )
    return rows.length
  })

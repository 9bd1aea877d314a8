import { getTableColumns, inArray, type SQL, sql } from 'drizzle-orm'
import { isCanary } from '../base/index.ts'
import { type DatabaseTransaction, notify, tables } from '../store/index.ts'
import { type AlertState, type Change, isOpen } from './alertBook.ts'
import { databaseNow } from './alertLock.ts'
import { incidentSettings } from './incident/incidentSettings.ts'
import { inBatches, joinIncidents } from './incident/joinIncidents.ts'
import { noteIncident } from './incident/noteIncident.ts'
import { settleIncidents, writeIncidents } from './incident/settleIncidents.ts'
import { isGraver } from './routeFinding.ts'
import { loadBudget } from './tell/budget.ts'
import { holdNotices, releaseNotices } from './tell/heldNotices.ts'
import { tellAddedUp } from './tell/tellAddedUp.ts'
import { tellChanges } from './tell/tellChanges.ts'
import { loadTellContext, mapOf } from './tell/tellContext.ts'
import type { AlertRow, IncidentRow, RoutingConfig } from './types.ts'
import { writeMessages } from './writeMessages.ts'

/**
 * Writes changed alerts with their members, their incidents, what people are told of them, and what they are not told
 * yet. Wants the alert lock.
 */
export const writeAlerts = async (
  tx: DatabaseTransaction,
  config: RoutingConfig,
  states: readonly AlertState[],
  at?: Date,
): Promise<void> => {
  const all = states.filter((state) => state.touched.size > 0 || state.changes.length > 0)
  await writeCanaries(
    tx,
    config,
    all.filter(({ row }) => isCanary(row)),
  )
  const changed = all.filter(({ row }) => !isCanary(row))
  if (changed.length === 0) return
  const now = at ?? (await databaseNow(tx))
  const settings = incidentSettings(config)
  const created = await joinIncidents(tx, changed, { config, settings, map: mapOf(config), now })
  const rows = changed.map(({ row }) => row)
  const context = await loadTellContext(tx, { config, rows, now })
  const budget = await loadBudget(tx, config, { now, perMinute: settings.messagesPerMinute })
  const telling = tellChanges(
    changed.map((state) => ({ state, changes: withoutReorgs(state.changes) })),
    {
      context,
      budget,
      incidents: await loadIncidents(tx, rows),
      created: new Set(created.keys()),
    },
  )
  await writeRows(tx, rows)
  await writeMembers(tx, changed)
  const { settled, notes } = await settleIncidents(tx, rows, { settings, now })
  const addedUp = await tellAddedUp(tx, { settled, rows, config, context, budget, telling })
  const causes = await incidentsOfAlerts(tx, [...telling.inhibited.values()])
  await writeIncidents(
    tx,
    [...settled.values()].map(({ row }) => {
      const isTold = telling.toldIncidents.has(row.id)
      const cause = causes.get(telling.inhibited.get(row.id) ?? '')
      const holds = cause !== undefined && cause !== row.id && !isTold && row.toldAt === null
      return {
        ...row,
        toldAt: isTold ? now : row.toldAt,
        inhibitedBy: isTold ? null : holds ? cause : row.inhibitedBy,
      }
    }),
  )
  await writeMessages(tx, config, [...telling.told, ...addedUp.told], now)
  await holdNotices(tx, [...telling.held, ...addedUp.held])
  await releaseNotices(tx, telling.spoken, 'told', now)
  await releaseNotices(tx, telling.over, 'over', now)
  await budget.save(tx)
  await noteIncident(tx, ...telling.notes, ...notes)
  await notify(tx, 'tocsin_alert')
}

/** A canary flies straight through: no incident, no budget, nothing that holds it back. */
const writeCanaries = async (
  tx: DatabaseTransaction,
  config: RoutingConfig,
  states: readonly AlertState[],
): Promise<void> => {
  if (states.length === 0) return
  const told = states.map(({ row, changes }) => {
    const firstOrdinal = row.changes + 1
    row.changes += changes.length
    return { row, changes, firstOrdinal }
  })
  const rows = states.map(({ row }) => row)
  await writeRows(tx, rows)
  await writeMembers(tx, states)
  await writeMessages(tx, config, told, await databaseNow(tx))
}

const loadIncidents = async (
  tx: DatabaseTransaction,
  rows: readonly AlertRow[],
): Promise<ReadonlyMap<string, IncidentRow>> => {
  const ids = [...new Set(rows.flatMap(({ incidentId }) => incidentId ?? []))]
  const found = await tx.select().from(tables.incident).where(inArray(tables.incident.id, ids))
  return new Map(found.map((row) => [row.id, row]))
}

const incidentsOfAlerts = async (
  tx: DatabaseTransaction,
  alertIds: readonly string[],
): Promise<ReadonlyMap<string, string>> => {
  if (alertIds.length === 0) return new Map()
  const found = await tx
    .select({ id: tables.alert.id, incidentId: tables.alert.incidentId })
    .from(tables.alert)
    .where(inArray(tables.alert.id, [...new Set(alertIds)]))
  return new Map(found.flatMap(({ id, incidentId }) => (incidentId ? [[id, incidentId]] : [])))
}

const columns = getTableColumns(tables.alert)
const EXCLUDED: Record<string, SQL> = Object.fromEntries(
  Object.entries(columns)
    .filter(([name]) => name !== 'id')
    .map(([name, column]) => [name, sql.raw(`excluded."${column.name}"`)]),
)

/** Closed ones first: only one alert of a key may be open at any time. */
const writeRows = async (tx: DatabaseTransaction, rows: readonly AlertRow[]): Promise<void> => {
  for (const part of [rows.filter((row) => !isOpen(row)), rows.filter(isOpen)])
    for (const batch of inBatches(part))
      await tx
        .insert(tables.alert)
        .values(batch)
        .onConflictDoUpdate({ target: tables.alert.id, set: EXCLUDED })
}

const writeMembers = async (
  tx: DatabaseTransaction,
  states: readonly AlertState[],
): Promise<void> => {
  const rows = states.flatMap(({ row, touched }) =>
    [...touched.values()].map(({ findingId, severity, retracted }) => ({
      alertId: row.id,
      findingId,
      severity,
      retracted,
    })),
  )
  for (const batch of inBatches(rows)) {
    await tx
      .insert(tables.alertFinding)
      .values(batch)
      .onConflictDoUpdate({
        target: [tables.alertFinding.alertId, tables.alertFinding.findingId],
        set: { retracted: sql`excluded.retracted`, severity: sql`excluded.severity` },
      })
  }
}

/** What a reorg took and gave back within one batch is not told, unless it came back otherwise. */
export const withoutReorgs = (changes: readonly Change[]): Change[] => {
  const told: Change[] = []
  for (const change of changes) {
    const last = told.at(-1)
    if (last?.kind !== 'retracted') {
      told.push(change)
      continue
    }
    told.pop()
    if (last.statusBefore !== change.status) told.push(change)
    else if (isOpen(change) && isGraver(change.severity, last.severityBefore)) {
      told.push({ ...change, kind: 'raised' })
    }
  }
  return told
}

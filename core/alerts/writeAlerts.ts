import { sql } from 'drizzle-orm'
import { type DatabaseTransaction, notify, tables } from '../store/index.ts'
import { type AlertState, type Change, isOpen } from './alertBook.ts'
import { joinIncidents, settleIncidents } from './incidents.ts'
import { isGraver } from './routeFinding.ts'
import type { RoutingConfig } from './types.ts'
import { writeMessages } from './writeMessages.ts'

/** Writes changed alerts with their members, their incidents, and what people are told of them. Wants the alert lock. */
export const writeAlerts = async (
  tx: DatabaseTransaction,
  config: RoutingConfig,
  states: readonly AlertState[],
  _now?: Date,
): Promise<void> => {
  const changed = states.filter((state) => state.touched.size > 0 || state.changes.length > 0)
  if (changed.length === 0) return
  await joinIncidents(tx, changed)
  const told = changed.map((state) => {
    const changes = withoutReorgs(state.changes)
    const firstOrdinal = state.row.changes + 1
    state.row.changes += changes.length
    return { row: state.row, changes, firstOrdinal }
  })
  // Closed ones first: only one alert of a key may be open at any time.
  const order = changed.toSorted((a, b) => Number(isOpen(a.row)) - Number(isOpen(b.row)))
  for (const { row } of order) {
    const { id, ...values } = row
    await tx
      .insert(tables.alert)
      .values(row)
      .onConflictDoUpdate({ target: tables.alert.id, set: values })
  }
  await writeMembers(tx, changed)
  await settleIncidents(
    tx,
    changed.map(({ row }) => row),
  )
  await writeMessages(tx, config, told)
  await notify(tx, 'tocsin_alert')
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
  for (let from = 0; from < rows.length; from += 500) {
    await tx
      .insert(tables.alertFinding)
      .values(rows.slice(from, from + 500))
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

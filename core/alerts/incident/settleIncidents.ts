import { inArray, sql } from 'drizzle-orm'
import type { Sev } from '../../base/index.ts'
import { type DatabaseTransaction, tables } from '../../store/index.ts'
import { graver, isGraver } from '../routeFinding.ts'
import type { AlertRow, IncidentRow } from '../types.ts'
import { type IncidentSettings, oneStepGraver } from './incidentSettings.ts'
import { inBatches, incidentTitle } from './joinIncidents.ts'
import type { IncidentNote } from './noteIncident.ts'
import { targetsOf } from './targets.ts'

/** Bots whose findings rest on those of others: they would count the same thing twice. */
const CORRELATING = ['correlation']

type Tally = {
  readonly id: string
  readonly live: boolean
  readonly gravest: Sev | null
  /** Title of the first of the gravest that stand. */
  readonly leading: string | null
  readonly changed: Date
  readonly ended: Date | null
  readonly gathered: number
}

const tally = async (
  tx: DatabaseTransaction,
  ids: readonly string[],
  since: Date,
): Promise<readonly Tally[]> => {
  const { alert } = tables
  const rows = await tx
    .select({
      id: sql<string>`${alert.incidentId}`,
      live: sql<boolean>`bool_or(${alert.status} in ('open', 'unknown'))`,
      // SEV1 sorts before SEV4.
      gravest: sql<Sev | null>`min(${alert.severity}) filter (where ${alert.status} <> 'retracted')`,
      leading: sql<
        string | null
      >`(array_agg(${alert.title} order by ${alert.severity}, ${alert.openedAt}, ${alert.id}) filter (where ${alert.status} <> 'retracted'))[1]`,
      changed: sql<string>`max(${alert.updatedAt})`,
      ended: sql<string | null>`max(${alert.closedAt})`,
      gathered: sql<number>`(count(distinct ${alert.key}) filter (where ${alert.openedAt} > ${since.toISOString()}::timestamptz
        and ${alert.status} <> 'retracted' and ${alert.botId} not in (${sql.join(
          CORRELATING.map((bot) => sql`${bot}`),
          sql`, `,
        )})))::int`,
    })
    .from(alert)
    .where(inArray(alert.incidentId, [...ids]))
    .groupBy(alert.incidentId)
  return rows.map((row) => ({
    ...row,
    changed: new Date(row.changed),
    ended: row.ended === null ? null : new Date(row.ended),
  }))
}

export type Settled = {
  readonly row: IncidentRow
  /** Many warnings made it graver just now. */
  readonly addedUp: boolean
}

const settleOne = (
  row: IncidentRow,
  own: Tally,
  settings: IncidentSettings,
  now: Date,
): { readonly settled: Settled; readonly notes: readonly IncidentNote[] } => {
  const notes: IncidentNote[] = []
  const next = { ...row, status: own.live ? ('open' as const) : ('resolved' as const) }
  if (own.changed > next.updatedAt) next.updatedAt = own.changed
  next.closedAt = own.live ? null : (own.ended ?? row.closedAt ?? row.openedAt)
  const again = row.status === 'resolved' && own.live
  if (again) {
    Object.assign(next, {
      acknowledgedAt: null,
      acknowledgedBy: null,
      mitigatedAt: null,
      mitigatedBy: null,
      closedBy: null,
      escalatedTo: null,
      repeats: 0,
      reopenedCount: row.reopenedCount + 1,
    })
    notes.push({ incidentId: row.id, at: now, kind: 'reopened', text: 'It is there again.' })
  }
  if (own.leading !== null) next.title = incidentTitle(row.subject, own.leading)
  const gravest = own.gravest ?? row.severity
  const { addUp } = settings
  const step = oneStepGraver(gravest, addUp.upTo)
  const addedUp =
    own.live &&
    own.gathered >= addUp.alerts &&
    isGraver(step, gravest) &&
    (next.escalatedTo === null || isGraver(step, next.escalatedTo))
  if (addedUp) {
    next.escalatedTo = step
    const text = `${own.gathered} alerts within ${Math.round(addUp.withinS / 60)} minutes add up: ${gravest} becomes ${step}.`
    notes.push({ incidentId: row.id, at: now, kind: 'raised', text })
  }
  next.severity = next.escalatedTo ? graver(gravest, next.escalatedTo) : gravest
  if (isGraver(next.severity, row.severity) && own.live) {
    const due = targetsOf(next.severity, now, settings)
    const known = row.acknowledgeDueAt
    next.acknowledgeDueAt = known && known < due.acknowledgeDueAt ? known : due.acknowledgeDueAt
    next.mitigateDueAt = row.mitigateDueAt ?? due.mitigateDueAt
    if (next.acknowledgedAt) {
      // Whoever took it took something milder.
      const text = `It is ${next.severity} now; ${next.acknowledgedBy} had taken it as ${row.severity}.`
      notes.push({ incidentId: row.id, at: now, kind: 'unacknowledged', text })
      next.acknowledgedAt = null
      next.acknowledgedBy = null
    }
  }
  if (row.status === 'open' && !own.live)
    notes.push({
      incidentId: row.id,
      at: now,
      kind: 'resolved',
      text: 'None of its alerts is open any more.',
    })
  return { settled: { row: next, addedUp }, notes }
}

/**
 * Brings the alerts' incidents up to date: open while one alert is; as grave as the gravest that stands and called by
 * the first such, or one step graver when many add up; in nobody's hands again when it is back or graver.
 */
export const settleIncidents = async (
  tx: DatabaseTransaction,
  changed: readonly AlertRow[],
  options: { readonly settings: IncidentSettings; readonly now: Date },
): Promise<{
  readonly settled: ReadonlyMap<string, Settled>
  readonly notes: readonly IncidentNote[]
}> => {
  const ids = [...new Set(changed.flatMap(({ incidentId }) => incidentId ?? []))]
  const settled = new Map<string, Settled>()
  const notes: IncidentNote[] = []
  if (ids.length === 0) return { settled, notes }
  const { settings, now } = options
  const since = new Date(now.getTime() - settings.addUp.withinS * 1_000)
  const tallies = new Map((await tally(tx, ids, since)).map((one) => [one.id, one]))
  const rows = await tx.select().from(tables.incident).where(inArray(tables.incident.id, ids))
  for (const row of rows) {
    const own = tallies.get(row.id)
    if (!own) continue
    const one = settleOne(row, own, settings, now)
    settled.set(row.id, one.settled)
    notes.push(...one.notes)
  }
  return { settled, notes }
}

/** Writes incidents as they are now. */
export const writeIncidents = async (
  tx: DatabaseTransaction,
  rows: readonly IncidentRow[],
): Promise<void> => {
  for (const batch of inBatches(rows)) {
    await tx
      .insert(tables.incident)
      .values(batch)
      .onConflictDoUpdate({
        target: tables.incident.id,
        set: {
          status: sql`excluded.status`,
          severity: sql`excluded.severity`,
          title: sql`excluded.title`,
          updatedAt: sql`excluded.updated_at`,
          closedAt: sql`excluded.closed_at`,
          acknowledgedAt: sql`excluded.acknowledged_at`,
          acknowledgedBy: sql`excluded.acknowledged_by`,
          mitigatedAt: sql`excluded.mitigated_at`,
          mitigatedBy: sql`excluded.mitigated_by`,
          closedBy: sql`excluded.closed_by`,
          acknowledgeDueAt: sql`excluded.acknowledge_due_at`,
          mitigateDueAt: sql`excluded.mitigate_due_at`,
          escalatedTo: sql`excluded.escalated_to`,
          inhibitedBy: sql`excluded.inhibited_by`,
          toldAt: sql`excluded.told_at`,
          repeats: sql`excluded.repeats`,
          reopenedCount: sql`excluded.reopened_count`,
        },
      })
  }
}

import { and, eq, inArray, isNotNull, isNull, sql } from 'drizzle-orm'
import type { Sev } from '../../base/index.ts'
import { type Database, type DatabaseTransaction, tables } from '../../store/index.ts'
import { databaseNow, tryLockAlerts } from '../alertLock.ts'
import { loadBudget } from '../tell/budget.ts'
import { releaseHeld } from '../tell/releaseHeld.ts'
import { channelsOf } from '../tell/tellChanges.ts'
import { loadTellContext } from '../tell/tellContext.ts'
import type { AlertRow, IncidentRow, RoutingConfig } from '../types.ts'
import { writeMessages } from '../writeMessages.ts'
import { type IncidentSettings, incidentSettings } from './incidentSettings.ts'
import { noteIncident } from './noteIncident.ts'

/** Incidents that one pass repeats. */
const AT_ONCE = 50

const stamp = (now: Date) => sql`${now.toISOString()}::timestamptz`

/** Gives a SEV1 back to everybody when whoever took it has been silent for too long. */
const unacknowledgeForgotten = async (
  tx: DatabaseTransaction,
  settings: IncidentSettings,
  now: Date,
): Promise<void> => {
  if (settings.unacknowledgeAfterS === 0) return
  const { incident, alert } = tables
  const before = stamp(new Date(now.getTime() - settings.unacknowledgeAfterS * 1_000))
  const forgotten = await tx
    .select()
    .from(incident)
    .where(
      and(
        eq(incident.status, 'open'),
        eq(incident.severity, 'SEV1'),
        isNotNull(incident.acknowledgedAt),
        isNull(incident.mitigatedAt),
        sql`greatest(${incident.acknowledgedAt}, ${incident.attendedAt}) <= ${before}`,
      ),
    )
  if (forgotten.length === 0) return
  const ids = forgotten.map(({ id }) => id)
  const set = { acknowledgedAt: null, acknowledgedBy: null }
  await tx.update(incident).set(set).where(inArray(incident.id, ids))
  await tx.update(alert).set(set).where(inArray(alert.incidentId, ids))
  const minutes = Math.round(settings.unacknowledgeAfterS / 60)
  await noteIncident(
    tx,
    ...forgotten.map((row) => ({
      incidentId: row.id,
      at: now,
      kind: 'unacknowledged' as const,
      text: `${row.acknowledgedBy} has said nothing for ${minutes} minutes: it is in nobody's hands again.`,
      detail: { was: row.acknowledgedBy },
    })),
  )
}

const findUnanswered = (
  tx: DatabaseTransaction,
  settings: IncidentSettings,
  now: Date,
): Promise<IncidentRow[]> => {
  const { incident } = tables
  const late = (['SEV1', 'SEV2', 'SEV3', 'SEV4'] as const satisfies readonly Sev[]).flatMap(
    (severity) => {
      const afterS = settings.repeatS[severity]
      if (afterS === 0) return []
      const before = stamp(new Date(now.getTime() - afterS * 1_000))
      return [sql`(${incident.severity} = ${severity} and ${incident.toldAt} <= ${before})`]
    },
  )
  if (late.length === 0) return Promise.resolve([])
  return tx
    .select()
    .from(incident)
    .where(
      and(
        eq(incident.status, 'open'),
        isNull(incident.acknowledgedAt),
        isNull(incident.inhibitedBy),
        sql`(${sql.join(late, sql` or `)})`,
      ),
    )
    .orderBy(incident.severity, incident.toldAt)
    .limit(AT_ONCE)
}

/** Tells again what nobody has acknowledged. */
const repeat = async (
  tx: DatabaseTransaction,
  config: RoutingConfig,
  settings: IncidentSettings,
  now: Date,
): Promise<void> => {
  const unanswered = await findUnanswered(tx, settings, now)
  if (unanswered.length === 0) return
  const { alert } = tables
  const open = await tx
    .select()
    .from(alert)
    .where(
      and(
        inArray(
          alert.incidentId,
          unanswered.map(({ id }) => id),
        ),
        inArray(alert.status, ['open', 'unknown']),
        isNotNull(alert.toldAt),
      ),
    )
    .orderBy(alert.severity, alert.openedAt)
  const leads = new Map<string, AlertRow>()
  for (const row of open)
    if (row.incidentId && !leads.has(row.incidentId)) leads.set(row.incidentId, row)
  const context = await loadTellContext(tx, { config, rows: [...leads.values()], now })
  const budget = await loadBudget(tx, config, { now, perMinute: settings.messagesPerMinute })
  for (const incident of unanswered) {
    const lead = leads.get(incident.id)
    const { silence, maintenance } = lead ? context.hindrances(lead) : {}
    // Whatever comes of it, it is looked at again only after the interval: others are not kept waiting.
    await tx.update(tables.incident).set({ toldAt: now }).where(eq(tables.incident.id, incident.id))
    if (!lead || silence || maintenance || lead.flappingSince) continue
    const { severity } = incident
    const resting = context.resting({ ...lead, severity })
    const channels = channelsOf(config, { channels: lead.channels, severity }).filter(
      (name) => !resting.has(name),
    )
    const share = budget.take(channels, { severity, change: 'repeated' })
    if (share.now.length === 0) continue
    const minutes = Math.round((now.getTime() - incident.openedAt.getTime()) / 60_000)
    const summary = `Open for ${minutes} minutes, and nobody has it in hand. ${lead.summary}`
    const change = {
      kind: 'repeated' as const,
      status: lead.status,
      statusBefore: lead.status,
      severity,
      severityBefore: severity,
      channels: share.now,
      summary,
    }
    await writeMessages(
      tx,
      config,
      [{ row: lead, changes: [change], firstOrdinal: lead.changes + 1 }],
      now,
    )
    await tx
      .update(alert)
      .set({ changes: lead.changes + 1 })
      .where(eq(alert.id, lead.id))
    await tx
      .update(tables.incident)
      .set({ repeats: incident.repeats + 1 })
      .where(eq(tables.incident.id, incident.id))
    await noteIncident(tx, {
      incidentId: incident.id,
      alertId: lead.id,
      at: now,
      kind: 'repeated',
      text: `Told again to ${share.now.join(', ')}: ${minutes} minutes old and in nobody's hands.`,
    })
  }
  await budget.save(tx)
}

const closeSilences = async (tx: DatabaseTransaction, now: Date): Promise<void> => {
  const { silence } = tables
  await tx
    .update(silence)
    .set({ releasedAt: now })
    .where(
      and(
        isNull(silence.releasedAt),
        sql`(${silence.endsAt} <= ${stamp(now)} or ${silence.endedAt} <= ${stamp(now)})`,
      ),
    )
}

/**
 * What the clock alone brings about: held notices whose reason is over are told, silent acknowledgements lapse, and what
 * nobody has acknowledged is told again. Answers how many held notices it dealt with; 0 too when another notifier is at it.
 */
export const tickIncidents = (options: {
  readonly db: Database
  readonly config: RoutingConfig
  /** For tests: what time it is. Default: the database's now. */
  readonly now?: Date | undefined
}): Promise<number> =>
  options.db.transaction(async (tx) => {
    if (!(await tryLockAlerts(tx))) return 0
    const now = options.now ?? (await databaseNow(tx))
    const settings = incidentSettings(options.config)
    const released = await releaseHeld(tx, options.config, now)
    await closeSilences(tx, now)
    await unacknowledgeForgotten(tx, settings, now)
    await repeat(tx, options.config, settings, now)
    return released
  })

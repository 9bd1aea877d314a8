import { asc, desc, eq, inArray } from 'drizzle-orm'
import { cleanText, TocsinError } from '../../base/index.ts'
import { type Database, type DatabaseTransaction, tables } from '../../store/index.ts'
import type { AlertRow, IncidentRow } from '../types.ts'
import {
  type BlastRadius,
  describeBlastRadius,
  type LikelyCause,
  likelyCause,
} from './correlation.ts'
import { createDependencyMap, type MapConfig } from './dependencyMap.ts'
import { type IncidentState, incidentState } from './incidentState.ts'
import { measureTargets } from './targets.ts'

/** One line of the timeline: an event, a delivery, or a step of an execution. */
export type TimelineEntry = {
  readonly at: Date
  readonly kind: string
  readonly actor: string | null
  readonly channel: string | null
  readonly alertId: string | null
  readonly text: string
  readonly detail: unknown
}

/** Most rows of each source that a timeline shows. */
const MOST = 2_000

const readDeliveries = async (
  db: Database | DatabaseTransaction,
  id: string,
): Promise<readonly TimelineEntry[]> => {
  const { outbox } = tables
  const rows = await db
    .select({
      channel: outbox.channel,
      alertId: outbox.alertId,
      status: outbox.status,
      severity: outbox.severity,
      key: outbox.dedupKey,
      attempts: outbox.attempts,
      lastError: outbox.lastError,
      createdAt: outbox.createdAt,
      sentAt: outbox.sentAt,
    })
    .from(outbox)
    .where(eq(outbox.incidentId, id))
    .orderBy(asc(outbox.seq))
    .limit(MOST)
  return rows.map((row) => {
    const change = row.key.split('.')[1] ?? ''
    const words = {
      sent: `Told ${row.channel}: ${change} ${row.severity}.`,
      pending: `Waits for ${row.channel}: ${change} ${row.severity}${row.lastError ? ` (${row.lastError})` : ''}.`,
      dead: `${row.channel} refused for good: ${row.lastError ?? ''}`,
      superseded: `Not sent to ${row.channel} any more: something newer was to be told.`,
    }
    return {
      at: row.sentAt ?? row.createdAt,
      kind: row.status === 'sent' ? 'delivered' : 'undelivered',
      actor: null,
      channel: row.channel,
      alertId: row.alertId,
      text: cleanText(words[row.status], 500),
      detail: { change, severity: row.severity, attempts: row.attempts, delivery: row.status },
    }
  })
}

const readExecutions = async (
  db: Database | DatabaseTransaction,
  alertIds: readonly string[],
): Promise<readonly TimelineEntry[]> => {
  if (alertIds.length === 0) return []
  const { execution, executionLog, alertFinding } = tables
  const own = await db
    .selectDistinct({ id: execution.id, action: execution.actionId, alertId: alertFinding.alertId })
    .from(execution)
    .innerJoin(alertFinding, eq(alertFinding.findingId, execution.findingId))
    .where(inArray(alertFinding.alertId, [...alertIds]))
    .limit(100)
  if (own.length === 0) return []
  const byId = new Map(own.map((row) => [row.id, row]))
  const steps = await db
    .select()
    .from(executionLog)
    .where(inArray(executionLog.executionId, [...byId.keys()]))
    .orderBy(asc(executionLog.seq))
    .limit(MOST)
  return steps.map((step) => ({
    at: step.at,
    kind: 'execution',
    actor: null,
    channel: null,
    alertId: byId.get(step.executionId)?.alertId ?? null,
    text: cleanText(`Action ${byId.get(step.executionId)?.action ?? ''}: ${step.event}.`, 300),
    detail: { execution: step.executionId, event: step.event, ...Object(step.detail) },
  }))
}

/** Everything that happened to an incident, in order: events, deliveries, steps of executions. */
export const readTimeline = async (
  db: Database | DatabaseTransaction,
  id: string,
  alertIds: readonly string[],
): Promise<readonly TimelineEntry[]> => {
  const { incidentEvent } = tables
  const events = await db
    .select()
    .from(incidentEvent)
    .where(eq(incidentEvent.incidentId, id))
    .orderBy(desc(incidentEvent.seq))
    .limit(MOST)
  const entries: TimelineEntry[] = events
    .toReversed()
    .map(({ seq: _, incidentId: __, ...event }) => event)
  entries.push(...(await readDeliveries(db, id)), ...(await readExecutions(db, alertIds)))
  return entries.sort((a, b) => a.at.getTime() - b.at.getTime())
}

export type IncidentView = {
  readonly incident: IncidentRow
  readonly state: IncidentState
  readonly alerts: readonly AlertRow[]
  readonly timeline: readonly TimelineEntry[]
  readonly held: readonly (typeof tables.heldNotice.$inferSelect)[]
  readonly targets: ReturnType<typeof measureTargets>
  readonly blastRadius: BlastRadius
  readonly cause: LikelyCause | undefined
}

/**
 * One incident with all that people ask of it. At most 2,000 alerts, the gravest first.
 * @throws TocsinError `incident.unknown`
 */
export const readIncident = async (
  db: Database,
  options: { readonly id: string; readonly config: MapConfig; readonly now?: Date },
): Promise<IncidentView> => {
  const [incident] = await db
    .select()
    .from(tables.incident)
    .where(eq(tables.incident.id, options.id))
  if (!incident) {
    throw new TocsinError(
      'incident.unknown',
      `There is no incident "${cleanText(options.id, 60)}".`,
    )
  }
  const alerts = await db
    .select()
    .from(tables.alert)
    .where(eq(tables.alert.incidentId, incident.id))
    .orderBy(asc(tables.alert.severity), asc(tables.alert.openedAt))
    .limit(MOST)
  const held = await db
    .select()
    .from(tables.heldNotice)
    .where(eq(tables.heldNotice.incidentId, incident.id))
    .orderBy(desc(tables.heldNotice.seq))
    .limit(MOST)
  const map = createDependencyMap(options.config)
  return {
    incident,
    state: incidentState(incident, alerts),
    alerts,
    timeline: await readTimeline(
      db,
      incident.id,
      alerts.map(({ id }) => id),
    ),
    held,
    targets: measureTargets(incident, options.now ?? new Date()),
    blastRadius: describeBlastRadius(map, alerts),
    cause: likelyCause(map, alerts),
  }
}

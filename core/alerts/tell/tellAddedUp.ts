import { eq } from 'drizzle-orm'
import { type DatabaseTransaction, tables } from '../../store/index.ts'
import { type Change, isOpen } from '../alertBook.ts'
import type { Settled } from '../incident/settleIncidents.ts'
import { routeFinding } from '../routeFinding.ts'
import type { AlertRow, IncidentRow, RoutingConfig } from '../types.ts'
import type { Told } from '../writeMessages.ts'
import type { Budget } from './budget.ts'
import type { HeldInsert } from './heldNotices.ts'
import { channelsOf, type Telling } from './tellChanges.ts'
import type { TellContext } from './tellContext.ts'

type Options = {
  readonly settled: ReadonlyMap<string, Settled>
  readonly rows: readonly AlertRow[]
  readonly config: RoutingConfig
  readonly context: TellContext
  readonly budget: Budget
  /** What the batch told and holds back already. */
  readonly telling: Telling
}

/** How people are told that an incident is graver than each of its alerts. */
export const addedUpSummary = (severity: string, summary: string): string =>
  `Several alerts of this incident add up, so it counts as ${severity} now. ${summary}`

/** The notice of an alert that waits already, or one that only says that the incident became graver. */
const noticeOf = (
  lead: AlertRow,
  incident: IncidentRow,
  later: readonly string[],
  dueAt: Date,
  { context, telling }: Options,
): HeldInsert => {
  const isSpoken = telling.spoken.includes(lead.id) || telling.over.includes(lead.id)
  const waiting =
    telling.held.find(({ alertId }) => alertId === lead.id) ??
    (isSpoken ? undefined : context.waitingOf(lead.id))
  const { severity } = incident
  if (!waiting)
    return {
      alertId: lead.id,
      incidentId: incident.id,
      change: 'raised',
      severity,
      heldAt: context.now,
      reason: 'storm',
      heldBy: '',
      dueAt,
      channels: [...later],
    }
  const { alertId, incidentId, reason, heldBy, change, heldAt } = waiting
  const channels = [...new Set([...(waiting.channels ?? []), ...later])]
  const at = waiting.dueAt && waiting.dueAt < dueAt ? waiting.dueAt : dueAt
  return { alertId, incidentId, reason, heldBy, change, heldAt, severity, channels, dueAt: at }
}

/**
 * Many warnings made an incident graver: said once, of its gravest alert, to whoever hears of that severity. It counts
 * in the minute of a channel as everything else does, and waits with the rest when that is full.
 */
export const tellAddedUp = async (
  tx: DatabaseTransaction,
  options: Options,
): Promise<{ readonly told: readonly Told[]; readonly held: readonly HeldInsert[] }> => {
  const { config, context, budget } = options
  const told: Told[] = []
  const held: HeldInsert[] = []
  for (const { row: incident, addedUp } of options.settled.values()) {
    if (!addedUp) continue
    const lead = options.rows
      .filter((row) => row.incidentId === incident.id && isOpen(row))
      .sort((a, b) => a.severity.localeCompare(b.severity))[0]
    if (!lead) continue
    const { silence, maintenance, cause } = context.hindrances(lead)
    if (silence || maintenance || cause !== undefined) continue
    const { severity } = incident
    const { channels } = routeFinding(config, { ...lead, severity: 'Info' }, severity)
    const resting = context.resting({ ...lead, severity })
    const awake = channelsOf(config, { channels, severity }).filter((name) => !resting.has(name))
    const share = budget.take(awake, { severity, change: 'raised' })
    if (share.later.length > 0)
      held.push(noticeOf(lead, incident, share.later, share.dueAt, options))
    if (share.now.length === 0) continue
    const change: Change = {
      kind: 'raised',
      status: lead.status,
      statusBefore: lead.status,
      severity,
      severityBefore: lead.severity,
      channels: share.now,
      summary: addedUpSummary(severity, lead.summary),
    }
    lead.changes += 1
    await tx.update(tables.alert).set({ changes: lead.changes }).where(eq(tables.alert.id, lead.id))
    told.push({ row: lead, changes: [change], firstOrdinal: lead.changes })
  }
  return { told, held }
}

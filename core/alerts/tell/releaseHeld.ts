import { and, eq, inArray, isNotNull, isNull, notInArray, sql } from 'drizzle-orm'
import { cleanText, type Sev } from '../../base/index.ts'
import { type DatabaseTransaction, tables } from '../../store/index.ts'
import { type Change, isOpen } from '../alertBook.ts'
import { isStable } from '../incident/flapping.ts'
import { incidentSettings } from '../incident/incidentSettings.ts'
import { inBatches } from '../incident/joinIncidents.ts'
import { noteIncident } from '../incident/noteIncident.ts'
import { isGraver } from '../routeFinding.ts'
import type { AlertChange, AlertRow, RoutingConfig } from '../types.ts'
import { type Told, writeMessages } from '../writeMessages.ts'
import { loadBudget } from './budget.ts'
import { decideChange } from './decideChange.ts'
import { holdNotices, releaseNotices } from './heldNotices.ts'
import { addedUpSummary } from './tellAddedUp.ts'
import { type HeldRow, loadTellContext, type TellContext } from './tellContext.ts'

/** Notices that one pass looks at. */
const AT_ONCE = 10_000
/** More incidents than this at once are told in one message for all. */
const SINGLE_INCIDENTS = 3
/** Titles that a digest lists. */
const TITLES = 8

type Candidate = {
  /** That of the alert, or that of its incident where many of them add up. */
  readonly severity: Sev
  /** With the channels that are told now. */
  readonly held: HeldRow
  readonly row: AlertRow
  /** As it was found, with those too that rest. */
  readonly whole: HeldRow
}

const loadDue = (tx: DatabaseTransaction, now: Date): Promise<HeldRow[]> => {
  const { heldNotice, silence, alert } = tables
  const isSilenceOver = sql`(${heldNotice.reason} = 'silenced' and exists (
    select 1 from ${silence} s where s.id = ${heldNotice.heldBy} and s.ended_at <= ${now.toISOString()}::timestamptz))`
  const isCauseOver = sql`(${heldNotice.reason} = 'inhibited' and not exists (
    select 1 from ${alert} c where c.id = ${heldNotice.heldBy} and c.status in ('open', 'unknown')))`
  return tx
    .select()
    .from(heldNotice)
    .where(
      and(
        isNull(heldNotice.releasedAt),
        sql`(${heldNotice.dueAt} <= ${now.toISOString()}::timestamptz or ${isSilenceOver} or ${isCauseOver})`,
      ),
    )
    .orderBy(heldNotice.severity, heldNotice.seq)
    .limit(AT_ONCE)
}

/**
 * What waits by the clock alone is told by the same message: of an incident of which something is due, and in a storm
 * of all. What a silence, a cause, a cooldown or flapping holds back goes on waiting.
 */
const loadAlong = (tx: DatabaseTransaction, due: readonly HeldRow[]): Promise<HeldRow[]> => {
  const { heldNotice } = tables
  const isStorm = due.some(({ reason }) => reason === 'storm')
  const incidents = due.flatMap((held) => (held.reason === 'grouped' ? held.incidentId : []))
  if (!isStorm && incidents.length === 0) return Promise.resolve([])
  return tx
    .select()
    .from(heldNotice)
    .where(
      and(
        isNull(heldNotice.releasedAt),
        inArray(heldNotice.reason, ['grouped', 'storm']),
        notInArray(
          heldNotice.seq,
          due.map(({ seq }) => seq),
        ),
        isStorm ? undefined : inArray(heldNotice.incidentId, [...new Set(incidents)]),
      ),
    )
    .orderBy(heldNotice.severity, heldNotice.seq)
    .limit(AT_ONCE - due.length)
}

const countBySeverity = (rows: readonly AlertRow[]): string => {
  const counts = new Map<Sev, number>()
  for (const { severity } of rows) counts.set(severity, (counts.get(severity) ?? 0) + 1)
  return [...counts]
    .sort(([a], [b]) => a.localeCompare(b))
    .map(([severity, count]) => `${count} × ${severity}`)
    .join(', ')
}

/** One message that stands for many alerts; the list of all is in the console and behind the API. */
const digestOf = (
  group: readonly Candidate[],
): { readonly told: Told; readonly lead: Candidate } | undefined => {
  const sorted = group.toSorted(
    (a, b) =>
      a.severity.localeCompare(b.severity) || a.row.openedAt.getTime() - b.row.openedAt.getTime(),
  )
  const [lead] = sorted
  if (!lead) return undefined
  const rows = sorted.map(({ row }) => row)
  const incidents = new Set(rows.map(({ incidentId }) => incidentId)).size
  const titles = [
    ...new Set(rows.map(({ title, thing }) => (thing ? `${title} (${thing})` : title))),
  ]
  const rest = titles.length > TITLES ? `; and ${titles.length - TITLES} others` : ''
  const where = incidents === 1 ? `incident ${lead.row.incidentId}` : `${incidents} incidents`
  const raised = sorted.filter(({ severity, row }) => isGraver(severity, row.severity))
  const raisedIds = [...new Set(raised.map(({ row }) => row.incidentId))]
  const addedUp =
    raisedIds.length === 0
      ? ''
      : ` Alerts add up, so ${raisedIds.length === 1 ? `incident ${raisedIds[0]} counts` : `${raisedIds.length} incidents count`} as ${raised[0]?.severity} now.`
  const summary = `${rows.length} more alerts in ${where}: ${countBySeverity(rows)}.${addedUp} ${titles.slice(0, TITLES).join('; ')}${rest}.`
  const change: Change = {
    kind: 'digest',
    status: lead.row.status,
    statusBefore: lead.row.status,
    severity: lead.severity,
    severityBefore: lead.row.severity,
    channels: [...new Set(group.flatMap(({ held }) => held.channels))],
    summary: cleanText(summary, 1_000),
  }
  const told: Told = {
    row: lead.row,
    changes: [change],
    firstOrdinal: lead.row.changes + 1,
    more: { alerts: rows.length, incidents },
  }
  return { told, lead }
}

const tellOne = ({ held, row, severity }: Candidate): Told => ({
  row,
  changes: [
    {
      kind: held.change as AlertChange,
      status: row.status,
      statusBefore: row.status,
      severity,
      severityBefore: row.severity,
      channels: held.channels,
      summary: isGraver(severity, row.severity)
        ? addedUpSummary(severity, row.summary)
        : row.summary,
    },
  ],
  firstOrdinal: row.changes + 1,
})

const factsOf = ({ held, row }: Candidate, context: TellContext) => {
  const { settings, now } = context
  const flapping = { transitions: row.transitions, since: row.flappingSince }
  return {
    now,
    settings,
    change: held.change as AlertChange,
    isBackFromReorg: false,
    severity: row.severity,
    isTold: held.change === 'resolved',
    waiting: undefined,
    lastToldAt: null,
    ...context.hindrances(row),
    flapping: {
      since: isStable(flapping, now, settings.flapping) ? null : flapping.since,
      began: false,
      lastAt: row.transitions.at(-1) ?? 0,
    },
    incidentToldAt: null,
  }
}

/** Whether what was held back is still worth telling. */
const isStillTrue = ({ held, row }: Candidate): boolean =>
  held.change === 'resolved' ? row.status === 'resolved' && row.toldAt !== null : isOpen(row)

/** What its channels hear now, and what waits for the hours of the others. */
const splitByHours = (
  candidate: Candidate,
  context: TellContext,
): { readonly awake?: Candidate; readonly rest?: HeldRow } => {
  const { held, row } = candidate
  const resting = context.resting(row)
  const asleep = held.channels.filter((name) => resting.has(name))
  if (asleep.length === 0) return { awake: candidate }
  const dueAt = new Date(Math.min(...asleep.map((name) => Number(resting.get(name)))))
  const rest: HeldRow = { ...held, reason: 'hours', heldBy: '', dueAt, channels: asleep }
  const channels = held.channels.filter((name) => !resting.has(name))
  return channels.length === 0
    ? { rest }
    : { rest, awake: { ...candidate, held: { ...held, channels } } }
}

/** The severity that many alerts gave to incidents of which something is to be told. */
const loadRaised = async (
  tx: DatabaseTransaction,
  due: readonly HeldRow[],
): Promise<ReadonlyMap<string, Sev>> => {
  const { incident } = tables
  const ids = [...new Set(due.map(({ incidentId }) => incidentId))]
  const found = await tx
    .select({ id: incident.id, to: incident.escalatedTo })
    .from(incident)
    .where(and(inArray(incident.id, ids), isNotNull(incident.escalatedTo)))
  return new Map(found.flatMap(({ id, to }) => (to ? [[id, to] as const] : [])))
}

/** A notice that was to say how grave many alerts made an incident still does, unless that is over. */
const severityOf = (held: HeldRow, row: AlertRow, raised: ReadonlyMap<string, Sev>): Sev =>
  isGraver(held.severity, row.severity) && raised.get(held.incidentId) === held.severity
    ? held.severity
    : row.severity

/**
 * Tells what was held back for a reason that is over, if it is still true: one by one where it is little, else by one
 * message for an incident, or for all of them. Answers how many notices it dealt with.
 */
export const releaseHeld = async (
  tx: DatabaseTransaction,
  config: RoutingConfig,
  now: Date,
): Promise<number> => {
  const first = await loadDue(tx, now)
  if (first.length === 0) return 0
  const due = [...first, ...(await loadAlong(tx, first))]
  const settings = incidentSettings(config)
  const rows = await tx
    .select()
    .from(tables.alert)
    .where(
      inArray(
        tables.alert.id,
        due.map(({ alertId }) => alertId),
      ),
    )
  const byId = new Map(rows.map((row) => [row.id, row]))
  const context = await loadTellContext(tx, { config, rows, now })
  const budget = await loadBudget(tx, config, { now, perMinute: settings.messagesPerMinute })
  const known = new Set(config.channels.map(({ name }) => name))
  const raised = await loadRaised(tx, due)
  const over: string[] = []
  const again: HeldRow[] = []
  const ready: Candidate[] = []
  for (const held of due) {
    const row = byId.get(held.alertId)
    const channels = held.channels.filter((name) => known.has(name))
    const own = { ...held, channels }
    const candidate = row && { held: own, row, whole: own, severity: severityOf(held, row, raised) }
    if (!candidate || !isStillTrue(candidate)) {
      over.push(held.alertId)
      continue
    }
    const decision = decideChange(factsOf(candidate, context))
    if (decision.kind === 'hold')
      again.push({
        ...held,
        reason: decision.reason,
        heldBy: decision.heldBy,
        dueAt: decision.dueAt,
      })
    else {
      const { awake, rest } = splitByHours(candidate, context)
      if (rest) again.push(rest)
      if (awake) ready.push(awake)
    }
  }

  // What ends something, and a SEV1, is never one of many.
  const alone = ready.filter(
    ({ held, row }) => row.severity === 'SEV1' || held.change === 'resolved',
  )
  const rest = ready.filter((candidate) => !alone.includes(candidate))
  const byIncident = new Map<string, Candidate[]>()
  for (const candidate of rest) {
    const id = candidate.held.incidentId
    byIncident.set(id, [...(byIncident.get(id) ?? []), candidate])
  }
  const isStorm =
    byIncident.size > SINGLE_INCIDENTS || rest.some(({ held }) => held.reason === 'storm')
  const groups = isStorm && rest.length > 1 ? [rest] : [...byIncident.values()]
  const messages: Told[] = []
  const toldAlone: string[] = []
  const toldTogether: string[] = []
  const speak = (told: Told, group: readonly Candidate[]): void => {
    const [change] = told.changes
    if (!change) return
    const share = budget.take(change.channels, { severity: change.severity, change: change.kind })
    if (share.now.length === 0 && share.later.length > 0) {
      for (const { whole } of group)
        again.push({ ...whole, reason: 'storm', heldBy: '', dueAt: share.dueAt })
      return
    }
    messages.push({ ...told, changes: [{ ...change, channels: share.now }] })
    const target = group.length === 1 ? toldAlone : toldTogether
    for (const { row } of group) target.push(row.id)
  }
  for (const candidate of alone) speak(tellOne(candidate), [candidate])
  for (const group of groups) {
    const [only] = group
    const digest = group.length > 1 ? digestOf(group) : undefined
    if (digest) speak(digest.told, group)
    else if (only) speak(tellOne(only), group)
  }

  await writeMessages(tx, config, messages, now)
  for (const { row } of messages)
    await tx
      .update(tables.alert)
      .set({
        toldAt: now,
        changes: row.changes + 1,
        ...(row.flappingSince ? { flappingSince: null, transitions: [] } : {}),
      })
      .where(eq(tables.alert.id, row.id))
  await holdNotices(tx, again)
  await releaseNotices(tx, over, 'over', now)
  const waits = new Set(again.map(({ alertId }) => alertId))
  const isDone = (id: string): boolean => !waits.has(id)
  await releaseNotices(tx, toldAlone.filter(isDone), 'told', now)
  await releaseNotices(tx, toldTogether.filter(isDone), 'digest', now)
  await budget.save(tx)
  const spoken = new Set([...toldAlone, ...toldTogether])
  const incidents = new Map<string, number>()
  for (const { held } of ready)
    if (spoken.has(held.alertId))
      incidents.set(held.incidentId, (incidents.get(held.incidentId) ?? 0) + 1)
  for (const batch of inBatches([...incidents.keys()]))
    await tx
      .update(tables.incident)
      .set({ toldAt: now, inhibitedBy: null })
      .where(inArray(tables.incident.id, batch))
  await noteIncident(
    tx,
    ...[...incidents].map(([incidentId, count]) => ({
      incidentId,
      at: now,
      kind: 'released' as const,
      text: `What was held back is told now: ${count} ${count === 1 ? 'alert' : 'alerts'}.`,
      detail: { alerts: count },
    })),
  )
  return due.length
}

import { eq, sql } from 'drizzle-orm'
import { noteIncident } from '../alerts/index.ts'
import type { AlertMessage } from '../alerts/types.ts'
import type { Config } from '../config/types.ts'
import { type Database, type DatabaseTransaction, notify, tables } from '../store/index.ts'
import { recordSelfFinding } from '../telemetry/index.ts'
import { nextBusinessTime } from './businessHours.ts'
import { isNight, tellFatigue } from './fatigue.ts'
import { listRinging } from './openEscalations.ts'
import { readOverrides } from './overrides.ts'
import { composePage, type Destination, destinationsOf, sendTo } from './pageMessages.ts'
import { layersOf } from './rotation.ts'
import type { Duty, OnCall, OnCallConfig } from './types.ts'
import { whoIsOnCall } from './whoIsOnCall.ts'

/** The part of the watchlist that pages are sent by. */
export type PagingConfig = Pick<Config, 'channels' | 'chains'> & { readonly onCall: OnCallConfig }

type Escalation = typeof tables.oncallEscalation.$inferSelect
type StepLevel = 'primary' | 'secondary' | 'lead' | 'all'
type Called = { readonly person: string; readonly duty: Duty | undefined }

const LEVELS: readonly StepLevel[] = ['primary', 'secondary', 'lead', 'all']
/** Channels that wake people. */
const PAGERS: ReadonlySet<string> = new Set(['pagerduty', 'twilio', 'jira'])
const MINUTE_MS = 60_000

const levelOf = (step: number): StepLevel => LEVELS[step % LEVELS.length] ?? 'all'

const calledAt = (who: OnCall, level: StepLevel): readonly Called[] => {
  const onDuty = (duty: Duty | undefined): readonly Called[] =>
    duty ? [{ person: duty.person, duty }] : []
  const lead = who.lead.map((person) => ({ person, duty: undefined }))
  if (level === 'primary') return onDuty(who.primary)
  if (level === 'secondary') return onDuty(who.secondary)
  if (level === 'lead') return lead
  const all = [...onDuty(who.primary), ...onDuty(who.secondary), ...lead]
  return all.filter(({ person }, index) => all.findIndex((one) => one.person === person) === index)
}

/** Pagers that belong to no one person; where there are none, every channel that nobody has for themselves. */
const sharedChannels = ({ channels, onCall }: PagingConfig): readonly Destination[] => {
  const own = new Set(
    Object.values(onCall.people).flatMap(({ contacts }) =>
      contacts.flatMap((contact) => (typeof contact === 'string' ? [contact] : [])),
    ),
  )
  const shared = channels.filter(({ name }) => !own.has(name))
  const pagers = shared.filter(({ kind }) => PAGERS.has(kind))
  return (pagers.length > 0 ? pagers : shared).map(({ name }) => ({ channel: name }))
}

const zoneOf = (config: OnCallConfig, { person, duty }: Called): string => {
  const rotation = duty?.rotation === undefined ? undefined : config.rotations[duty.rotation]
  return config.people[person]?.zone ?? (rotation && layersOf(rotation)[0]?.zone) ?? 'UTC'
}

type Paging = {
  readonly tx: DatabaseTransaction
  readonly config: PagingConfig
  readonly row: Escalation
  readonly message: AlertMessage
  readonly now: Date
  readonly level: StepLevel
}

const writePage = async (
  paging: Paging,
  called: Called | undefined,
  destinations: readonly Destination[],
): Promise<void> => {
  const { tx, row, now, level, config } = paging
  const person = called?.person ?? null
  const messages: string[] = []
  for (const [index, destination] of destinations.entries()) {
    const key = `page.${row.id}.${row.step}.${person ?? 'everyone'}.${index}.${destination.channel}`
    await sendTo(tx, paging.message, destination, key)
    messages.push(key)
  }
  await tx.insert(tables.oncallPage).values({
    escalationId: row.id,
    incidentId: row.incidentId,
    team: row.team,
    step: row.step,
    level,
    person,
    severity: row.severity,
    messages,
    at: now,
    isNight: called ? isNight(now, zoneOf(config.onCall, called)) : false,
    shiftSince: called?.duty?.since ?? null,
  })
  const names = [...new Set(destinations.map(({ channel }) => channel))]
  await noteIncident(tx, {
    incidentId: row.incidentId,
    alertId: row.alertId,
    at: now,
    kind: 'paged',
    channel: names.join(', '),
    text: `${person ?? 'Every pager'} is paged as ${level} of ${row.team} by ${names.join(', ')}.`,
    detail: { person, team: row.team, level, step: row.step, channels: names },
  })
  if (called?.duty)
    await tellFatigue(tx, config.onCall, {
      team: row.team,
      person: called.person,
      since: called.duty.since,
    })
}

/** Somebody should have been paged and could not be: told once a day for each gap. */
const tellGap = (
  { tx, row, now }: Pick<Paging, 'tx' | 'row' | 'now'>,
  what: string,
  key: string,
): Promise<void> =>
  recordSelfFinding(tx, {
    alertId: 'ONCALL-GAP',
    name: `A page of team ${row.team} reached nobody at first`,
    description: `${what} The page of incident ${row.incidentId} went on to the next at once.`,
    severity: 'High',
    uniqueKey: `${row.team}:${key}:${now.toISOString().slice(0, 10)}`,
    metadata: { team: row.team },
  })

/** Pages one level. False when nobody there can be reached. */
const pageLevel = async (paging: Paging, who: OnCall): Promise<boolean> => {
  const { config, level, row } = paging
  const called = calledAt(who, level)
  let reached = false
  for (const one of called) {
    const destinations = destinationsOf(config.channels, config.onCall.people[one.person])
    if (destinations.length === 0) {
      await tellGap(paging, `${one.person} has no contact.`, one.person)
      continue
    }
    await writePage(paging, one, destinations)
    reached = true
  }
  if (level === 'all') {
    const shared = sharedChannels(config)
    if (shared.length > 0) await writePage(paging, undefined, shared)
    return reached || shared.length > 0
  }
  if (called.length === 0 && level === 'primary')
    await tellGap({ ...paging, row }, 'Nobody is on call.', 'primary')
  return reached
}

const readWaiting = (config: OnCallConfig, row: Escalation, now: Date): Date | undefined => {
  if (config.anyHour.includes(row.severity)) return undefined
  const next = nextBusinessTime(config.teams[row.team]?.hours ?? config.hours, now)
  // Without any business hours at all there is nothing to wait for.
  return next && next > now ? next : undefined
}

const noteOf = (row: Escalation, level: StepLevel): string => {
  const place = level === 'all' ? 'Nobody has answered' : `You are ${level} on call`
  return `${place} (${row.team}).`
}

/** How often it was paged for before, until somebody had it in hand. */
const countRounds = async (tx: DatabaseTransaction, row: Escalation): Promise<number> => {
  const { rows } = await tx.execute<{ n: number }>(sql`
    select count(*)::int as n from tocsin.oncall_escalation
    where incident_id = ${row.incidentId} and team = ${row.team}
      and opened_at < ${row.openedAt.toISOString()}::timestamptz`)
  return rows[0]?.n ?? 0
}

const takeLevels = async (
  paging: Omit<Paging, 'level' | 'message'>,
  alerts: Awaited<ReturnType<typeof listRinging>>,
): Promise<void> => {
  const { tx, config, row, now } = paging
  const { onCall } = config
  const team = onCall.teams[row.team]
  const alert = alerts.find(({ id }) => id === row.alertId) ?? alerts[0]
  if (!team || !alert) return
  const last = LEVELS.length * onCall.repeat - 1
  const who = whoIsOnCall(onCall, await readOverrides(tx, now), row.team, now)
  const round = await countRounds(tx, row)
  let step = row.step
  for (let tries = 0; tries < LEVELS.length; tries++) {
    const level = levelOf(step)
    const words = { severity: row.severity, note: noteOf(row, level), round }
    const message = await composePage(tx, config, alert, words)
    const reached = await pageLevel(
      { ...paging, row: { ...row, step, alertId: alert.id }, level, message },
      who,
    )
    if (reached) break
    step += 1
  }
  const next = step + 1
  const isInVain = next > last
  if (isInVain)
    await recordSelfFinding(tx, {
      alertId: 'ESCALATION-UNANSWERED',
      name: `Nobody answers the pages of team ${row.team}`,
      description: `Incident ${row.incidentId} (${row.severity}) went through every step ${onCall.repeat} times without an acknowledgement. All are paged again every ${onCall.remindMinutes} minutes.`,
      severity: 'High',
      uniqueKey: row.id,
      metadata: { team: row.team, incident: row.incidentId },
    })
  const pauseMinutes = isInVain ? onCall.remindMinutes : (team.stepMinutes ?? onCall.stepMinutes)
  await tx
    .update(tables.oncallEscalation)
    .set({
      status: 'active',
      alertId: alert.id,
      // Past the last step it stays with all.
      step: isInVain ? Math.ceil(next / LEVELS.length) * LEVELS.length + LEVELS.length - 1 : next,
      dueAt: new Date(+now + pauseMinutes * MINUTE_MS),
    })
    .where(eq(tables.oncallEscalation.id, row.id))
  await notify(tx, 'tocsin_outbox')
}

const end = (tx: DatabaseTransaction, row: Escalation, now: Date, why: string) =>
  tx
    .update(tables.oncallEscalation)
    .set({ status: 'ended', endedAt: now, endedBy: why })
    .where(eq(tables.oncallEscalation.id, row.id))

const putOff = (tx: DatabaseTransaction, row: Escalation, now: Date) =>
  tx
    .update(tables.oncallEscalation)
    .set({ dueAt: new Date(+now + MINUTE_MS) })
    .where(eq(tables.oncallEscalation.id, row.id))

/** Why nobody is paged for it any more; undefined while somebody is. */
const reasonToEnd = (
  config: OnCallConfig,
  row: Escalation,
  incident: typeof tables.incident.$inferSelect | undefined,
  alerts: number,
): string | undefined => {
  if (incident?.status !== 'open') return 'over'
  if (incident.acknowledgedAt) return 'acknowledged'
  if (incident.inhibitedBy) return 'inhibited'
  if (alerts === 0) return 'silenced'
  return Object.hasOwn(config.teams, row.team) ? undefined : 'gone'
}

/**
 * Claims the gravest timer that is due and does its step in one transaction: pages the next person, waits for business
 * hours, or ends. It holds the lock of the incident, so that of a step and an acknowledgement the second sees the
 * first: after an acknowledgement nobody is paged. False when nothing is due.
 */
export const takeStep = (db: Database, config: PagingConfig, now: Date): Promise<boolean> =>
  db.transaction(async (tx) => {
    const [row] = await tx
      .select()
      .from(tables.oncallEscalation)
      .where(
        sql`${tables.oncallEscalation.status} <> 'ended' and ${tables.oncallEscalation.dueAt} <= ${now.toISOString()}::timestamptz`,
      )
      .orderBy(tables.oncallEscalation.severity, tables.oncallEscalation.dueAt)
      .limit(1)
      .for('update', { skipLocked: true })
    if (!row) return false
    const { onCall } = config
    const [incident] = await tx
      .select()
      .from(tables.incident)
      .where(eq(tables.incident.id, row.incidentId))
      .for('update')
    const alerts = await listRinging(tx, row.incidentId, onCall.page)
    const why = reasonToEnd(onCall, row, incident, alerts.length)
    // The next turn ends it, and tells whoever was paged.
    if (why !== undefined || !incident) {
      if (why === 'gone' || !incident) await end(tx, row, now, 'gone')
      else await putOff(tx, row, now)
      return true
    }
    const graver = { ...row, severity: incident.severity }
    const opens = readWaiting(onCall, graver, now)
    if (opens)
      await tx
        .update(tables.oncallEscalation)
        .set({ status: 'waiting', dueAt: opens, severity: incident.severity })
        .where(eq(tables.oncallEscalation.id, row.id))
    else await takeLevels({ tx, config, row: graver, now }, alerts)
    return true
  })

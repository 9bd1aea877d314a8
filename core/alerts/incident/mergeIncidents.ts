import { and, eq, inArray, ne } from 'drizzle-orm'
import { cleanText, TocsinError } from '../../base/index.ts'
import { type Database, type DatabaseTransaction, notify, tables } from '../../store/index.ts'
import { graver } from '../routeFinding.ts'
import type { AlertRow, IncidentRow, RoutingConfig } from '../types.ts'
import type { ActResult } from './acknowledgeIncident.ts'
import { type Act, lockIncident, MERGED_INTO } from './findIncident.ts'
import { incidentSettings } from './incidentSettings.ts'
import { incidentSubject, newIncident } from './joinIncidents.ts'
import { noteIncident } from './noteIncident.ts'
import { settleIncidents, writeIncidents } from './settleIncidents.ts'

const earlier = <T extends Date | null>(a: T, b: T): T => (a === null || (b && b < a) ? b : a)

/** Alerts with all that was and will be told of them; what waits keeps its place among the messages of its alert. */
const moveAlerts = async (
  tx: DatabaseTransaction,
  alerts: readonly AlertRow[],
  from: string,
  to: string,
): Promise<void> => {
  const ids = alerts.map(({ id }) => id)
  const { alert, heldNotice, outbox } = tables
  await tx.update(alert).set({ incidentId: to }).where(inArray(alert.id, ids))
  await tx.update(heldNotice).set({ incidentId: to }).where(inArray(heldNotice.alertId, ids))
  const ofThese = and(inArray(outbox.alertId, ids), eq(outbox.incidentId, from))
  await tx
    .update(outbox)
    .set({ lane: to })
    .where(and(ofThese, eq(outbox.lane, from), eq(outbox.status, 'pending')))
  await tx.update(outbox).set({ incidentId: to }).where(ofThese)
}

const settle = async (
  tx: DatabaseTransaction,
  rows: readonly AlertRow[],
  config: RoutingConfig,
  now: Date,
): Promise<void> => {
  const options = { settings: incidentSettings(config), now }
  const { settled, notes } = await settleIncidents(tx, rows, options)
  await writeIncidents(
    tx,
    [...settled.values()].map(({ row }) => row),
  )
  await noteIncident(tx, ...notes)
}

const read = async (tx: DatabaseTransaction, id: string): Promise<IncidentRow> =>
  (await lockIncident(tx, { incidentId: id }, undefined)).row

/** What the first becomes by taking in the other; its severity follows from its alerts. */
const unite = (into: IncidentRow, other: IncidentRow) => {
  const [mine, theirs] = [into.escalatedTo, other.escalatedTo]
  return {
    openedAt: earlier(into.openedAt, other.openedAt),
    acknowledgeDueAt: earlier(into.acknowledgeDueAt, other.acknowledgeDueAt),
    mitigateDueAt: earlier(into.mitigateDueAt, other.mitigateDueAt),
    toldAt: into.toldAt ?? other.toldAt,
    escalatedTo: mine && theirs ? graver(mine, theirs) : (mine ?? theirs),
    inhibitedBy: into.inhibitedBy === other.id ? null : into.inhibitedBy,
  }
}

/**
 * Makes two incidents one: the alerts of `otherId` go over to `incidentId` with all that was told of them, later ones
 * of the same things join it, and who answers to the other one answers to it. It is as grave as the graver, as old as
 * the older, and in the hands of whoever had the first. The other one is closed; its own timeline stays.
 * @throws TocsinError `incident.unknown`
 */
export const mergeIncidents = (
  db: Database,
  options: Act & {
    readonly incidentId: string
    readonly otherId: string
    readonly config: RoutingConfig
  },
): Promise<ActResult> =>
  db.transaction(async (tx) => {
    const { row: into, now } = await lockIncident(tx, options, options.at)
    const { row: other } = await lockIncident(tx, { incidentId: options.otherId }, options.at)
    if (into.id === other.id)
      return { accepted: false, incident: into, text: `Both are incident ${into.id}.` }
    if (into.status !== 'open' && other.status === 'open') {
      const text = `Incident ${into.id} is over: merge it into ${other.id}, which is open.`
      return { accepted: false, incident: into, text }
    }
    const by = cleanText(options.by, 100)
    const { alert, incident, incidentKey } = tables
    const moved = await tx.select().from(alert).where(eq(alert.incidentId, other.id)).for('update')
    await moveAlerts(tx, moved, other.id, into.id)
    const keys = await tx
      .select({ key: incidentKey.key })
      .from(incidentKey)
      .where(eq(incidentKey.incidentId, other.id))
    const names = new Set([`subject:${other.subject}`, ...keys.map(({ key }) => key)])
    await tx
      .insert(incidentKey)
      .values([...names].map((key) => ({ key, incidentId: into.id, at: now })))
      .onConflictDoNothing()
    const grown = { ...unite(into, other), attendedAt: now }
    await tx.update(incident).set(grown).where(eq(incident.id, into.id))
    const over = {
      status: 'resolved' as const,
      closedAt: other.closedAt ?? now,
      closedBy: `${MERGED_INTO}${into.id}`,
      attendedAt: now,
    }
    await tx.update(incident).set(over).where(eq(incident.id, other.id))
    await tx
      .update(incident)
      .set({ inhibitedBy: into.id })
      .where(and(eq(incident.inhibitedBy, other.id), ne(incident.id, into.id)))
    const [own] = await tx.select().from(alert).where(eq(alert.incidentId, into.id)).limit(1)
    if (own) await settle(tx, [own], options.config, now)
    const count = `${moved.length} ${moved.length === 1 ? 'alert' : 'alerts'}`
    const note = { at: now, kind: 'merged' as const, actor: by, channel: options.via }
    await noteIncident(
      tx,
      {
        ...note,
        incidentId: into.id,
        text: `${by} merged incident ${other.id} into this one (${count}): ${other.title}.`,
        detail: { from: other.id, alerts: moved.map(({ id }) => id).slice(0, 200) },
      },
      {
        ...note,
        incidentId: other.id,
        text: `${by} merged it into incident ${into.id}, with ${count}.`,
        detail: { into: into.id },
      },
    )
    await notify(tx, 'tocsin_outbox')
    const text = `Incident ${other.id} is part of ${into.id} now.`
    return { accepted: true, incident: await read(tx, into.id), text }
  })

/**
 * Takes alerts out of an incident into one of their own, with all that was told of them; whoever has the first in hand
 * has both. Later alerts of their protocol or thing join the new one.
 * @throws TocsinError `incident.unknown`, `alert.unknown`
 */
export const splitIncident = (
  db: Database,
  options: Act & {
    readonly incidentId: string
    readonly alertIds: readonly string[]
    readonly config: RoutingConfig
  },
): Promise<ActResult> =>
  db.transaction(async (tx) => {
    const { row: from, now } = await lockIncident(tx, options, options.at)
    const by = cleanText(options.by, 100)
    const { alert, incident, incidentKey } = tables
    const all = await tx
      .select()
      .from(alert)
      .where(eq(alert.incidentId, from.id))
      .orderBy(alert.severity, alert.openedAt)
      .for('update')
    const wanted = new Set(options.alertIds)
    const moved = all.filter(({ id }) => wanted.delete(id))
    const [missing] = wanted
    if (missing !== undefined)
      throw new TocsinError(
        'alert.unknown',
        `Incident ${from.id} has no alert "${cleanText(missing, 60)}".`,
        { hints: [`\`tocsin incidents show ${from.id}\` lists them.`] },
      )
    const staying = all.filter(({ id }) => !options.alertIds.includes(id))
    const [lead] = moved
    if (!lead || staying.length === 0) {
      const text = lead
        ? `That is all of incident ${from.id}: nothing would be left of it.`
        : 'No alert is named.'
      return { accepted: false, incident: from, text }
    }
    const settings = incidentSettings(options.config)
    const opened = moved.reduce((first, row) => earlier(first, row.openedAt), lead.openedAt)
    const fresh: IncidentRow = {
      ...newIncident(
        { ...lead, id: `${lead.id}/${now.toISOString()}`, openedAt: opened },
        settings,
      ),
      updatedAt: now,
      acknowledgedAt: from.acknowledgedAt,
      acknowledgedBy: from.acknowledgedBy,
      firstAcknowledgedAt: from.firstAcknowledgedAt,
      attendedAt: now,
      toldAt: moved.some(({ toldAt }) => toldAt) ? from.toldAt : null,
    }
    await tx.insert(incident).values(fresh)
    await tx.update(incident).set({ attendedAt: now }).where(eq(incident.id, from.id))
    await moveAlerts(tx, moved, from.id, fresh.id)
    const kept = new Set(staying.map(incidentSubject))
    const subjects = [...new Set(moved.map(incidentSubject))].map((one) => `subject:${one}`)
    await tx
      .insert(incidentKey)
      .values(subjects.map((key) => ({ key, incidentId: fresh.id, at: now })))
      .onConflictDoNothing()
    const given = subjects.filter((key) => !kept.has(key.slice('subject:'.length)))
    if (given.length > 0)
      await tx
        .delete(incidentKey)
        .where(and(eq(incidentKey.incidentId, from.id), inArray(incidentKey.key, given)))
    const gone = moved.map((row) => ({ ...row, incidentId: fresh.id }))
    await settle(tx, [...gone, ...staying], options.config, now)
    const count = `${moved.length} ${moved.length === 1 ? 'alert' : 'alerts'}`
    const note = { at: now, kind: 'split' as const, actor: by, channel: options.via }
    await noteIncident(
      tx,
      {
        ...note,
        incidentId: from.id,
        text: `${by} took ${count} out into incident ${fresh.id}: ${lead.title}.`,
        detail: { into: fresh.id, alerts: moved.map(({ id }) => id).slice(0, 200) },
      },
      {
        ...note,
        incidentId: fresh.id,
        text: `${by} took it out of incident ${from.id}, with ${count}.`,
        detail: { from: from.id },
      },
    )
    await notify(tx, 'tocsin_outbox')
    const text = `Incident ${fresh.id} has ${count} of ${from.id} now.`
    return { accepted: true, incident: await read(tx, fresh.id), text }
  })

import { and, eq, inArray, or, sql } from 'drizzle-orm'
import { stableHash } from '../../base/index.ts'
import { type DatabaseTransaction, tables } from '../../store/index.ts'
import type { AlertState } from '../alertBook.ts'
import type { AlertRow, IncidentRow, RoutingConfig } from '../types.ts'
import type { DependencyMap } from './dependencyMap.ts'
import type { IncidentSettings } from './incidentSettings.ts'
import { targetsOf } from './targets.ts'

/** An incident that is found through the map is no older than this (ms). */
const MAP_MAX_AGE_MS = 3_600_000

/** What is hit: the protocol, else the thing, else the bot's alert itself. */
export const incidentSubject = (row: AlertRow): string =>
  row.protocol ?? row.thing ?? `${row.botId}/${row.alertId}`

type Found = { row: IncidentRow }

export type JoinOptions = {
  readonly config: RoutingConfig
  readonly settings: IncidentSettings
  readonly map: DependencyMap
  readonly now: Date
}

/** What a later alert may find the incident of this one by. */
const ownKeys = (state: AlertState, known: ReadonlySet<string>, map: DependencyMap): string[] => {
  const { row, traces } = state
  return [
    // Addresses of the watchlist have names to join by; what strangers share says more.
    ...[...(traces ?? [])].filter((trace) => !known.has(trace)),
    `subject:${incidentSubject(row)}`,
    ...map.hitBy(row).map((name) => `node:${name}`),
  ]
}

const nodesNear = (row: AlertRow, { map, settings }: JoinOptions): readonly string[] => {
  const hit = map.hitBy(row)
  if (hit.length === 0 || settings.mapHops === 0) return []
  const near = [...map.leanedOnBy(hit), ...map.leaningOn(hit)]
  return near.filter(([, steps]) => steps <= settings.mapHops).map(([name]) => `node:${name}`)
}

/**
 * Gives every new alert its incident, at once: an open one of the same transaction, stranger's address, protocol or
 * thing with news within `joinWithinS`; one nearby in the dependency map within `mapWithinS`; else one of its own.
 * Answers the incidents that are new, by id.
 */
export const joinIncidents = async (
  tx: DatabaseTransaction,
  states: readonly AlertState[],
  options: JoinOptions,
): Promise<ReadonlyMap<string, IncidentRow>> => {
  const { now, settings, map, config } = options
  const fresh = states.filter(({ row }) => row.incidentId === null)
  const created = new Map<string, IncidentRow>()
  const known = new Set(
    (config.watch ?? []).map(({ chainId, address }) => `address:${chainId}:${address}`),
  )
  const keysOf = new Map(states.map((state) => [state, ownKeys(state, known, map)]))
  const near = new Map(fresh.map((state) => [state, nodesNear(state.row, options)]))
  const byKey = new Map<string, Found>()
  const { incident, incidentKey } = tables
  const asked = [
    ...new Set(
      fresh.flatMap((state) => [...(keysOf.get(state) ?? []), ...(near.get(state) ?? [])]),
    ),
  ]
  const subjects = [...new Set(fresh.map(({ row }) => incidentSubject(row)))]
  if (fresh.length > 0) {
    const rows = await tx
      .select({ key: incidentKey.key, row: incident })
      .from(incident)
      .leftJoin(
        incidentKey,
        and(eq(incidentKey.incidentId, incident.id), inArray(incidentKey.key, asked)),
      )
      .where(
        and(
          eq(incident.status, 'open'),
          or(sql`${incidentKey.key} is not null`, inArray(incident.subject, subjects)),
        ),
      )
      .orderBy(incident.updatedAt)
    const found = new Map<string, Found>()
    for (const { key, row } of rows) {
      const one = found.get(row.id) ?? { row }
      found.set(row.id, one)
      byKey.set(`subject:${row.subject}`, one)
      if (key !== null) byKey.set(key, one)
    }
  }
  const age = (one: Found): number => now.getTime() - one.row.updatedAt.getTime()
  const find = (state: AlertState): Found | undefined => {
    for (const key of keysOf.get(state) ?? []) {
      const one = byKey.get(key)
      if (one && age(one) < settings.joinWithinS * 1_000) return one
    }
    for (const key of near.get(state) ?? []) {
      const one = byKey.get(key)
      const isYoung = one && now.getTime() - one.row.openedAt.getTime() < MAP_MAX_AGE_MS
      if (one && isYoung && age(one) < settings.mapWithinS * 1_000) return one
    }
    return undefined
  }
  const links: (typeof incidentKey.$inferInsert)[] = []
  for (const state of states) {
    const { row } = state
    if (row.incidentId === null) {
      const found = find(state)
      const own = found ?? { row: newIncident(row, settings) }
      if (!found) created.set(own.row.id, own.row)
      row.incidentId = own.row.id
      own.row = { ...own.row, updatedAt: now }
      for (const key of keysOf.get(state) ?? []) byKey.set(key, own)
    } else if ((state.traces?.size ?? 0) === 0) continue
    const incidentId = row.incidentId
    for (const key of keysOf.get(state) ?? []) links.push({ key, incidentId, at: now })
  }
  for (const batch of inBatches([...created.values()])) await tx.insert(incident).values(batch)
  for (const batch of inBatches(links))
    await tx.insert(incidentKey).values(batch).onConflictDoNothing()
  return created
}

/** Pieces that one statement takes. */
export const inBatches = <T>(rows: readonly T[], size = 500): readonly T[][] =>
  Array.from({ length: Math.ceil(rows.length / size) }, (_, at) =>
    rows.slice(at * size, (at + 1) * size),
  )

/** What an incident is called, by the alert that leads it. */
export const incidentTitle = (subject: string, leading: string): string =>
  `${subject}: ${leading}`.slice(0, 300)

/** An incident of one alert, as it begins. */
export const newIncident = (row: AlertRow, settings: IncidentSettings): IncidentRow => {
  const subject = incidentSubject(row)
  return {
    id: `i_${stableHash(subject, row.id).slice(0, 20)}`,
    subject,
    status: 'open',
    severity: row.severity,
    title: incidentTitle(subject, row.title),
    owner: row.owner,
    openedAt: row.openedAt,
    updatedAt: row.openedAt,
    closedAt: null,
    acknowledgedAt: null,
    acknowledgedBy: null,
    firstAcknowledgedAt: null,
    attendedAt: null,
    mitigatedAt: null,
    mitigatedBy: null,
    closedBy: null,
    ...targetsOf(row.severity, row.openedAt, settings),
    escalatedTo: null,
    inhibitedBy: null,
    toldAt: null,
    repeats: 0,
    reopenedCount: 0,
  }
}

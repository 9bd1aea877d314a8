import { and, desc, gt, inArray, isNull, ne, or } from 'drizzle-orm'
import { type DatabaseTransaction, tables } from '../../store/index.ts'
import { findCause } from '../incident/correlation.ts'
import { createDependencyMap, type DependencyMap } from '../incident/dependencyMap.ts'
import { type IncidentSettings, incidentSettings } from '../incident/incidentSettings.ts'
import { maintenanceOf } from '../incident/maintenance.ts'
import { nextBusinessTime } from '../incident/targets.ts'
import { hoursOfChannels } from '../routeFinding.ts'
import { listSilences, type Silence, silenceOf } from '../silence/silences.ts'
import type { AlertRow, RoutingConfig } from '../types.ts'
import type { ChangeFacts } from './decideChange.ts'

export type HeldRow = typeof tables.heldNotice.$inferSelect

/** What decides, beside an alert itself, whether people are told of it now. */
export type TellContext = {
  readonly now: Date
  readonly config: RoutingConfig
  readonly settings: IncidentSettings
  readonly map: DependencyMap
  /** The row of the same key before this one, of late. */
  readonly predecessorOf: (row: AlertRow) => AlertRow | undefined
  readonly waitingOf: (alertId: string) => HeldRow | undefined
  /** Channels that hear of an alert of this severity in certain hours alone and not now, with when they next do. */
  readonly resting: (row: AlertRow) => ReadonlyMap<string, Date>
  /** What keeps an alert from being told. */
  readonly hindrances: (row: AlertRow) => Pick<ChangeFacts, 'silence' | 'maintenance' | 'cause'>
}

let drawn: { readonly config: RoutingConfig; readonly map: DependencyMap } | undefined

/** The map of a configuration, drawn once for as long as that one is in use. */
export const mapOf = (config: RoutingConfig): DependencyMap => {
  if (drawn?.config !== config) drawn = { config, map: createDependencyMap(config) }
  return drawn.map
}

const loadCauses = async (
  tx: DatabaseTransaction,
  map: DependencyMap,
  rows: readonly AlertRow[],
): Promise<readonly AlertRow[]> => {
  const above = [...map.leanedOnBy(rows.flatMap(map.hitBy)).keys()]
  if (above.length === 0) return []
  const { alert } = tables
  return tx
    .select()
    .from(alert)
    .where(
      and(
        inArray(alert.status, ['open', 'unknown']),
        // Alerts of a node's `hitBy` name it by bot, not by thing.
        or(inArray(alert.thing, above), inArray(alert.protocol, above), isNull(alert.thing)),
      ),
    )
    .orderBy(alert.openedAt)
    .limit(1_000)
}

const loadPredecessors = async (
  tx: DatabaseTransaction,
  rows: readonly AlertRow[],
  since: Date,
): Promise<ReadonlyMap<string, readonly AlertRow[]>> => {
  const { alert } = tables
  const byKey = new Map<string, AlertRow[]>()
  const found = await tx
    .select()
    .from(alert)
    .where(
      and(
        inArray(
          alert.key,
          rows.map(({ key }) => key),
        ),
        gt(alert.updatedAt, since),
        ne(alert.status, 'open'),
      ),
    )
    .orderBy(desc(alert.openedAt), desc(alert.updatedAt))
    .limit(5_000)
  for (const row of found) byKey.set(row.key, [...(byKey.get(row.key) ?? []), row])
  return byKey
}

const NOBODY: ReadonlyMap<string, Date> = new Map()

const restingIn = (
  config: RoutingConfig,
  settings: IncidentSettings,
  now: Date,
): TellContext['resting'] => {
  if (!config.routes.some(({ during }) => during)) return () => NOBODY
  const begins = new Map<unknown, Date>()
  const next = (during: NonNullable<RoutingConfig['routes'][number]['during']>): Date => {
    const at =
      begins.get(during) ??
      nextBusinessTime(now, during === 'business' ? settings.businessHours : during)
    begins.set(during, at)
    return at
  }
  return (row) => {
    const resting = new Map<string, Date>()
    for (const [channel, hours] of hoursOfChannels(config, row, row.severity)) {
      const at = Math.min(...hours.map((during) => next(during).getTime()))
      if (at > now.getTime()) resting.set(channel, new Date(at))
    }
    return resting
  }
}

/** Loads what is needed to decide about these alerts, in a few queries whatever their number. */
export const loadTellContext = async (
  tx: DatabaseTransaction,
  options: {
    readonly config: RoutingConfig
    readonly rows: readonly AlertRow[]
    readonly now: Date
  },
): Promise<TellContext> => {
  const { config, rows, now } = options
  const settings = incidentSettings(config)
  const map = mapOf(config)
  const memoryS = Math.max(settings.flapping.withinS, ...Object.values(settings.cooldownS))
  const silences: readonly Silence[] = await listSilences(tx, { at: now })
  const causes = await loadCauses(tx, map, rows)
  const predecessors = await loadPredecessors(tx, rows, new Date(now.getTime() - memoryS * 1_000))
  const { heldNotice } = tables
  const held = await tx
    .select()
    .from(heldNotice)
    .where(
      and(
        inArray(
          heldNotice.alertId,
          rows.map(({ id }) => id),
        ),
        isNull(heldNotice.releasedAt),
      ),
    )
  const waiting = new Map(held.map((row) => [row.alertId, row]))
  const own = new Map(rows.map((row) => [row.id, row]))
  return {
    now,
    config,
    settings,
    map,
    predecessorOf: (row) =>
      predecessors
        .get(row.key)
        ?.find(({ id, openedAt }) => id !== row.id && openedAt <= row.openedAt),
    waitingOf: (id) => waiting.get(id),
    resting: restingIn(config, settings, now),
    hindrances: (row) => {
      const alert = { ...row, chainName: config.chains.find(({ id }) => id === row.chainId)?.name }
      const silence = silenceOf(silences, alert, now)
      const maintenance = maintenanceOf(settings.maintenance, alert, now)
      // As they are after this batch, not as they were before.
      const open = [
        ...causes.map((cause) => own.get(cause.id) ?? cause),
        ...rows.filter(({ id }) => !causes.some((cause) => cause.id === id)),
      ]
      return {
        silence: silence && {
          id: silence.id,
          until:
            silence.endedAt && silence.endedAt < silence.endsAt ? silence.endedAt : silence.endsAt,
        },
        maintenance: maintenance && {
          reason: maintenance.window.reason,
          until: maintenance.until,
        },
        cause: map.nodes.size === 0 ? undefined : findCause(map, row, open)?.id,
      }
    },
  }
}

import type { Sev } from '../../base/index.ts'
import type { AlertRow } from '../types.ts'
import { bareNode, type DependencyMap, type MapNode } from './dependencyMap.ts'

type Member = Pick<
  AlertRow,
  | 'id'
  | 'thing'
  | 'protocol'
  | 'botId'
  | 'alertId'
  | 'chainId'
  | 'status'
  | 'severity'
  | 'title'
  | 'openedAt'
  | 'firstBlock'
>

export type BlastRadius = {
  /** What is hit itself. */
  readonly hit: readonly MapNode[]
  /** Who leans on that, nearest first: `steps` away. */
  readonly leaning: readonly (MapNode & { readonly steps: number; readonly through: string })[]
  /** Sum of what lies in all of these, each place once; null when the watchlist reckons none of them. */
  readonly valueUsd: number | null
  /** How many of them the watchlist gives no value for. */
  readonly unknownValues: number
}

const stands = ({ status }: Pick<Member, 'status'>): boolean => status !== 'retracted'

/** Who leans, over however many steps, on what an incident's alerts say is hit. */
export const describeBlastRadius = (map: DependencyMap, alerts: readonly Member[]): BlastRadius => {
  const names = [...new Set(alerts.filter(stands).flatMap(map.hitBy))]
  const steps = map.leaningOn(names)
  const nodeOf = (name: string): MapNode => map.nodes.get(name) ?? bareNode(name, 'unknown')
  const leaning = [...steps]
    .map(([name, distance]) => ({
      ...nodeOf(name),
      steps: distance,
      through:
        map
          .upstreamOf(name)
          .find(
            (other) => (steps.get(other) ?? (names.includes(other) ? 0 : -1)) === distance - 1,
          ) ?? '',
    }))
    .sort((a, b) => a.steps - b.steps || a.name.localeCompare(b.name))
  const hit = names.map(nodeOf)
  // A protocol that is reckoned itself holds its things.
  const all = [...hit, ...leaning]
  const reckoned = new Set(all.filter(({ valueUsd }) => valueUsd !== null).map(({ name }) => name))
  const isInside = ({ protocol }: MapNode): boolean => protocol !== null && reckoned.has(protocol)
  const values = all.filter((node) => !isInside(node)).flatMap(({ valueUsd }) => valueUsd ?? [])
  return {
    hit,
    leaning,
    valueUsd: values.length > 0 ? values.reduce((sum, value) => sum + value, 0) : null,
    unknownValues: all.filter((node) => node.valueUsd === null && !isInside(node)).length,
  }
}

export type LikelyCause = {
  readonly alertId: string
  readonly title: string
  readonly severity: Sev
  /** Name in the dependency map; null when the map does not know it and the order alone decided. */
  readonly node: string | null
  /** Alerts of the same incident that lean on it. */
  readonly explains: readonly string[]
  /** One sentence for people. */
  readonly why: string
}

/**
 * The alert that probably stands behind the others: the one that the most of them lean on, then the most upstream, then
 * the earliest. Undefined when there are fewer than two alerts.
 */
export const likelyCause = (
  map: DependencyMap,
  alerts: readonly Member[],
): LikelyCause | undefined => {
  const members = alerts.filter(stands)
  if (members.length < 2) return undefined
  const ranked = members
    .map((alert) => {
      const names = map.hitBy(alert)
      const leaning = map.leaningOn(names)
      const explains = members.filter(
        (other) => other.id !== alert.id && map.hitBy(other).some((name) => leaning.has(name)),
      )
      return { alert, names, explains, above: map.leanedOnBy(names).size }
    })
    .sort(
      (a, b) =>
        b.explains.length - a.explains.length ||
        a.above - b.above ||
        a.alert.openedAt.getTime() - b.alert.openedAt.getTime() ||
        a.alert.firstBlock - b.alert.firstBlock ||
        a.alert.id.localeCompare(b.alert.id),
    )
  const [first] = ranked
  if (!first) return undefined
  const node = first.names[0] ?? null
  const count = first.explains.length
  const why =
    count > 0
      ? `${count} of the other ${members.length - 1} alerts are of what leans on ${node}.`
      : `It was first; the dependency map joins none of these alerts.`
  return {
    alertId: first.alert.id,
    title: first.alert.title,
    severity: first.alert.severity,
    node,
    explains: first.explains.map(({ id }) => id),
    why,
  }
}

/**
 * The open alert that explains this one: of something upstream of it, at least as grave. None for a SEV1, and none for
 * an event: that somebody did something is no symptom of what fails upstream.
 */
export const findCause = <T extends Member>(
  map: DependencyMap,
  alert: Member & Pick<AlertRow, 'kind'>,
  open: readonly T[],
): T | undefined => {
  if (alert.severity === 'SEV1' || alert.kind !== 'condition') return undefined
  const above = map.leanedOnBy(map.hitBy(alert))
  if (above.size === 0) return undefined
  const steps = (other: T): number =>
    Math.min(...map.hitBy(other).map((name) => above.get(name) ?? Number.POSITIVE_INFINITY))
  return open
    .filter(
      (other) =>
        other.id !== alert.id &&
        (other.status === 'open' || other.status === 'unknown') &&
        other.severity <= alert.severity &&
        Number.isFinite(steps(other)),
    )
    .sort((a, b) => steps(a) - steps(b) || a.openedAt.getTime() - b.openedAt.getTime())[0]
}

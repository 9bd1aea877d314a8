import type { Config } from '../../config/types.ts'
import type { AlertRow } from '../types.ts'

/** What of the watchlist the map is drawn from. */
export type MapConfig = {
  readonly watch?: Config['watch'] | undefined
  readonly dependencies?: Config['dependencies'] | undefined
  readonly chains?: readonly { readonly id: number; readonly name: string }[] | undefined
}

export type MapNode = {
  readonly name: string
  /** A kind of `watch`, a kind of `dependencies`, or `protocol`. */
  readonly kind: string
  readonly chain: string | null
  readonly protocol: string | null
  /** What lies there, as the watchlist reckons it. */
  readonly valueUsd: number | null
}

/** Who leans on whom. Names stand for things, protocols and entries of `dependencies`. */
export type DependencyMap = {
  readonly nodes: ReadonlyMap<string, MapNode>
  /** What a name leans on, directly. */
  readonly upstreamOf: (name: string) => readonly string[]
  /** Who leans on a name, directly. */
  readonly downstreamOf: (name: string) => readonly string[]
  /** Everybody that leans on these names, over any number of steps, with the steps; the names themselves not. */
  readonly leaningOn: (names: readonly string[]) => ReadonlyMap<string, number>
  /** Everything that these names lean on, over any number of steps, with the steps. */
  readonly leanedOnBy: (names: readonly string[]) => ReadonlyMap<string, number>
  /** The names that an alert says are hit. */
  readonly hitBy: (alert: Hit) => readonly string[]
}

export const bareNode = (name: string, kind: string): MapNode => ({
  name,
  kind,
  chain: null,
  protocol: null,
  valueUsd: null,
})

type Hit = Pick<AlertRow, 'thing' | 'protocol' | 'botId' | 'alertId' | 'chainId'>

const reach = (
  from: readonly string[],
  next: (name: string) => readonly string[],
): ReadonlyMap<string, number> => {
  const steps = new Map(from.map((name) => [name, 0]))
  let border = [...steps.keys()]
  for (let step = 1; border.length > 0; step++) {
    const fresh = [...new Set(border.flatMap(next))].filter((name) => !steps.has(name))
    for (const name of fresh) steps.set(name, step)
    border = fresh
  }
  for (const name of from) steps.delete(name)
  return steps
}

/**
 * Draws the map. A protocol holds its things: who leans on the protocol leans on each of them, and what hits one of
 * them hits the protocol; a thing of a protocol also leans on what the protocol leans on.
 */
export const createDependencyMap = (config: MapConfig): DependencyMap => {
  const nodes = new Map<string, MapNode>()
  const up = new Map<string, Set<string>>()
  const down = new Map<string, Set<string>>()
  const lean = (from: string, to: string): void => {
    if (from === to) return
    up.set(from, (up.get(from) ?? new Set()).add(to))
    down.set(to, (down.get(to) ?? new Set()).add(from))
  }
  const dependencies = config.dependencies ?? {}
  for (const [name, entry] of Object.entries(dependencies)) {
    const { kind, chain = null, valueUsd = null } = entry
    nodes.set(name, { name, kind, chain, protocol: null, valueUsd })
  }
  for (const thing of config.watch ?? []) {
    const { name, kind, chain, protocol } = thing
    const valueUsd = nodes.get(name)?.valueUsd ?? null
    nodes.set(name, { name, kind, chain, protocol: protocol ?? null, valueUsd })
    if (protocol !== undefined && !nodes.has(protocol))
      nodes.set(protocol, bareNode(protocol, 'protocol'))
  }
  for (const [name, entry] of Object.entries(dependencies))
    for (const other of entry.dependsOn) lean(name, other)
  for (const { name, protocol, dependsOn } of config.watch ?? []) {
    for (const other of dependsOn ?? []) lean(name, other)
    if (protocol === undefined) continue
    // The whole is hit when a part is; a part leans on what the whole leans on, unless the whole leans on that part.
    lean(protocol, name)
    const shared = dependencies[protocol]?.dependsOn ?? []
    if (!shared.includes(name)) for (const other of shared) lean(name, other)
  }
  const chainName = (id: number): string | undefined =>
    config.chains?.find((chain) => chain.id === id)?.name
  const saysHit = (name: string, alert: Hit): boolean => {
    const hitBy = dependencies[name]?.hitBy
    if (!hitBy) return false
    const fits = (list: readonly string[] | undefined, value: string | undefined): boolean =>
      list === undefined || (value !== undefined && list.includes(value))
    return (
      fits(hitBy.bot, alert.botId) &&
      fits(hitBy.alertId, alert.alertId) &&
      fits(hitBy.chain, chainName(alert.chainId))
    )
  }
  const upstreamOf = (name: string): readonly string[] => [...(up.get(name) ?? [])]
  const downstreamOf = (name: string): readonly string[] => [...(down.get(name) ?? [])]
  const withHitBy = Object.keys(dependencies).filter((name) => dependencies[name]?.hitBy)
  return {
    nodes,
    upstreamOf,
    downstreamOf,
    leaningOn: (names) => reach(names, downstreamOf),
    leanedOnBy: (names) => reach(names, upstreamOf),
    hitBy: (alert) => {
      const own =
        alert.thing !== null && nodes.has(alert.thing)
          ? [alert.thing]
          : alert.protocol !== null && nodes.has(alert.protocol)
            ? [alert.protocol]
            : []
      return [...own, ...withHitBy.filter((name) => saysHit(name, alert) && !own.includes(name))]
    },
  }
}

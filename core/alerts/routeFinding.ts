import { type FindingSeverity, isCanary, SELF_BOT_ID, SEV_OF, type Sev } from '../base/index.ts'
import type { Route } from '../config/types.ts'
import type { RoutingConfig } from './types.ts'

const RANK: Readonly<Record<Sev, number>> = { SEV1: 1, SEV2: 2, SEV3: 3, SEV4: 4 }

/** The graver of two. */
export const graver = (a: Sev, b: Sev): Sev => (RANK[a] <= RANK[b] ? a : b)

export const isGraver = (a: Sev, than: Sev): boolean => RANK[a] < RANK[than]

export type Routed = { readonly severity: Sev; readonly channels: readonly string[] }

type RouteHours = NonNullable<Route['during']>

type Facts = {
  readonly severity: string
  readonly owner: string | null
  readonly botId: string
  readonly alertId: string
  readonly thing: string | null
  readonly metadata?: Readonly<Record<string, string>> | undefined
}

const allows = (allowed: readonly string[] | undefined, value: string | null): boolean =>
  allowed === undefined || (value !== null && allowed.includes(value))

const severityIn = (route: Route | undefined, severity: string): Sev => {
  // A bot that says something unheard-of is taken seriously.
  const usual: Sev = Object.hasOwn(SEV_OF, severity) ? SEV_OF[severity as FindingSeverity] : 'SEV1'
  return route?.severityMap?.[severity as FindingSeverity] ?? usual
}

/** A finding about Tocsin itself may name channels that hear of it in any case: those of the policy that it is about. */
const listNamed = ({ botId, metadata }: Facts): readonly string[] =>
  botId === SELF_BOT_ID ? (metadata?.['channels']?.split(',') ?? []) : []

/** The channel that a finding about Tocsin itself is about, and which therefore may not tell of it. */
const avoidedBy = ({ botId, metadata }: Facts): string | undefined =>
  botId === SELF_BOT_ID ? metadata?.['avoid'] : undefined

/** The mildest that a channel takes. */
const leastOf = (channel: RoutingConfig['channels'][number]): Sev =>
  channel.kind === 'console' ? 'SEV4' : channel.minSeverity

/**
 * How grave a finding is for people and which channels hear of it. Routes are tried in order; a match ends the search
 * unless it says `continue`; a channel that is named takes nothing milder than its own `minSeverity`. What comes to no
 * channel goes to every one when it is SEV1 or SEV2, else to the console channels. `as`: it counts as this severity,
 * whatever the finding says.
 */
export const routeFinding = (config: RoutingConfig, facts: Facts, as?: Sev): Routed => {
  const least = new Map(config.channels.map((channel) => [channel.name, leastOf(channel)]))
  const hears = (name: string, sev: Sev): boolean => {
    const limit = least.get(name)
    return limit !== undefined && RANK[sev] <= RANK[limit]
  }
  // Where it flies is the operator's own word.
  if (isCanary(facts))
    return { severity: 'SEV4', channels: listNamed(facts).filter((name) => least.has(name)) }
  const channels: string[] = []
  let severity: Sev | undefined
  for (const route of config.routes) {
    const mapped = as ?? severityIn(route, facts.severity)
    if (!matchesRoute(route, facts, mapped)) continue
    severity = severity ? graver(severity, mapped) : mapped
    channels.push(
      ...route.channels.filter((name) => hears(name, mapped) && !channels.includes(name)),
    )
    if (!route.continue) break
  }
  severity ??= as ?? severityIn(undefined, facts.severity)
  const routed = channels.length > 0 ? channels : everyone(config, severity)
  const told = severity
  const named = listNamed(facts).filter((name) => hears(name, told) && !routed.includes(name))
  const avoided = avoidedBy(facts)
  const all = [...routed, ...named].filter((name) => name !== avoided)
  if (all.length > 0 || avoided === undefined) return { severity, channels: all }
  return { severity, channels: everyone(config, severity).filter((name) => name !== avoided) }
}

const matchesRoute = ({ match }: Route, facts: Facts, severity: Sev): boolean =>
  allows(match.severity, severity) &&
  allows(match.owner, facts.owner) &&
  allows(match.bot, facts.botId) &&
  allows(match.alertId, facts.alertId) &&
  allows(match.thing, facts.thing)

/**
 * The channels that routes name for certain hours alone, of an alert that counts as `severity`. One that another route
 * names for any hour is none of them, and a SEV1 has none.
 */
export const hoursOfChannels = (
  config: Pick<RoutingConfig, 'routes'>,
  facts: Facts,
  severity: Sev,
): ReadonlyMap<string, readonly RouteHours[]> => {
  const hours = new Map<string, RouteHours[]>()
  if (severity === 'SEV1') return hours
  const always = new Set<string>()
  for (const route of config.routes) {
    if (!matchesRoute(route, facts, severity)) continue
    for (const name of route.channels) {
      if (route.during) hours.set(name, [...(hours.get(name) ?? []), route.during])
      else always.add(name)
    }
    if (!route.continue) break
  }
  for (const name of always) hours.delete(name)
  return hours
}

/** Who hears of what nobody was named for. */
export const everyone = (config: RoutingConfig, severity: Sev): readonly string[] => {
  const loud = severity === 'SEV1' || severity === 'SEV2'
  return config.channels
    .filter((channel) => loud || channel.kind === 'console')
    .map(({ name }) => name)
}

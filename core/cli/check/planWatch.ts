import { createDependencyMap, routeFinding } from '../../alerts/index.ts'
import { type FindingSeverity, type Json, toJson } from '../../base/index.ts'
import { type Config, mergeBotParameters, type WatchedThing } from '../../config/index.ts'
import type { BotDefinition } from '../../engine/types.ts'
import type { LoadedPolicy } from '../../response/index.ts'
import { type PlannedHosted, planHosted } from './planHosted.ts'

export type PlannedThing = {
  readonly name: string
  readonly kind: string
  readonly variant?: string
  readonly chain: string
  readonly address: string
  readonly owner: string | null
  readonly bots: readonly string[]
}

export type PlannedBot = {
  readonly id: string
  readonly version: string
  readonly summary: string
  readonly enabled: boolean
  readonly things: readonly string[]
  /** As they hold where a thing says nothing else. */
  readonly parameters: Json
  /** What single things change, by name. */
  readonly overrides: Readonly<Record<string, Json>>
  readonly alerts: readonly {
    readonly id: string
    readonly title: string
    readonly severity: string
  }[]
}

export type PlannedRoute = {
  readonly severity: FindingSeverity
  readonly sev: string
  /** Null: things without an owner. */
  readonly owner: string | null
  readonly channels: readonly string[]
}

export type PlannedAnswer = {
  readonly action: string
  readonly bots: readonly string[]
  readonly alertIds: readonly string[]
  readonly things: readonly string[]
  readonly minSeverity: string
  /** `off`: there is no signer in the watchlist. */
  readonly mode: 'off' | 'observe' | 'propose' | 'auto'
  readonly policyMode: string | null
  readonly kind: string | null
  readonly target: string | null
  readonly chainId: number | null
}

/** Everything that would happen under a watchlist, as data. */
export type WatchPlan = {
  readonly name: string
  readonly env: string | null
  readonly files: readonly string[]
  readonly hash: string
  readonly chains: readonly {
    readonly name: string
    readonly id: number
    readonly endpoints: number
    readonly webSocket: boolean
  }[]
  readonly things: readonly PlannedThing[]
  readonly bots: readonly PlannedBot[]
  /** Bots of the Forta SDK. */
  readonly hosted: readonly PlannedHosted[]
  readonly routes: readonly PlannedRoute[]
  /** Routes that hold for certain bots, alerts, things or hours only, in words. */
  readonly specialRoutes: readonly string[]
  readonly answers: readonly PlannedAnswer[]
  /** Well-formed, but probably not meant. */
  readonly warnings: readonly string[]
}

const SEVERITIES: readonly FindingSeverity[] = ['Critical', 'High', 'Medium', 'Low', 'Info']
const MODES = ['observe', 'propose', 'auto'] as const

const looksAt = (bot: BotDefinition<unknown>, thing: WatchedThing): boolean =>
  bot.kinds.includes(thing.kind) && (bot.accepts?.(thing) ?? true)

const isEnabled = (config: Config, id: string): boolean =>
  config.bots[id]?.enabled ??
  config.forta?.some(({ name, enabled }) => name === id && enabled) ??
  false

const planBot = (config: Config, bot: BotDefinition<unknown>): PlannedBot => {
  const things = config.watch.filter((thing) => looksAt(bot, thing))
  const own = things.filter((thing) => Object.keys(thing.bots[bot.id] ?? {}).length > 0)
  return {
    id: bot.id,
    version: bot.version,
    summary: bot.summary,
    enabled: isEnabled(config, bot.id),
    things: things.map(({ name }) => name),
    parameters: toJson(mergeBotParameters(bot, config)),
    overrides: Object.fromEntries(
      own.map((thing) => [thing.name, toJson(mergeBotParameters(bot, config, thing))]),
    ),
    alerts: bot.alerts.map(({ id, title, severity }) => ({ id, title, severity })),
  }
}

const planRoutes = (config: Config): readonly PlannedRoute[] => {
  const hasUnowned = config.watch.some((thing) => thing.owner === undefined)
  const owners = [...Object.keys(config.owners), ...(hasUnowned ? [null] : [])]
  return SEVERITIES.flatMap((severity) =>
    owners.map((owner): PlannedRoute => {
      const facts = { severity, owner, botId: '', alertId: '', thing: null }
      const { severity: sev, channels } = routeFinding(config, facts)
      return { severity, sev, owner, channels }
    }),
  )
}

const describeMatch = (match: Config['routes'][number]['match']): string =>
  Object.entries(match)
    .flatMap(([key, values]) => (values === undefined ? [] : [`${key} ${values.join(' or ')}`]))
    .join(', ')

const describeHours = (during: Config['routes'][number]['during']): string => {
  if (!during) return ''
  if (during === 'business') return ' in business hours alone, but for SEV1'
  const { from, to, zone, days } = during
  const when = days.length === 7 ? '' : ` on ${days.join(', ')}`
  return ` from ${from} to ${to} (${zone})${when} alone, but for SEV1`
}

const planSpecialRoutes = (config: Config): readonly string[] =>
  config.routes.flatMap(({ name, match, channels, continue: goesOn, during }, index) => {
    if (!match.bot && !match.alertId && !match.thing && !during) return []
    const after = goesOn ? ', and whoever the routes below name' : ''
    const what = describeMatch(match) || 'everything'
    return [
      `${name ?? `route ${index + 1}`}: ${what} goes to ${channels.join(', ')}${describeHours(during)}${after}`,
    ]
  })

const planAnswer = (
  config: Config,
  policies: readonly LoadedPolicy[],
  answer: Config['answers'][number],
): PlannedAnswer => {
  const policy = policies.find(({ id }) => id === answer.action)
  const ceiling = config.signer?.mode
  const lower =
    policy && ceiling ? Math.min(MODES.indexOf(policy.mode), MODES.indexOf(ceiling)) : -1
  return {
    action: answer.action,
    bots: answer.when.bot,
    alertIds: answer.when.alertId ?? [],
    things: answer.when.thing ?? [],
    minSeverity: answer.when.minSeverity,
    mode: MODES[lower] ?? 'off',
    policyMode: policy?.mode ?? null,
    kind: policy?.action ?? null,
    target: policy?.target ?? null,
    chainId: policy?.chain ?? null,
  }
}

/** Entries of the dependency map that nothing hits, nor leans on, nor is leant on by: they say nothing. */
const listLonely = (config: Config): readonly string[] => {
  const map = createDependencyMap(config)
  return Object.entries(config.dependencies ?? {})
    .filter(
      ([name, { hitBy }]) =>
        hitBy === undefined &&
        map.upstreamOf(name).length === 0 &&
        map.downstreamOf(name).length === 0,
    )
    .map(([name]) => name)
}

const warningsOf = (
  config: Config,
  bots: readonly PlannedBot[],
  hosted: readonly PlannedHosted[],
  routes: readonly PlannedRoute[],
): readonly string[] => {
  const enabled = bots.filter((bot) => bot.enabled)
  const hosting = hosted.filter((bot) => bot.enabled)
  const seen = new Set(enabled.flatMap((bot) => bot.things))
  const unseen = config.watch.filter(({ name, kind }) => kind !== 'label' && !seen.has(name))
  const idle = enabled.filter((bot) => bot.things.length === 0)
  const silent = routes.filter(({ channels }) => channels.length === 0)
  const unused = config.chains.filter(
    (chain) => !config.watch.some((thing) => thing.chain === chain.name),
  )
  const expected = config.answers
    .flatMap(({ when }) => when.bot)
    .filter((id) => !isEnabled(config, id))
  return [
    ...(enabled.length + hosting.length === 0
      ? ['No bot is switched on: nothing will ever be found. Name some under `bots`.']
      : []),
    ...(unseen.length > 0 && enabled.length > 0
      ? [`No bot looks at: ${unseen.map(({ name }) => name).join(', ')}.`]
      : []),
    ...hosting.flatMap(({ name, problem }) =>
      problem ? [`The hosted bot ${name} cannot be run: ${problem}`] : [],
    ),
    ...idle.map(({ id }) => `The bot ${id} is switched on, but nothing of its kinds is watched.`),
    ...silent.map(
      ({ severity, owner }) =>
        `Nobody is told of ${severity} findings${owner ? ` of ${owner}` : ''}.`,
    ),
    ...unused.map(({ name }) => `Nothing is watched on the chain ${name}.`),
    ...[...new Set(expected)].map(
      (id) => `An answer waits for the bot ${id}, which is switched off.`,
    ),
    ...listLonely(config).map(
      (name) => `The dependency ${name} is hit by nothing and nothing leans on it.`,
    ),
    ...(config.answers.length > 0 && !config.signer
      ? ['There are answers but no `signer`, so nothing will act.']
      : []),
  ]
}

/** What will be watched, by which bots, who is told, and what may act. */
export const planWatch = (
  config: Config,
  bots: readonly BotDefinition<unknown>[],
  policies: readonly LoadedPolicy[],
): WatchPlan => {
  const planned = bots
    .map((bot) => planBot(config, bot))
    .filter((bot) => bot.enabled || bot.id in config.bots)
  const hosted = planHosted(config)
  const routes = planRoutes(config)
  return {
    name: config.name,
    env: config.env ?? null,
    files: config.files,
    hash: config.hash,
    chains: config.chains.map(({ name, id, rpc }) => ({
      name,
      id,
      endpoints: rpc.length,
      webSocket: rpc.some(({ ws }) => ws !== undefined),
    })),
    things: config.watch.map((thing) => ({
      name: thing.name,
      kind: thing.kind,
      ...('variant' in thing ? { variant: thing.variant } : {}),
      chain: thing.chain,
      address: thing.address,
      owner: thing.owner ?? null,
      bots: planned
        .filter((bot) => bot.enabled && bot.things.includes(thing.name))
        .map(({ id }) => id),
    })),
    bots: planned,
    hosted,
    routes,
    specialRoutes: planSpecialRoutes(config),
    answers: config.answers.map((answer) => planAnswer(config, policies, answer)),
    warnings: warningsOf(config, planned, hosted, routes),
  }
}

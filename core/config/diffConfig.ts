import { type Json, stableHash, toJson } from '../base/index.ts'
import type { Config } from './types.ts'

/** One difference between two configurations. Secrets are never in it: both sides say `[changed]`. */
export type ConfigChange = {
  /** E.g. `bots.tvl-drop.parameters.dropBps`, `watch.usdc.bots.large-transfer.limit`, `routes[0]`. */
  readonly path: string
  readonly oldValue: Json
  readonly newValue: Json
}

export type ConfigDiff = {
  /** Taken up by a running process. */
  readonly changes: readonly ConfigChange[]
  /** Seen, reported, and not applied until the process starts again. */
  readonly needsRestart: readonly ConfigChange[]
  /** The old configuration with `changes` applied. */
  readonly config: Config
}

const HIDDEN = '[changed]'
const RELOADABLE = [
  /^bots\.[^.]+\.parameters(\.|$)/,
  /^watch\.[^.]+\.bots(\.|$)/,
  /^routes\b/,
  /^owners\b/,
  /^channels\b/,
  /^onCall\b/,
  /^incidents\b/,
  /^dependencies\b/,
  /^watch\.[^.]+\.dependsOn\b/,
  /^subscriptions\b/,
  /^vigil\b/,
  /^labels\b/,
  /^answers\[\d+\]\.when\.minSeverity$/,
]
const SECRET =
  /^(chains\.[^.]+\.rpc|channels\.[^.]+\.(url|secret|routingKey|token|password|authToken|apiKey)|signer\.(rpc|privateRpc|tenderlyRpc|tenderly|password|key|senders)|people|database|intake|subscriptions\.[^.]+\.(url|secret|formerSecret|token)|vigil\.heartbeat\.url|onCall\.tickets\.jira\.(url|token))\b/

const byName = <T extends { readonly name: string }>(list: readonly T[]): Record<string, T> =>
  Object.fromEntries(list.map((item) => [item.name, item]))

type Leaf = { readonly hash: string; readonly shown: Json }

const leaf = (path: string, value: unknown): Leaf => ({
  hash: stableHash(value),
  shown: SECRET.test(path) ? HIDDEN : toJson(value),
})

const isMap = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const flatten = (value: unknown, path: string, leaves: Map<string, Leaf>): void => {
  const isListOfMaps = Array.isArray(value) && value.length > 0 && value.every(isMap)
  if (isListOfMaps && !path.endsWith('.rpc') && !path.startsWith('routes'))
    for (const [index, item] of value.entries()) flatten(item, `${path}[${index}]`, leaves)
  else if (isMap(value) && Object.keys(value).length > 0 && !path.startsWith('routes['))
    for (const [key, item] of Object.entries(value)) {
      if (item !== undefined) flatten(item, path ? `${path}.${key}` : key, leaves)
    }
  else if (path === 'routes' && Array.isArray(value))
    for (const [index, item] of value.entries()) leaves.set(`routes[${index}]`, leaf(path, item))
  else leaves.set(path, leaf(path, value))
}

const leavesOf = (config: Config): ReadonlyMap<string, Leaf> => {
  const { files: _files, env: _env, hash: _hash, places: _places, ...rest } = config
  const leaves = new Map<string, Leaf>()
  const watch = config.watch.map(({ abi, implementationAbis, ...thing }) => ({
    ...thing,
    abi: abi && stableHash(abi),
    implementationAbis: implementationAbis && stableHash(implementationAbis),
  }))
  const tree = {
    ...rest,
    chains: byName(config.chains),
    channels: byName(config.channels),
    subscriptions: byName(config.subscriptions ?? []),
    watch: byName(watch),
    // Told by its size: nobody reads a hundred thousand rows in a log of changes.
    labels: config.labels && {
      files: config.labels.files,
      rows: `${config.labels.rows.length} labels, ${stableHash(config.labels.rows).slice(0, 12)}`,
    },
  }
  flatten(tree, '', leaves)
  return leaves
}

/** A thing, chain or bot that came or went is one change, not one for each of its values. */
const wholeOf = (path: string, before: Config, after: Config): string | undefined => {
  const [section = '', name = ''] = path.split('.')
  const has = (config: Config): boolean => {
    if (section === 'watch') return config.watch.some((thing) => thing.name === name)
    if (section === 'chains') return config.chains.some((chain) => chain.name === name)
    if (section === 'channels') return config.channels.some((channel) => channel.name === name)
    return section !== 'bots' || name in config.bots
  }
  return has(before) === has(after) ? undefined : `${section}.${name}`
}

const wholeValue = (path: string, config: Config): Json => {
  const [section = '', name = ''] = path.split('.')
  const thing = section === 'watch' ? config.watch.find((one) => one.name === name) : undefined
  if (thing) return { kind: thing.kind, chain: thing.chain, address: thing.address }
  const channel =
    section === 'channels' ? config.channels.find((one) => one.name === name) : undefined
  if (channel) return { kind: channel.kind }
  const chain = section === 'chains' ? config.chains.find((one) => one.name === name) : undefined
  if (chain) return { id: chain.id }
  return section === 'bots' && name in config.bots ? toJson(config.bots[name]) : null
}

const answersShape = (config: Config): string =>
  stableHash(
    config.answers.map(({ when, ...rest }) => ({ ...rest, when: { ...when, minSeverity: '' } })),
  )

const apply = (before: Config, after: Config, withAnswers: boolean, isWhole: boolean): Config => {
  const bots = Object.entries(before.bots).map(([id, bot]) => {
    const now = after.bots[id]
    return [id, now ? { ...bot, parameters: now.parameters } : bot] as const
  })
  const things = byName(after.watch)
  return {
    ...before,
    bots: Object.fromEntries(bots),
    watch: before.watch.map((thing) => ({
      ...thing,
      bots: things[thing.name]?.bots ?? thing.bots,
    })),
    routes: after.routes,
    owners: after.owners,
    channels: after.channels,
    subscriptions: after.subscriptions,
    vigil: after.vigil,
    labels: after.labels,
    answers: withAnswers ? after.answers : before.answers,
    files: after.files,
    places: after.places ?? before.places ?? {},
    hash: isWhole ? after.hash : before.hash,
  }
}

/** Compares two configurations and applies to the old one what a running process may take up. */
export const diffConfig = (before: Config, after: Config): ConfigDiff => {
  const [old, now] = [leavesOf(before), leavesOf(after)]
  const sameAnswers = answersShape(before) === answersShape(after)
  const found = new Map<string, ConfigChange>()
  for (const path of new Set([...old.keys(), ...now.keys()])) {
    const [was, is] = [old.get(path), now.get(path)]
    if (was?.hash === is?.hash) continue
    const whole = wholeOf(path, before, after)
    if (whole !== undefined)
      found.set(whole, {
        path: whole,
        oldValue: wholeValue(whole, before),
        newValue: wholeValue(whole, after),
      })
    else found.set(path, { path, oldValue: was?.shown ?? null, newValue: is?.shown ?? null })
  }
  const all = [...found.values()].sort((a, b) => (a.path < b.path ? -1 : 1))
  const isReloadable = ({ path }: ConfigChange): boolean =>
    RELOADABLE.some((pattern) => pattern.test(path)) && (sameAnswers || !path.startsWith('answers'))
  const needsRestart = all.filter((change) => !isReloadable(change))
  return {
    changes: all.filter(isReloadable),
    needsRestart,
    config: apply(before, after, sameAnswers, needsRestart.length === 0),
  }
}

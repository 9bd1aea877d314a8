import { readFileSync, statSync } from 'node:fs'
import { resolve } from 'node:path'
import { CHANNEL_SECRETS } from './channelSchema.ts'
import { type Fault, faultLine, shown } from './fault.ts'
import { INTAKE_SECRETS } from './intakeSchema.ts'
import {
  type ConfigPath,
  entriesAt,
  itemsAt,
  type Located,
  nodeAt,
  pathText,
  placeOf,
  textAt,
} from './located.ts'
import { SUBSCRIPTION_SECRETS } from './subscriptionSchema.ts'

/** Parts of the watchlist that hold secrets; a process asks for those that it needs, and gets no others. */
export type SecretPart =
  | 'rpc'
  | 'channels'
  | 'signer'
  | 'database'
  | 'people'
  | 'console'
  | 'intake'
  | 'lastGasp'

type Spot = {
  readonly part: SecretPart
  readonly path: ConfigPath
  readonly form: 'http' | 'ws' | 'endpoint' | 'postgres' | 'text'
}

const channelSpots = (root: Located): readonly Spot[] =>
  entriesAt(root, ['channels']).flatMap(([channel]) =>
    CHANNEL_SECRETS.map((key) => ({
      part: 'channels' as const,
      path: ['channels', channel, key],
      form: key === 'url' ? ('http' as const) : ('text' as const),
    })),
  )

/** The one channel that the watcher may call itself, while Postgres is away. */
const lastGaspSpots = (root: Located): readonly Spot[] => {
  const channel = textAt(root, ['vigil', 'lastGasp', 'channel'])
  if (channel === undefined) return []
  return channelSpots(root)
    .filter(({ path }) => path[1] === channel && nodeAt(root, path)?.kind === 'map')
    .map((spot) => ({ ...spot, part: 'lastGasp' as const }))
}

const subscriptionSpots = (root: Located): readonly Spot[] =>
  entriesAt(root, ['subscriptions']).flatMap(([subscription]) =>
    SUBSCRIPTION_SECRETS.map((key) => ({
      // Readers of streams are let in by the console, all else is sent by the notifier.
      part: key === 'token' ? ('console' as const) : ('channels' as const),
      path: ['subscriptions', subscription, key],
      form: key === 'url' ? ('http' as const) : ('text' as const),
    })),
  )

/** Every place at which a secret may stand. */
const spotsIn = (root: Located): readonly Spot[] => {
  const spots: Spot[] = []
  for (const [chain] of entriesAt(root, ['chains']))
    for (const index of itemsAt(root, ['chains', chain, 'rpc']).keys()) {
      const path: ConfigPath = ['chains', chain, 'rpc', index]
      spots.push(
        { part: 'rpc', path: [...path, 'http'], form: 'http' },
        { part: 'rpc', path: [...path, 'ws'], form: 'ws' },
      )
    }
  spots.push(...channelSpots(root), ...lastGaspSpots(root), ...subscriptionSpots(root))
  spots.push({ part: 'channels', path: ['vigil', 'heartbeat', 'url'], form: 'http' })
  for (const part of ['rpc', 'privateRpc', 'tenderlyRpc'])
    for (const [chain] of entriesAt(root, ['signer', part]))
      for (const index of itemsAt(root, ['signer', part, chain]).keys())
        spots.push({ part: 'signer', path: ['signer', part, chain, index], form: 'endpoint' })
  for (const [sender] of entriesAt(root, ['signer', 'senders'])) {
    const path: ConfigPath = ['signer', 'senders', sender]
    spots.push(
      { part: 'signer', path: [...path, 'url'], form: 'http' },
      { part: 'signer', path: [...path, 'apiKey'], form: 'text' },
      { part: 'signer', path: [...path, 'apiSecret'], form: 'text' },
    )
  }
  spots.push(
    { part: 'signer', path: ['signer', 'tenderly', 'url'], form: 'http' },
    { part: 'signer', path: ['signer', 'tenderly', 'accessKey'], form: 'text' },
  )
  spots.push({ part: 'signer', path: ['signer', 'key', 'endpoint'], form: 'http' })
  spots.push({ part: 'signer', path: ['signer', 'password'], form: 'text' })
  spots.push(
    { part: 'channels', path: ['onCall', 'tickets', 'jira', 'url'], form: 'http' },
    { part: 'channels', path: ['onCall', 'tickets', 'jira', 'token'], form: 'text' },
  )
  spots.push({ part: 'people', path: ['people', 'secret'], form: 'text' })
  spots.push({ part: 'console', path: ['people', 'haltToken'], form: 'text' })
  spots.push({ part: 'console', path: ['console', 'oidc', 'clientSecret'], form: 'text' })
  for (const [receiver] of entriesAt(root, ['intake', 'receivers']))
    for (const key of INTAKE_SECRETS)
      spots.push({ part: 'intake', path: ['intake', 'receivers', receiver, key], form: 'text' })
  spots.push({ part: 'database', path: ['database', 'url'], form: 'postgres' })
  return spots.filter(({ path }) => nodeAt(root, path) !== undefined)
}

const formOf: Readonly<Record<Spot['form'], { readonly pattern: RegExp; readonly text: string }>> =
  {
    http: { pattern: /^https?:$/, text: 'an http:// or https:// URL' },
    ws: { pattern: /^wss?:$/, text: 'a ws:// or wss:// URL' },
    endpoint: { pattern: /^(https?|wss?):$/, text: 'an http(s):// or ws(s):// URL' },
    postgres: { pattern: /^postgres(ql)?:$/, text: 'a postgres:// URL' },
    text: { pattern: /^/, text: '' },
  }

const fits = (value: string, form: Spot['form']): boolean => {
  if (form === 'text') return true
  return URL.canParse(value) && formOf[form].pattern.test(new URL(value).protocol)
}

/** A long run of letters and digits is a key, whatever the provider calls it. */
const isKeyLike = (text: string): boolean =>
  /^[\w-]{20,}$/.test(text) && /\d/.test(text) && /[a-z]/i.test(text)

const credentialIn = (value: string): string | undefined => {
  if (!URL.canParse(value)) return undefined
  const url = new URL(value)
  if (url.username || url.password) return 'a user name or password'
  if (
    [...url.searchParams].some(
      ([key, text]) => isKeyLike(text) || (text && /key|token|secret|auth/i.test(key)),
    )
  )
    return 'a key in its query'
  if (url.pathname.split('/').some(isKeyLike)) return 'what looks like a key in its path'
  return undefined
}

type Answer = { readonly value: string } | { readonly problem: string; readonly mend: string }

const readSecret = (
  node: Located,
  folder: string,
  environment: NodeJS.ProcessEnv,
): Answer | undefined => {
  const variable = textAt(node, ['env'])
  if (variable !== undefined) {
    const value = environment[variable]
    if (value) return { value: value.trim() }
    const state = value === undefined ? 'not set' : 'empty'
    return {
      problem: `the environment variable ${shown(variable)} is ${state}`,
      mend: `Set ${shown(variable)} for this process.`,
    }
  }
  const file = textAt(node, ['file'])
  if (file === undefined) return undefined
  try {
    const path = resolve(folder, file)
    if (statSync(path).size > 65_536)
      return {
        problem: 'the secret file is larger than 64 KB',
        mend: 'It should hold the secret and nothing else.',
      }
    const value = readFileSync(path, 'utf8').trim()
    return value
      ? { value }
      : { problem: 'the secret file is empty', mend: `Write the secret into ${shown(file)}.` }
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unreadable'
    const problem =
      code === 'ENOENT'
        ? `there is no secret file ${shown(file)}`
        : `the secret file ${shown(file)} cannot be read (${shown(code)})`
    return { problem, mend: 'The path is taken from the folder of the watchlist.' }
  }
}

export type Secrets = {
  /** The value at a path: plain text as written, a resolved secret, or '' for parts that were not asked for. */
  readonly at: (path: ConfigPath) => string
  readonly faults: readonly Fault[]
}

/** Names of the variables of the environment that secrets come from, each with the part that it belongs to. */
export const listSecretVariables = (
  root: Located,
): readonly { readonly name: string; readonly part: SecretPart }[] =>
  spotsIn(root).flatMap(({ part, path }) => {
    const name = textAt(nodeAt(root, path), ['env'])
    return name === undefined ? [] : { name, part }
  })

/** Resolves the secrets of the named parts, and refuses credentials written into the file. */
export const resolveSecrets = (
  root: Located,
  options: {
    readonly parts: 'none' | readonly SecretPart[]
    readonly folder: string
    readonly environment: NodeJS.ProcessEnv
  },
): Secrets => {
  const faults: Fault[] = []
  const values = new Map<string, string>()
  for (const { part, path, form } of spotsIn(root)) {
    const node = nodeAt(root, path)
    if (!node) continue
    const add = (problem: string, mend: string): void => {
      faults.push({ ...placeOf(root, path), path: pathText(root, path), problem, mend })
    }
    const wanted = formOf[form].text
    if (node.kind === 'scalar') {
      if (typeof node.value !== 'string' || form === 'text' || form === 'postgres') continue
      const credential = credentialIn(node.value)
      if (credential)
        add(
          `this URL holds ${credential}`,
          'Move it out of the file: {env: NAME_OF_VARIABLE} or {file: path}.',
        )
      else if (/^(https?|wss?):\/\//.test(node.value) && !fits(node.value, form))
        add(`this is not ${wanted}`, `Give ${wanted}.`)
      values.set(path.join('\n'), node.value)
      continue
    }
    if (options.parts === 'none' || !options.parts.includes(part)) continue
    const answer = readSecret(node, options.folder, options.environment)
    if (!answer) continue
    if ('problem' in answer) add(answer.problem, answer.mend)
    else if (!fits(answer.value, form))
      add(`the value behind this reference is not ${wanted}`, `Put ${wanted} there.`)
    else values.set(path.join('\n'), answer.value)
  }
  return { at: (path) => values.get(path.join('\n')) ?? '', faults }
}

/**
 * Secrets of the named parts that are not at hand, for those who only look: no fault of the file, but the processes
 * will want them.
 */
export const findMissingSecrets = (
  root: Located,
  options: {
    readonly parts: readonly SecretPart[]
    readonly folder: string
    readonly environment: NodeJS.ProcessEnv
  },
): readonly Fault[] => {
  const own = new Set(resolveSecrets(root, { ...options, parts: 'none' }).faults.map(faultLine))
  return resolveSecrets(root, options).faults.filter((fault) => !own.has(faultLine(fault)))
}

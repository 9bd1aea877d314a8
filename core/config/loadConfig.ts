import { existsSync, readdirSync } from 'node:fs'
import { basename, dirname, extname, join, resolve } from 'node:path'
import { isTocsinError, messageOf, stableHash, TocsinError } from '../base/index.ts'
import { checkBots, type KnownBot } from './checkBots.ts'
import { crossCheck } from './crossCheck.ts'
import { explainIssue } from './explainIssue.ts'
import { ConfigError, type Fault, shown } from './fault.ts'
import { listPlaces } from './listPlaces.ts'
import { type Located, type LocatedEntry, nodeAt, placeOf, plainOf, textAt } from './located.ts'
import { mergeOverlay } from './mergeOverlay.ts'
import { chainIdsIn, type LabelsOfFiles, readLabels } from './readLabels.ts'
import { readParameterFile } from './readParameterFile.ts'
import { readYamlFile } from './readYamlFile.ts'
import {
  lower,
  resolveChannels,
  resolveOnCall,
  resolveReceivers,
  resolveSigner,
  resolveSubscriptions,
  resolveThing,
  resolveVigil,
} from './resolveParts.ts'
import { type WatchlistFile, watchlistSchema } from './schema.ts'
import {
  findMissingSecrets,
  listSecretVariables,
  resolveSecrets,
  type SecretPart,
  type Secrets,
} from './secrets.ts'
import { suggestion } from './suggestName.ts'
import type { Config } from './types.ts'

export type LoadConfigOptions = {
  /** The watchlist; faults name it as it is given here. */
  readonly file: string
  /** Lays `watchlist.<env>.yaml` over it. */
  readonly env?: string | undefined
  /** Parts whose secrets this process needs. The others stay empty. */
  readonly secrets: 'none' | readonly SecretPart[]
  /** Default: `process.env`. */
  readonly environment?: NodeJS.ProcessEnv
  /** When given, bot ids and parameters are judged. A function gets the absolute `botsDir`, if one is named. */
  readonly bots?:
    | readonly KnownBot[]
    | ((botsDir: string | undefined) => Promise<readonly KnownBot[]>)
    | undefined
  /** When given, the actions that answers name must be among these. A function gets the absolute `actionsDir`. */
  readonly actions?:
    | readonly string[]
    | ((actionsDir: string) => Promise<readonly string[]>)
    | undefined
  /** Overrides `dataDir` of the watchlist; from the working directory. */
  readonly dataDir?: string | undefined
  /** A file of other parameters, laid over everything: `bots` and `watch[].bots` alone. */
  readonly parameters?: string | undefined
  /** Hears which secrets of these parts are not at hand, once the watchlist is found to be well-formed. */
  readonly alsoLookFor?:
    | {
        readonly parts: readonly SecretPart[]
        readonly onMissing: (faults: readonly Fault[]) => void
      }
    | undefined
  /** Hears which variables of the environment hold secrets of which parts. */
  readonly onVariables?:
    | ((variables: readonly { readonly name: string; readonly part: SecretPart }[]) => void)
    | undefined
}

const overlayOf = (file: string, env: string): string => {
  const extension = extname(file)
  return join(dirname(file), `${basename(file, extension)}.${env}${extension}`)
}

const readOverlay = (file: string, env: string): ReturnType<typeof readYamlFile> => {
  if (!/^[A-Za-z0-9][\w-]*$/.test(env))
    throw new TocsinError(
      'config.invalid',
      `"${env.slice(0, 40)}" cannot be the name of an environment.`,
      {
        hints: ['Use letters, digits and dashes: `--env staging` reads watchlist.staging.yaml.'],
        exitCode: 2,
      },
    )
  const path = overlayOf(file, env)
  if (existsSync(path)) return readYamlFile(resolve(path), path)
  const folder = resolve(dirname(file))
  const [start, end] = [`${basename(file, extname(file))}.`, extname(file)]
  const known = (existsSync(folder) ? readdirSync(folder) : [])
    .filter(
      (name) =>
        name.startsWith(start) && name.endsWith(end) && name.length > start.length + end.length,
    )
    .map((name) => name.slice(start.length, -end.length))
  const problem = `there is no such file, so no environment "${env}"`
  const fault: Fault = {
    file: path,
    line: 1,
    column: 1,
    path: '',
    problem,
    mend: suggestion(env, known, 'environments'),
  }
  return { root: undefined, faults: [fault] }
}

/** `bots: { tvl-drop: }` switches a bot on just as `tvl-drop: {}` does. */
const fillEmptyBots = (root: Located): Located => {
  const bots = nodeAt(root, ['bots'])
  if (root.kind !== 'map' || bots?.kind !== 'map') return root
  const filled = [...bots.entries].map(([id, entry]): [string, LocatedEntry] => {
    const isEmpty = entry.node.kind === 'scalar' && entry.node.value === null
    return [
      id,
      isEmpty ? { ...entry, node: { kind: 'map', at: entry.node.at, entries: new Map() } } : entry,
    ]
  })
  const before = root.entries.get('bots')
  if (!before) return root
  const node: Located = { ...bots, entries: new Map(filled) }
  return { ...root, entries: new Map([...root.entries, ['bots', { ...before, node }]]) }
}

const resolveConfig = (
  file: WatchlistFile,
  root: Located,
  options: LoadConfigOptions,
  secrets: Secrets,
  labels: LabelsOfFiles,
): Config => {
  const folder = resolve(dirname(options.file))
  const ids = new Map(Object.entries(file.chains).map(([name, chain]) => [name, chain.id]))
  const environment = options.environment ?? process.env
  const wantsDatabase = options.secrets !== 'none' && options.secrets.includes('database')
  const fallback = wantsDatabase ? environment['DATABASE_URL'] : undefined
  const url = secrets.at(['database', 'url']) || (file.database ? '' : (fallback ?? ''))
  return {
    ...file,
    files: [
      options.file,
      ...(options.env === undefined ? [] : [overlayOf(options.file, options.env)]),
    ].map((path) => resolve(path)),
    env: options.env,
    dataDir:
      options.dataDir === undefined ? resolve(folder, file.dataDir) : resolve(options.dataDir),
    actionsDir: resolve(folder, file.actionsDir),
    botsDir: file.botsDir && resolve(folder, file.botsDir),
    forta: Object.entries(file.forta).map(([name, bot]) => ({
      ...bot,
      name,
      dir: bot.dir === undefined ? undefined : resolve(folder, bot.dir),
    })),
    chains: Object.entries(file.chains).map(([name, chain]) => ({
      ...chain,
      name,
      multicall3: chain.multicall3 && lower(chain.multicall3),
      rpc: chain.rpc.map((endpoint, index) => ({
        name: endpoint.name ?? `rpc-${index + 1}`,
        http: secrets.at(['chains', name, 'rpc', index, 'http']),
        ws: secrets.at(['chains', name, 'rpc', index, 'ws']) || undefined,
      })),
    })),
    labels: file.labels.length === 0 ? undefined : { files: labels.files, rows: labels.rows },
    watch: file.watch.map((thing) => resolveThing(thing, ids.get(thing.chain) ?? 0, folder)),
    channels: resolveChannels(file, secrets),
    database: url || file.database ? { url } : undefined,
    signer: resolveSigner(file, secrets, folder),
    people: file.people && {
      url: file.people.url?.replace(/\/+$/, ''),
      channels: file.people.channels,
      secret: secrets.at(['people', 'secret']),
      haltToken: secrets.at(['people', 'haltToken']),
      hasSecret: file.people.secret !== undefined,
    },
    console: {
      ...file.console,
      oidc: file.console.oidc && {
        ...file.console.oidc,
        clientSecret: secrets.at(['console', 'oidc', 'clientSecret']) || undefined,
      },
    },
    onCall: resolveOnCall(file, secrets),
    subscriptions: resolveSubscriptions(file, secrets),
    vigil: resolveVigil(file, secrets),
    intake: file.intake && {
      ...file.intake,
      receivers: resolveReceivers(file.intake.receivers, secrets),
    },
    hash: stableHash(plainOf(root)),
    places: listPlaces(root),
  }
}

type Known<T> = { readonly value: T | undefined; readonly error: unknown }

/** What exists beside the watchlist; a folder that cannot be read is one more fault, not the end. */
const discover = async <T>(
  root: Located,
  key: 'botsDir' | 'actionsDir',
  ask: () => T | Promise<T> | undefined,
  faults: Fault[],
): Promise<Known<T>> => {
  try {
    return { value: await ask(), error: undefined }
  } catch (error) {
    const problem = shown(messageOf(error).replace(/\.$/, ''), 300)
    const mend = isTocsinError(error) ? shown(error.hints.join(' '), 600) : 'Check this folder.'
    faults.push({ ...placeOf(root, [key]), path: key, problem, mend })
    return { value: undefined, error }
  }
}

/**
 * Reads, validates and resolves a watchlist.
 * @throws ConfigError `config.invalid` (exit code 2) with every fault of both files, each as
 * `file:line:column: path: what is wrong. mend` in `hints`; the error of `bots` or `actions` when it stands alone
 * @example const config = await loadConfig({ file: 'watchlist.yaml', secrets: ['rpc', 'database'] })
 */
export const loadConfig = async (options: LoadConfigOptions): Promise<Config> => {
  const base = readYamlFile(resolve(options.file), options.file)
  const overlay = options.env === undefined ? undefined : readOverlay(options.file, options.env)
  const faults: Fault[] = [...base.faults, ...(overlay?.faults ?? [])]
  if (!base.root) throw new ConfigError(faults)
  const merged = overlay?.root ? mergeOverlay(base.root, overlay.root) : base.root
  const other =
    options.parameters === undefined ? undefined : readParameterFile(options.parameters, merged)
  faults.push(...(other?.faults ?? []))
  if (other && !other.root) throw new ConfigError(faults)
  const root = fillEmptyBots(other?.root ? mergeOverlay(merged, other.root) : merged)
  const folder = resolve(dirname(options.file))
  const parsed = watchlistSchema.safeParse(plainOf(root))
  if (!parsed.success)
    for (const issue of parsed.error.issues)
      faults.push(...explainIssue(issue, { root, schema: watchlistSchema }))

  const { bots: askBots, actions: askActions } = options
  const [botsDir, actionsDir] = [textAt(root, ['botsDir']), textAt(root, ['actionsDir'])]
  const bots = await discover(
    root,
    'botsDir',
    () => (typeof askBots === 'function' ? askBots(botsDir && resolve(folder, botsDir)) : askBots),
    faults,
  )
  const actions = await discover(
    root,
    'actionsDir',
    () =>
      typeof askActions === 'function'
        ? askActions(resolve(folder, actionsDir ?? 'actions'))
        : askActions,
    faults,
  )
  faults.push(
    ...crossCheck(root, {
      folder,
      actions: actions.value,
      bots: bots.value?.map(({ id }) => id),
    }),
  )
  if (bots.value) faults.push(...checkBots(root, bots.value))
  const environment = options.environment ?? process.env
  const secrets = resolveSecrets(root, { parts: options.secrets, folder, environment })
  faults.push(...secrets.faults)
  const labels = readLabels(root, { folder, shownFolder: dirname(options.file) }, chainIdsIn(root))
  faults.push(...labels.faults)
  const alone = bots.error ?? actions.error
  if (faults.length === 1 && isTocsinError(alone)) throw alone
  if (faults.length > 0 || !parsed.success) throw new ConfigError(faults)
  const { alsoLookFor, onVariables } = options
  onVariables?.(listSecretVariables(root))
  alsoLookFor?.onMissing(
    findMissingSecrets(root, { parts: alsoLookFor.parts, folder, environment }),
  )
  return resolveConfig(parsed.data, root, options, secrets, labels)
}

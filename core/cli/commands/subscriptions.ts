import { randomBytes } from 'node:crypto'
import { userInfo } from 'node:os'
import { type Command, Option } from 'commander'
import { cleanText, TocsinError } from '../../base/index.ts'
import type { Config, SubscriptionConfig } from '../../config/types.ts'
import {
  createEndpoint,
  enableSubscription,
  listDeliveries,
  listSubscriptions,
  requestReplay,
} from '../../subscriptions/index.ts'
import { EXIT } from '../exitCodes.ts'
import { openStore } from '../openStore.ts'
import { type CommonOptions, withCommonOptions } from '../options.ts'
import { printJson, printTable } from '../printTable.ts'
import { readConfig } from '../readConfig.ts'

const findSubscription = (config: Config, name: string): SubscriptionConfig => {
  const all = config.subscriptions ?? []
  const found = all.find((entry) => entry.name === name)
  if (found) return found
  throw new TocsinError(
    'subscription.unknown',
    `There is no subscription "${cleanText(name, 60)}".`,
    {
      exitCode: EXIT.invalid,
      hints: [
        all.length === 0
          ? 'The watchlist names none.'
          : `There are: ${all.map((entry) => entry.name).join(', ')}.`,
      ],
    },
  )
}

const refuseStream = (entry: SubscriptionConfig): void => {
  if (entry.kind === 'webhook') return
  throw new TocsinError(
    'subscription.is_stream',
    `"${entry.name}" reads a stream: nothing is sent to it.`,
    {
      exitCode: EXIT.invalid,
      hints: ['A reader goes on where it likes: `?cursor=`, or the header Last-Event-ID.'],
    },
  )
}

/** What a filter lets through, in a few words. */
const wordsOf = (filter: SubscriptionConfig['filter']): string =>
  Object.entries(filter)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => `${key}: ${Array.isArray(value) ? value.join(', ') : value}`)
    .join('; ') || 'everything'

const list = async (options: CommonOptions): Promise<void> => {
  const { store, config, close } = await openStore(options)
  try {
    const states = new Map((await listSubscriptions(store.db)).map((row) => [row.name, row]))
    const rows = (config.subscriptions ?? []).map((entry) => ({
      name: entry.name,
      kind: entry.kind,
      filter: wordsOf(entry.filter),
      state: states.get(entry.name),
    }))
    if (options.json) return printJson(rows)
    printTable(
      rows,
      [
        { title: 'SUBSCRIPTION', of: ({ name }) => name },
        { title: 'KIND', of: ({ kind }) => kind },
        {
          title: 'STATUS',
          of: ({ kind, state }) => (kind === 'stream' ? '' : (state?.status ?? 'not begun')),
        },
        { title: 'BEHIND', of: ({ state }) => (state ? String(state.behind) : '') },
        { title: 'SENT 24H', of: ({ state }) => (state ? String(state.delivered) : '') },
        { title: 'DEAD', of: ({ state }) => (state ? String(state.dead) : '') },
        { title: 'TROUBLE', of: ({ state }) => state?.reason ?? state?.lastError ?? '' },
        { title: 'HEARS OF', of: ({ filter }) => filter, max: 120 },
      ],
      'The watchlist names no subscription.',
    )
  } finally {
    await close()
  }
}

type LogOptions = CommonOptions & {
  readonly limit: string
  readonly status?: 'pending' | 'delivered' | 'dead'
}

const log = async (name: string | undefined, options: LogOptions): Promise<void> => {
  const limit = Number(options.limit)
  if (!Number.isInteger(limit) || limit < 1 || limit > 10_000)
    throw new TocsinError('cli.bad_limit', '--limit is a number from 1 to 10000.', {
      exitCode: EXIT.invalid,
    })
  const { store, close } = await openStore(options)
  try {
    const rows = await listDeliveries(store.db, { name, status: options.status, limit })
    if (options.json) return printJson(rows)
    printTable(
      rows,
      [
        { title: 'AT', of: (row) => (row.lastAttemptAt ?? row.createdAt).toISOString() },
        { title: 'SUBSCRIPTION', of: (row) => row.subscription },
        { title: 'EVENT', of: (row) => row.eventType },
        { title: 'FINDING', of: (row) => row.findingId.slice(0, 12) },
        { title: 'STATUS', of: (row) => (row.replay > 0 ? `${row.status} (replay)` : row.status) },
        { title: 'ATTEMPTS', of: (row) => String(row.attempts) },
        { title: 'HTTP', of: (row) => String(row.httpStatus ?? '') },
        {
          title: 'TOOK',
          of: (row) => (row.tookMs === null ? '' : `${Math.round(row.tookMs)} ms`),
        },
        { title: 'WHY', of: (row) => row.lastError ?? '', max: 120 },
      ],
      'Nothing was sent yet.',
    )
  } finally {
    await close()
  }
}

const parseMoment = (text: string, flag: string): Date => {
  const at = new Date(text)
  if (!Number.isNaN(at.getTime())) return at
  throw new TocsinError('cli.bad_moment', `${flag} is no moment: "${cleanText(text, 40)}".`, {
    exitCode: EXIT.invalid,
    hints: ['Write it as 2026-11-21T09:00:00Z.'],
  })
}

type ReplayOptions = CommonOptions & { readonly from: string; readonly to?: string }

const replay = async (name: string, options: ReplayOptions): Promise<void> => {
  const from = parseMoment(options.from, '--from')
  const to = options.to === undefined ? new Date() : parseMoment(options.to, '--to')
  const { store, config, close } = await openStore(options)
  try {
    refuseStream(findSubscription(config, name))
    const by = userInfo().username
    const asked = await requestReplay(store.db, { name, from, to, by })
    if (options.json) return printJson(asked)
    process.stdout.write(
      `${asked.events} events lie in between; those that ${name} subscribes to are sent once more, with the ids they had.\n`,
    )
  } finally {
    await close()
  }
}

const enable = async (name: string, options: CommonOptions): Promise<void> => {
  const { store, config, close } = await openStore(options)
  try {
    refuseStream(findSubscription(config, name))
    const isKnown = await enableSubscription(store.db, name)
    process.stdout.write(
      isKnown ? `${name} goes on where it stopped.\n` : `${name} begins with the notifier.\n`,
    )
  } finally {
    await close()
  }
}

const tryOne = async (name: string, options: CommonOptions): Promise<number> => {
  const config = await readConfig(options, ['channels'])
  const entry = findSubscription(config, name)
  refuseStream(entry)
  if (entry.kind !== 'webhook') return EXIT.invalid
  const endpoint = createEndpoint(entry, config.chains)
  const began = performance.now()
  const id = `evt_test_${randomBytes(8).toString('hex')}`
  const body =
    entry.format === 'forta'
      ? { alerts: null, metrics: [] }
      : { type: 'test', timestamp: new Date().toISOString(), data: { from: config.name } }
  const outcome = await endpoint.post(id, JSON.stringify(body), new AbortController().signal)
  endpoint.stop()
  const ms = Math.round(performance.now() - began)
  const said = 'reason' in outcome ? outcome.reason : 'it was taken'
  if (options.json) printJson({ subscription: name, outcome, ms })
  else process.stdout.write(`${name}: ${said} (${ms} ms)\n`)
  return outcome.kind === 'delivered' ? EXIT.ok : EXIT.failed
}

/** `tocsin subscriptions`: who follows our findings, and what they got. */
export const register = (program: Command): void => {
  const subscriptions = program
    .command('subscriptions')
    .description('other teams that follow our findings')
  withCommonOptions(
    subscriptions
      .command('list', { isDefault: true })
      .description('who, of what, and how they stand'),
  ).action(list)
  withCommonOptions(
    subscriptions
      .command('log [name]')
      .description('what was sent to whom, when, and what came of it')
      .option('--limit <n>', 'how many, newest first', '50')
      .addOption(
        new Option('--status <status>', 'only these').choices(['pending', 'delivered', 'dead']),
      ),
  ).action(log)
  withCommonOptions(
    subscriptions
      .command('replay <name>')
      .description('send once more what happened between two moments')
      .requiredOption('--from <moment>', 'e.g. 2026-11-21T09:00:00Z')
      .option('--to <moment>', 'default: now'),
  ).action(replay)
  withCommonOptions(
    subscriptions
      .command('enable <name>')
      .description('go on after the subscriber answered 410 Gone'),
  ).action(enable)
  withCommonOptions(
    subscriptions.command('test <name>').description('send an event of the type `test`'),
  ).action(async (name: string, options: CommonOptions) => {
    process.exitCode = await tryOne(name, options)
  })
}

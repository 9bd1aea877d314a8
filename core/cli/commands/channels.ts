import { randomBytes } from 'node:crypto'
import { type Command, Option } from 'commander'
import { type AlertMessage, createChannel, type SendResult } from '../../alerts/light.ts'
import { cleanText, type Sev, TocsinError } from '../../base/index.ts'
import type { ChannelConfig, Config } from '../../config/types.ts'
import { EXIT } from '../exitCodes.ts'
import { type CommonOptions, withCommonOptions } from '../options.ts'
import { printJson, printTable } from '../printTable.ts'
import { readConfig } from '../readConfig.ts'

type TestOptions = CommonOptions & {
  readonly all?: boolean
  readonly severity: Sev
  readonly keepOpen?: boolean
}

const SEVERITIES: readonly Sev[] = ['SEV1', 'SEV2', 'SEV3', 'SEV4']

/** Which severities a channel hears of, by the routes that name it and by its own limit. */
const heardOn = (config: Config, channel: ChannelConfig): string => {
  const least = channel.kind === 'console' ? 'SEV4' : channel.minSeverity
  const said = config.routes.flatMap((route, index) => {
    if (!route.channels.includes(channel.name)) return []
    const heard = SEVERITIES.filter(
      (sev) => sev <= least && (route.match.severity?.includes(sev) ?? true),
    )
    const hours =
      route.during === undefined
        ? ''
        : route.during === 'business'
          ? ' in business hours'
          : ` from ${route.during.from} to ${route.during.to}`
    return [`${route.name ?? `route ${index + 1}`}: ${heard.join(', ') || 'nothing'}${hours}`]
  })
  return said.length > 0 ? said.join('; ') : 'what comes to no other channel, when SEV1 or SEV2'
}

const listChannels = async (options: CommonOptions): Promise<number> => {
  const config = await readConfig(options, 'none')
  const rows = config.channels.map((channel) => ({
    name: channel.name,
    kind: channel.kind,
    hears: heardOn(config, channel),
  }))
  if (options.json) printJson(rows)
  else
    printTable(
      rows,
      [
        { title: 'CHANNEL', of: (row) => row.name },
        { title: 'KIND', of: (row) => row.kind },
        { title: 'HEARS OF', of: (row) => row.hears, max: 120 },
      ],
      'The watchlist names no channel.',
    )
  return EXIT.ok
}

const testMessage = (
  config: Config,
  options: TestOptions & { readonly channel: string; readonly alert: string },
  change: 'opened' | 'resolved',
): AlertMessage => {
  const now = new Date().toISOString()
  return {
    schema: 'tocsin.alert.v1',
    dedupKey: `${options.alert}.${change}.${change === 'opened' ? 1 : 2}.${options.channel}`,
    change,
    ordinal: change === 'opened' ? 1 : 2,
    alert: options.alert,
    incident: null,
    status: change === 'opened' ? 'open' : 'resolved',
    kind: 'event',
    severity: options.severity,
    title: 'Test: nothing happened',
    summary: `Somebody tries whether messages of Tocsin (${config.name}) arrive here. Nothing is to be done.`,
    bot: 'tocsin',
    alertId: 'CHANNEL-TEST',
    chain: { id: 0, name: 'tocsin' },
    thing: null,
    owner: null,
    protocol: null,
    blocks: { first: 0, last: 0 },
    transactions: [],
    addresses: [],
    evidence: { channel: options.channel, sent: now },
    findings: 1,
    final: true,
    runbook: null,
    times: { opened: now, changed: now, closed: change === 'opened' ? null : now },
  }
}

type Tried = {
  readonly channel: string
  readonly kind: string
  readonly result: SendResult
  readonly ms: number
}

const tryChannel = async (
  config: Config,
  entry: ChannelConfig,
  options: TestOptions,
): Promise<Tried> => {
  const threads = new Map<string, string>()
  const channel = createChannel(entry, {
    dataDir: config.dataDir,
    threads: {
      find: async (lane) => threads.get(lane),
      keep: async (lane, reference) => void threads.set(lane, reference),
    },
  })
  const facts = {
    ...options,
    channel: entry.name,
    alert: `a_test_${randomBytes(8).toString('hex')}`,
  }
  const idle = new AbortController().signal
  const began = performance.now()
  const result = await channel.send(testMessage(config, facts, 'opened'), idle)
  const ms = Math.round(performance.now() - began)
  // What was opened is closed again: nobody shall find a page of last month.
  if (result.kind === 'sent' && !options.keepOpen)
    await channel.send(testMessage(config, facts, 'resolved'), idle)
  return { channel: entry.name, kind: entry.kind, result, ms }
}

const testChannels = async (names: readonly string[], options: TestOptions): Promise<number> => {
  const config = await readConfig(options, ['channels'])
  const entries = options.all
    ? config.channels
    : names.map((name) => {
        const entry = config.channels.find((channel) => channel.name === name)
        if (entry) return entry
        throw new TocsinError('channel.unknown', `There is no channel "${cleanText(name, 60)}".`, {
          exitCode: EXIT.invalid,
          hints: [`There are: ${config.channels.map((channel) => channel.name).join(', ')}.`],
        })
      })
  if (entries.length === 0)
    throw new TocsinError('channel.none', 'No channel is named.', {
      exitCode: EXIT.invalid,
      hints: ['Name one or more, or say --all. `tocsin channels list` shows them.'],
    })
  const tried: Tried[] = []
  for (const entry of entries) tried.push(await tryChannel(config, entry, options))
  if (options.json) printJson(tried)
  else
    printTable(
      tried,
      [
        { title: 'CHANNEL', of: (row) => row.channel },
        { title: 'KIND', of: (row) => row.kind },
        { title: 'TOOK', of: (row) => `${row.ms} ms` },
        {
          title: 'RESULT',
          of: ({ result }) =>
            result.kind === 'sent' ? 'it was taken' : `it was not taken: ${result.reason}`,
          max: 160,
        },
      ],
      '',
    )
  return tried.every(({ result }) => result.kind === 'sent') ? EXIT.ok : EXIT.failed
}

/** `tocsin channels`: the ways to people, and whether they are open. */
export const register = (program: Command): void => {
  const channels = program.command('channels').description('the ways to people')
  withCommonOptions(
    channels
      .command('list', { isDefault: true })
      .description('which there are, and what they hear of'),
  ).action(async (options: CommonOptions) => {
    process.exitCode = await listChannels(options)
  })
  withCommonOptions(
    channels
      .command('test [names...]')
      .description('send a message that says that it is a test, and close it again')
      .option('--all', 'every channel of the watchlist')
      .option('--keep-open', 'do not close it again')
      .addOption(
        new Option('--severity <severity>', 'as which it goes out')
          .choices(['SEV1', 'SEV2', 'SEV3', 'SEV4'])
          .default('SEV4'),
      ),
  ).action(async (names: readonly string[], options: TestOptions) => {
    process.exitCode = await testChannels(names, options)
  })
}

import { z } from 'zod'
import { type Json, toJson } from '../base/index.ts'
import type { ThingKind } from '../config/types.ts'
import type { AlertNeed, BotDefinition, Needs } from '../engine/index.ts'
import { makeThing } from '../testing/index.ts'

export type ParameterDescription = {
  readonly name: string
  readonly default: Json
  readonly description: string
  /** Where the default comes from, when the bot says so. */
  readonly source: string
  /** By when somebody must look at the default again (ISO 8601), when the bot says so. */
  readonly reviewBy: string
}

/** A bot as `tocsin bots` shows it; derived from the code alone. */
export type BotDescription = {
  readonly id: string
  readonly version: string
  readonly summary: string
  readonly kinds: readonly ThingKind[]
  readonly alerts: BotDefinition['alerts']
  readonly inputs: readonly string[]
  /** Whose findings it asks for, one sentence each. */
  readonly subscribes: readonly string[]
  readonly parameters: readonly ParameterDescription[]
}

const SAMPLE = '0x00000000000000000000000000000000000000aa'
const EXTRA: Readonly<Partial<Record<ThingKind, Record<string, unknown>>>> = {
  pool: { variant: 'uniswap-v2' },
  'lending-market': { variant: 'aave-v3' },
  oracle: { heartbeatS: 3_600 },
  bridge: { remote: { chain: 'other', address: SAMPLE } },
  label: { tags: ['exchange'] },
}

const inputsOf = (needs: Needs): readonly string[] => [
  ...(needs.logs?.length ? ['logs'] : []),
  ...(needs.calls?.length ? ['calls'] : []),
  ...(needs.senders?.length ? ['senders'] : []),
  ...(needs.creations ? ['creations'] : []),
  ...(needs.reads?.length ? ['state reads'] : []),
  ...(needs.traces ? [needs.traces.mode === 'always' ? 'traces' : 'traces when touched'] : []),
  ...(needs.everyBlock ? ['every block'] : []),
  ...(needs.alerts?.length ? ['findings'] : []),
]

const subscriptionOf = (need: AlertNeed): string => {
  const { alertIds, botIds, minSeverity = 'Info', source = 'bot' } = need
  const what = alertIds ? alertIds.join(', ') : 'every alert'
  const whose = botIds
    ? botIds.join(', ')
    : source === 'bot'
      ? 'every other bot'
      : 'anybody outside'
  return `${what} of ${whose}${minSeverity === 'Info' ? '' : `, from ${minSeverity} on`}`
}

/** What a bot would ask for, seen by giving it one thing of each kind; kinds that need an ABI of their own are passed over. */
const probeNeeds = (bot: BotDefinition<unknown>): Pick<BotDescription, 'inputs' | 'subscribes'> => {
  const inputs = new Set<string>()
  const subscribes = new Set<string>()
  const variants = (kind: ThingKind): readonly Record<string, unknown>[] =>
    kind === 'pool' ? [{ variant: 'uniswap-v2' }, { variant: 'uniswap-v3' }] : [EXTRA[kind] ?? {}]
  for (const kind of bot.kinds)
    for (const extra of variants(kind))
      try {
        const parameters = bot.parameters.parse({})
        const thing = {
          ...makeThing({ kind, name: 'sample', address: SAMPLE, ...extra }),
          parameters,
        }
        const scope = { chain: { id: 1, name: 'local' }, parameters, things: [thing], labels: [] }
        const needs = bot.needs(scope)
        for (const input of inputsOf(needs)) inputs.add(input)
        for (const need of needs.alerts ?? []) subscribes.add(subscriptionOf(need))
      } catch {
        // It wants more of this kind than a sample has.
      }
  return { inputs: [...inputs], subscribes: [...subscribes] }
}

type JsonSchema = {
  readonly properties?: Readonly<Record<string, Readonly<Record<string, unknown>>>>
}

const describeParameters = (bot: BotDefinition<unknown>): readonly ParameterDescription[] => {
  const schema = z.toJSONSchema(bot.parameters, {
    io: 'input',
    unrepresentable: 'any',
  }) as JsonSchema
  const parsed = bot.parameters.parse({})
  const defaults: Readonly<Record<string, unknown>> =
    typeof parsed === 'object' && parsed !== null ? (parsed as Record<string, unknown>) : {}
  const names = [...new Set([...Object.keys(schema.properties ?? {}), ...Object.keys(defaults)])]
  const text = (value: unknown): string => (typeof value === 'string' ? value : '')
  return names.map((name) => {
    const property = schema.properties?.[name] ?? {}
    const value = defaults[name]
    return {
      name,
      default: typeof value === 'bigint' ? value.toString() : toJson(value),
      description: text(property['description']),
      source: text(property['source']),
      reviewBy: text(property['reviewBy']),
    }
  })
}

export const describeBot = (bot: BotDefinition<unknown>): BotDescription => ({
  id: bot.id,
  version: bot.version,
  summary: bot.summary,
  kinds: bot.kinds,
  alerts: bot.alerts,
  ...probeNeeds(bot),
  parameters: describeParameters(bot),
})

const cell = (text: string): string => text.replace(/\|/g, '\\|').replace(/\s+/g, ' ')
const code = (value: unknown): string =>
  `\`${cell(typeof value === 'string' ? value : JSON.stringify(value))}\``

const LIMITS = `## Limits

A bot is isolated: what it does wrong costs itself a block, and the others nothing.

| what a bot does | what happens |
|---|---|
| throws, or returns what is no finding | its writes of that block are dropped; the alert \`BOT-FAILING\` holds until it works again |
| does not settle within \`timeoutMs\` (default 5000; time spent in \`ctx.read\` does not count) | the same; it is left out of 1, 2, 4 … 64 blocks, and altogether while 16 of its promises are open |
| blocks the thread (a loop, a catastrophic regular expression, before or after an \`await\`) for \`timeoutMs\` and a second | a second thread finds out who it is, writes it down in Postgres and ends the watcher, which starts again at once; the bot is left out of that block, all others run it |
| ends the process (\`process.exit\`, an error outside of its handlers) | the same |
| kills the process without a word (memory used up, \`process.abort\`) | the first block of every life is run one bot at a time; after three deaths in a row over the same bot and block it goes into quarantine |
| takes the watcher down three times within an hour | quarantine: it is not run (\`BOT-QUARANTINED\`, High; \`tocsin status\`, \`tocsin bots\`, the console) until its version, its parameters or its things change, or until \`tocsin bots release <id>\` |

\`tocsin backtest\` names the bot and the block, and ends with exit code 1.

What this does not do: it is no fence against malice (a bot runs with the watcher's rights); memory that a bot gathers
slowly over many blocks ends the process at a block of nobody's fault, and no bot is named; timers that a bot starts
when its file is loaded run on in quarantine; a file that loops while it is loaded keeps the watcher from starting.
Where the thread is stopped by a debugger there is no watchdog.`

/** docs/bots.md. */
export const renderBotsMarkdown = (bots: readonly BotDescription[]): string => {
  const lines = [
    '# Bots',
    '',
    'Written by `tocsin bots --markdown > docs/bots.md`; change the code, not this page.',
    '',
    '| bot | what it watches | kinds | inputs | alerts |',
    '|---|---|---|---|---|',
    ...bots.map(({ id, summary, kinds, inputs, alerts }) => {
      const told = alerts.map((alert) => `${code(alert.id)} (${alert.severity})`).join(', ')
      return `| [${id}](#${id}) | ${cell(summary)} | ${kinds.join(', ')} | ${inputs.join(', ')} | ${told} |`
    }),
  ]
  for (const bot of bots) {
    lines.push(
      '',
      `## ${bot.id}`,
      '',
      `${bot.summary} Version ${bot.version}. [Runbook](../bots/${bot.id}/runbook.md).`,
      '',
    )
    if (bot.subscribes.length > 0)
      lines.push(
        'It reads what other bots find in the same block:',
        '',
        ...bot.subscribes.map((one) => `- ${cell(one)}`),
        '',
      )
    lines.push('| alert | what it says | kind | severity at most |', '|---|---|---|---|')
    for (const alert of bot.alerts)
      lines.push(`| ${code(alert.id)} | ${cell(alert.title)} | ${alert.kind} | ${alert.severity} |`)
    lines.push(
      '',
      '| parameter | default | meaning | where the default comes from |',
      '|---|---|---|---|',
    )
    for (const parameter of bot.parameters)
      lines.push(
        `| ${code(parameter.name)} | ${code(parameter.default)} | ${cell(parameter.description)} | ${cell(parameter.source)} |`,
      )
  }
  lines.push('', LIMITS)
  return `${lines.join('\n')}\n`
}

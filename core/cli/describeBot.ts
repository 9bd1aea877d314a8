import { z } from 'zod'
import { type Json, toJson } from '../base/index.ts'
import type { ThingKind } from '../config/types.ts'
import type { BotDefinition, Needs } from '../engine/index.ts'
import { makeThing } from '../testing/index.ts'

export type ParameterDescription = {
  readonly name: string
  readonly default: Json
  readonly description: string
  /** Where the default comes from, when the bot says so. */
  readonly source: string
}

/** A bot as `tocsin bots` shows it; derived from the code alone. */
export type BotDescription = {
  readonly id: string
  readonly version: string
  readonly summary: string
  readonly kinds: readonly ThingKind[]
  readonly alerts: BotDefinition['alerts']
  readonly inputs: readonly string[]
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
  ...(needs.reads?.length ? ['state reads'] : []),
  ...(needs.traces ? [needs.traces.mode === 'always' ? 'traces' : 'traces when touched'] : []),
  ...(needs.everyBlock ? ['every block'] : []),
]

/** What a bot would ask for, seen by giving it one thing of each kind; kinds that need an ABI of their own are passed over. */
const probeInputs = (bot: BotDefinition<unknown>): readonly string[] => {
  const found = new Set<string>()
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
        for (const input of inputsOf(bot.needs(scope))) found.add(input)
      } catch {
        // It wants more of this kind than a sample has.
      }
  return [...found]
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
    }
  })
}

export const describeBot = (bot: BotDefinition<unknown>): BotDescription => ({
  id: bot.id,
  version: bot.version,
  summary: bot.summary,
  kinds: bot.kinds,
  alerts: bot.alerts,
  inputs: probeInputs(bot),
  parameters: describeParameters(bot),
})

const cell = (text: string): string => text.replace(/\|/g, '\\|').replace(/\s+/g, ' ')
const code = (value: unknown): string =>
  `\`${cell(typeof value === 'string' ? value : JSON.stringify(value))}\``

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
  return `${lines.join('\n')}\n`
}

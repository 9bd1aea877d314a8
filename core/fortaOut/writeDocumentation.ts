import type { BotDefinition } from '../engine/types.ts'
import type { PackedWatch } from './types.ts'

/** A parameter as it is told to people. */
export type ParameterText = {
  readonly name: string
  readonly default: unknown
  readonly description: string
  readonly source: string
}

const cell = (text: string): string => text.replace(/\|/g, '\\|').replace(/\s+/g, ' ')

/** README.md of a packed bot: the network shows it to whoever subscribes. */
export const writeDocumentation = (options: {
  readonly bot: BotDefinition<unknown>
  readonly watch: PackedWatch
  readonly parameters: readonly ParameterText[]
  readonly runbook: string
}): string => {
  const { bot, watch, parameters } = options
  const set = watch.bots[bot.id]?.parameters ?? {}
  const lines = [
    `# ${bot.id}`,
    '',
    bot.summary,
    '',
    '## Supported chains',
    '',
    ...watch.chains.map(({ name, id }) => `- ${name} (${id})`),
    '',
    '## What it watches',
    '',
    ...watch.chains.flatMap(({ name, things }) =>
      things
        .filter((thing) => bot.kinds.includes(thing.kind))
        .map((thing) => `- ${thing.kind} ${thing.name} on ${name}: \`${thing.address}\``),
    ),
    '',
    '## Alerts',
    '',
    ...bot.alerts.flatMap(({ id, title, kind, severity }) => [
      `- **${id}**: ${title}`,
      `  - Severity is at most "${severity.toLowerCase()}"`,
      kind === 'condition'
        ? '  - A condition: `metadata.condition` says whether it holds or is over; that it is over has severity "info"'
        : '  - An event',
      '  - `metadata.thing` names what it is about; the rest of `metadata` is the evidence',
    ]),
    '',
    ...(parameters.length > 0
      ? [
          '## Parameters',
          '',
          '`watch.json` holds them, under `bots`; a thing may have its own. TOCSIN_WATCH names another file.',
          '',
          '| parameter | set to | meaning |',
          '|---|---|---|',
          ...parameters.map(
            ({ name, default: usual, description }) =>
              `| ${cell(name)} | ${cell(name in set ? JSON.stringify(set[name]) : `${JSON.stringify(usual) ?? ''} (default)`)} | ${cell(description)} |`,
          ),
          '',
        ]
      : []),
    '## How it runs',
    '',
    'Each block is examined whole, once, when the node first names it or one of its transactions; its receipts and state come over the JSON-RPC of the node, its calldata and traces out of the events where they are told in time. Blocks that were never named are filled in, up to 256. What the bot remembers is in memory, and begins anew with the process.',
    '',
    '## Runbook',
    '',
    options.runbook
      .replace(/^# .*\n+/, '')
      .replace(/^#/gm, '##')
      .trim(),
    '',
  ]
  return lines.join('\n')
}

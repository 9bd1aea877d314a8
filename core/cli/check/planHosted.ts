import { relative } from 'node:path'
import { isTocsinError, messageOf } from '../../base/index.ts'
import type { Config, FortaBotConfig } from '../../config/types.ts'
import { inspectBot } from '../../forta/light.ts'

/** A bot of the Forta SDK as it will be hosted. */
export type PlannedHosted = {
  readonly name: string
  readonly enabled: boolean
  /** What it is: package and SDK, or where it runs. */
  readonly what: string
  /** Its folder or address. */
  readonly place: string
  readonly chains: readonly string[]
  readonly compat: string
  readonly timeoutMs: number
  readonly traces: boolean
  readonly env: readonly string[]
  readonly botId: string | null
  /** Why it could not be run; null: it can. */
  readonly problem: string | null
}

const SDK = { 1: 'forta-agent', 2: '@fortanetwork/forta-bot' } as const

const chainsOf = (config: Config, bot: FortaBotConfig, ids: readonly number[]) =>
  bot.chains ?? config.chains.filter(({ id }) => ids.includes(id)).map(({ name }) => name)

const plan = (config: Config, bot: FortaBotConfig): PlannedHosted => {
  const shared = {
    name: bot.name,
    enabled: bot.enabled,
    compat: bot.compat,
    timeoutMs: bot.timeoutMs,
    traces: bot.traces,
    env: bot.env,
    botId: bot.botId ?? null,
  }
  if (bot.dir === undefined)
    return {
      ...shared,
      what: 'a bot over gRPC',
      place: bot.grpc ?? '',
      chains: bot.chains ?? [],
      problem: null,
    }
  const place = relative(process.cwd(), bot.dir) || '.'
  try {
    const pack = inspectBot(bot.dir)
    const chains = chainsOf(config, bot, pack.chainIds)
    return {
      ...shared,
      what: `${pack.name} ${pack.version} with ${SDK[pack.generation]} ${pack.sdkVersion}`,
      place,
      chains,
      problem:
        chains.length > 0
          ? null
          : `it is made for chain ${pack.chainIds.join(', ') || '(none named)'}, and the watchlist has none of these`,
    }
  } catch (error) {
    const hints = isTocsinError(error) ? error.hints : []
    return {
      ...shared,
      what: 'a bot that cannot be run',
      place,
      chains: bot.chains ?? [],
      problem: [messageOf(error), ...hints].join(' '),
    }
  }
}

/** The hosted bots of a watchlist; their folders are looked at, nothing of theirs is run. */
export const planHosted = (config: Config): readonly PlannedHosted[] =>
  (config.forta ?? []).map((bot) => plan(config, bot))

/** One line, for the short form. */
export const hostedLine = ({ name, enabled, what, chains, problem }: PlannedHosted): string =>
  `  ${name}, ${enabled ? `on ${chains.join(', ') || 'no chain'}` : 'switched off'}: ${problem ? `cannot be run: ${problem}` : what}`

/** In full sentences. */
export const explainHosted = (bot: PlannedHosted): readonly string[] => {
  if (!bot.enabled) return [`  ${bot.name} (${bot.what}) is switched off.`]
  if (bot.problem) return [`  ${bot.name} cannot be run: ${bot.problem}`]
  const sight =
    bot.env.length > 0
      ? `Of our environment it sees ${bot.env.join(', ')}.`
      : 'Of our environment it sees nothing.'
  const id = bot.botId ? ` Other bots know it as ${bot.botId}.` : ''
  return [
    `  ${bot.name} is ${bot.what}, from ${bot.place}. It gets every block of ${bot.chains.join(' and ')} ${bot.traces ? 'with call traces' : 'without call traces'}, as the mode "${bot.compat}" makes its events.`,
    `    A handler that takes longer than ${bot.timeoutMs} ms is given up. ${sight}${id}`,
    '    Which alerts it raises is its own business: they are known once it raises them.',
  ]
}

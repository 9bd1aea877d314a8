import { type Command, InvalidArgumentError, Option } from 'commander'
import { cleanText } from '../../base/index.ts'
import { readIncidentFile, suggestion } from '../../config/index.ts'
import type { BotDefinition } from '../../engine/types.ts'
import { bindChosen, findChain, openRange, refuseEmptyRange, wrong } from '../backtest/openRange.ts'
import { parseBlock } from '../backtest/parseBacktest.ts'
import { resolveIncidents } from '../backtest/resolveIncidents.ts'
import { loadBots } from '../loadBots.ts'
import { type CommonOptions, withCommonOptions } from '../options.ts'
import { printJson } from '../printTable.ts'
import { createProgress } from '../progress.ts'
import { readConfig } from '../readConfig.ts'
import { type Exact, formatExact, parseExact } from '../tune/exact.ts'
import { recordRange } from '../tune/recordRange.ts'
import { isShort, perWeek, proposalYaml, renderTune } from '../tune/renderTune.ts'
import { listTunables, type Tunable } from '../tune/tunables.ts'
import { botsBeside, type TuneOptions, tuneBot } from '../tune/tuneBot.ts'

type TuneCommand = CommonOptions & {
  readonly chain: string
  readonly from: number
  readonly to: number
  readonly pagesPerWeek: number
  readonly parameter?: readonly string[]
  readonly values?: readonly Exact[]
  readonly thing?: string
  readonly alert?: string
  readonly incidents?: string
  readonly grace: number
  readonly traces: boolean
}

const parseRate = (text: string): number => {
  const rate = /^\d{1,6}(\.\d{1,6})?$/.test(text) ? Number(text) : Number.NaN
  if (rate >= 0) return rate
  throw new InvalidArgumentError('Say a number, such as 1 or 0.5.')
}
const parseGrace = (text: string): number => {
  if (/^\d{1,6}$/.test(text)) return Number(text)
  throw new InvalidArgumentError('Say a number of blocks.')
}
const parseValues = (text: string): readonly Exact[] => {
  const values = text.split(',').map(parseExact)
  const known = values.filter((value) => value !== undefined)
  if (known.length === values.length && known.length <= 24) return known
  throw new InvalidArgumentError('Say at most 24 plain numbers, separated by commas.')
}

const findBot = (
  definitions: readonly BotDefinition<unknown>[],
  id: string,
): BotDefinition<unknown> => {
  const bot = definitions.find((one) => one.id === id)
  if (bot) return bot
  const ids = definitions.map((one) => one.id)
  throw wrong('bot.unknown', `There is no bot "${cleanText(id, 80)}".`, suggestion(id, ids, 'bots'))
}

/** Those named; without names those of which the bot says which way they make it quieter. */
const chooseTunables = (
  bot: BotDefinition<unknown>,
  named: readonly string[] | undefined,
): readonly Tunable[] => {
  const all = listTunables(bot)
  const names = all.map(({ name }) => name)
  const [first] = names
  if (!first)
    throw wrong('tune.no_parameter', `The bot "${bot.id}" has no parameter that is a number.`)
  if (!named) {
    const declared = all.filter(({ quieter }) => quieter !== undefined)
    if (declared.length > 0) return declared
    throw wrong(
      'tune.no_parameter',
      `The bot "${bot.id}" does not say which of its parameters are thresholds.`,
      `Name one: --parameter ${first}. There are: ${names.join(', ')}.`,
    )
  }
  return [...new Set(named)].map((name) => {
    const found = all.find((one) => one.name === name)
    if (found) return found
    throw wrong(
      'tune.no_parameter',
      `The bot "${bot.id}" has no numeric parameter "${cleanText(name, 60)}".`,
      suggestion(name, names, 'parameters'),
    )
  })
}

const refuse = (what: string, name: string, known: readonly string[]): void => {
  if (!known.includes(name))
    throw wrong(
      'tune.unknown',
      `There is no ${what} "${cleanText(name, 80)}" here.`,
      suggestion(name, known, `${what}s`),
    )
}

const runCommand = async (id: string, options: TuneCommand): Promise<void> => {
  const { from, to, thing, values } = options
  refuseEmptyRange(from, to)
  const config = await readConfig(options, ['rpc'])
  const definitions = await loadBots(config.botsDir)
  const chain = findChain(config, options.chain)
  const bot = findBot(definitions, id)
  const tunables = chooseTunables(bot, options.parameter)
  if (values && tunables.length > 1)
    throw wrong('tune.values', '--values are of one parameter.', 'Name it with --parameter.')
  const bound = bindChosen(config, definitions, botsBeside({ config, bot }), chain)
  const own = bound.find(({ definition }) => definition.id === bot.id)
  if (!own)
    throw wrong('backtest.no_bots', `The bot "${bot.id}" looks at nothing on ${chain.name}.`)
  if (thing !== undefined)
    refuse(
      'thing',
      thing,
      own.things.map(({ name }) => name),
    )
  if (options.alert !== undefined)
    refuse(
      'alert',
      options.alert,
      bot.alerts.map((one) => one.id),
    )
  const labelled =
    options.incidents === undefined
      ? undefined
      : readIncidentFile(options.incidents, { config, bots: definitions })

  const open = openRange({ config, chain, from, to, lanes: [bound], traces: options.traces })
  const blocks = to - from + 1
  const progress = createProgress(`${bot.id} on ${chain.name} ${from}–${to}`, blocks)
  try {
    const resolved = labelled
      ? await open.guard(() =>
          resolveIncidents({ labelled, config, chain: chain.name, pool: open.pool, from, to }),
        )
      : undefined
    const tune: TuneOptions = {
      config,
      chain,
      definitions,
      bot,
      from,
      to,
      thing,
      alertId: options.alert,
      incidents: resolved?.incidents,
      graceBlocks: options.grace,
      pagesPerWeek: options.pagesPerWeek,
    }
    const result = await open.guard(() =>
      tuneBot(tune, tunables, {
        recording: recordRange(open.range, open.range.source),
        labels: open.labels,
        traces: open.traces,
        onBlock: (round, done) => progress.update(done, round === 0 ? '' : `again (${round})`),
        ...(values ? { values } : {}),
      }),
    )
    progress.end()
    const { tuned, days } = result
    if (!options.json) {
      process.stdout.write(renderTune(tune, result))
      return
    }
    printJson({
      bot: bot.id,
      chain: chain.name,
      from,
      to,
      days,
      pagesPerWeek: options.pagesPerWeek,
      isShort: isShort(options.pagesPerWeek, days),
      isRefined: result.isRefined,
      parameters: tuned.map(({ tunable, present, quieter, trials, proposal }) => ({
        parameter: tunable.name,
        present: formatExact(present),
        quieter: quieter ?? null,
        proposed: proposal.chosen ? formatExact(proposal.chosen.value) : null,
        trials: trials.map(({ value, ...trial }) => ({
          value: formatExact(value),
          ...trial,
          pagesPerWeek: perWeek(trial.pages, days),
        })),
      })),
      yaml: proposalYaml(tune, tuned, ({ tunable }) => tunable.name),
    })
  } finally {
    progress.end()
    await open.stop()
  }
}

/** `tocsin tune BOT`: thresholds from history, at a rate of pages that people can bear. */
export const register = (program: Command): void => {
  withCommonOptions(program.command('tune'))
    .description('propose thresholds of a bot from history, at a wanted number of pages a week')
    .argument('<bot>', 'a bot; it need not be switched on')
    .requiredOption('--chain <name>', 'a chain of the watchlist')
    .requiredOption('--from <block>', 'first block', parseBlock)
    .requiredOption('--to <block>', 'last block', parseBlock)
    .addOption(
      new Option('--pages-per-week <number>', 'how often it may wake somebody for nothing')
        .argParser(parseRate)
        .default(1),
    )
    .option('--parameter <names...>', 'default: those that the bot declares as thresholds')
    .addOption(
      new Option('--values <list>', 'try these values, separated by commas').argParser(parseValues),
    )
    .option('--thing <name>', 'for this watched thing alone')
    .option('--alert <id>', 'count the pages of this alert alone')
    .option(
      '--incidents <file>',
      'labelled incidents: their pages are no noise, and recall is told',
    )
    .addOption(
      new Option('--grace <blocks>', 'after an incident, in which a finding still belongs to it')
        .argParser(parseGrace)
        .default(10),
    )
    .option('--no-traces', 'see top-level calls only')
    .addHelpText(
      'after',
      `
The range is fetched once; all values run over it side by side. Whatever is proposed stands in YAML to paste.

Exit codes: 0 done, 1 an endpoint failed, 2 the watchlist, a file or the command line is wrong.

Examples:
  $ tocsin tune tvl-drop --chain mainnet --from 20000000 --to 20200000 --pages-per-week 0.5
  $ tocsin tune large-transfer --parameter threshold --thing usdc --chain mainnet --from 20000000 --to 20050000
  $ tocsin tune oracle --parameter deviationBps --values 50,100,200 --chain mainnet --from 20000000 --to 20050000`,
    )
    .action(runCommand)
}

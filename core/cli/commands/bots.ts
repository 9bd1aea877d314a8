import { existsSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { Argument, type Command, Option } from 'commander'
import { cleanText, TocsinError } from '../../base/index.ts'
import type { BotDefinition } from '../../engine/index.ts'
import type { BuildOptions } from '../buildBot.ts'
import type { BotDescription } from '../describeBot.ts'
import { EXIT } from '../exitCodes.ts'
import { loadBots } from '../loadBots.ts'
import { type CommandList, withCommonOptions } from '../options.ts'
import { printJson, printTable } from '../printTable.ts'
import { readConfig } from '../readConfig.ts'

type BotsOptions = BuildOptions & { readonly markdown?: boolean; readonly dir?: string }

/** The shipped bots, and a user's own where a watchlist names them. */
const readBots = async (
  options: BotsOptions,
  isNamed: boolean,
): Promise<readonly BotDefinition<unknown>[]> => {
  // Without a watchlist the shipped bots can be looked at all the same.
  if (!isNamed && !existsSync(options.config)) return loadBots()
  const { botsDir } = await readConfig(options, 'none')
  return loadBots(botsDir)
}

const release = async (id: string | undefined, options: BotsOptions): Promise<void> => {
  if (!id)
    throw new TocsinError('bot.unknown', 'Say which bot to release.', {
      exitCode: EXIT.invalid,
      hints: ['`tocsin status` names those in quarantine.'],
    })
  const { releaseBot } = await import('../quarantine.ts')
  await releaseBot(cleanText(id, 80), options)
  process.stdout.write(`${cleanText(id, 80)} is released; a running watcher takes it up at once.\n`)
}

const list = (
  bots: readonly BotDescription[],
  quarantined: ReadonlyMap<string, string> | undefined,
): void =>
  printTable(
    bots,
    [
      { title: 'BOT', of: ({ id }) => id },
      { title: 'VERSION', of: ({ version }) => version },
      ...(quarantined?.size
        ? [
            {
              title: 'STATE',
              of: ({ id }: BotDescription) => (quarantined.has(id) ? 'in quarantine' : ''),
            },
          ]
        : []),
      {
        title: 'ALERTS',
        of: ({ alerts }) => alerts.map(({ id, severity }) => `${id} ${severity}`).join(', '),
        max: 100,
      },
      { title: 'WATCHES', of: ({ kinds }) => kinds.join(', '), max: 60 },
      { title: 'INPUTS', of: ({ inputs }) => inputs.join(', '), max: 60 },
      { title: 'WHAT', of: ({ summary }) => summary, max: 160 },
    ],
    'There are no bots.',
  )

const show = (bot: BotDescription): void => {
  process.stdout.write(
    `${bot.id} ${bot.version}\n${cleanText(bot.summary)}\n\nWatches: ${bot.kinds.join(', ')}\nInputs: ${bot.inputs.join(', ')}\n${bot.subscribes.map((one) => `Reads findings: ${one}\n`).join('')}\n`,
  )
  printTable(
    bot.alerts,
    [
      { title: 'ALERT', of: ({ id }) => id },
      { title: 'KIND', of: ({ kind }) => kind },
      { title: 'AT MOST', of: ({ severity }) => severity },
      { title: 'WHAT', of: ({ title }) => title, max: 120 },
    ],
    'It raises nothing.',
  )
  process.stdout.write('\n')
  printTable(
    bot.parameters,
    [
      { title: 'PARAMETER', of: ({ name }) => name },
      { title: 'DEFAULT', of: (parameter) => JSON.stringify(parameter.default) },
      { title: 'REVIEW BY', of: ({ reviewBy }) => reviewBy },
      { title: 'MEANING', of: ({ description }) => description, max: 200 },
      { title: 'SOURCE', of: ({ source }) => source, max: 120 },
    ],
    'It has no parameters.',
  )
}

/** Writes a new bot where the watchlist has its own, else beside the watchlist. */
const create = async (
  id: string | undefined,
  options: BotsOptions,
  isNamed: boolean,
): Promise<void> => {
  if (!id)
    throw new TocsinError('bot.new', 'Say what the bot is called.', {
      exitCode: EXIT.invalid,
      hints: ['`tocsin bots new stuck-oracle`'],
    })
  const hasWatchlist = isNamed || existsSync(options.config)
  const botsDir = hasWatchlist ? (await readConfig(options, 'none')).botsDir : undefined
  const beside = resolve(dirname(options.config), 'bots')
  const folder = resolve(options.dir ?? botsDir ?? beside)
  const taken = (await loadBots(botsDir)).map((bot) => bot.id)
  const { newBot } = await import('../scaffold/newBot.ts')
  const made = await newBot({ id, folder, taken })
  if (options.json) return printJson({ id, ...made })
  const steps = [
    ...(folder === botsDir
      ? []
      : [`Add to the watchlist: botsDir: ${folder === beside ? 'bots' : folder}`]),
    `Switch it on in the watchlist: bots: { ${id}: {} }`,
    `Test it: npx vitest run ${made.folder} (once: npm install --save-dev vitest zod)`,
    `Try it: tocsin backtest --bots ${id} --chain <chain> --from <block> --to <block>`,
  ]
  process.stdout.write(
    `Wrote ${made.folder}: ${made.files.join(', ')}.\n${steps.map((step, at) => `${at + 1}. ${step}\n`).join('')}docs/writing-bots.md walks through it.\n`,
  )
}

/** What bots lack; ends with 1 where something must be mended. */
const check = async (
  id: string | undefined,
  bots: readonly BotDefinition<unknown>[],
  options: BotsOptions,
  commands: CommandList,
): Promise<void> => {
  if (id && !bots.some((bot) => bot.id === id))
    throw new TocsinError('bot.unknown', `There is no bot "${cleanText(id, 80)}".`, {
      exitCode: EXIT.invalid,
      hints: [`There are: ${bots.map((bot) => bot.id).join(', ')}.`],
    })
  const { checkBotFolder } = await import('../botCheck/checkBotFolder.ts')
  const chosen = bots.filter((bot) => id === undefined || bot.id === id)
  const found = []
  for (const bot of chosen) found.push(...(await checkBotFolder(bot, { commands })))
  const isFaulty = found.some(({ isWarning }) => !isWarning)
  if (isFaulty) process.exitCode = EXIT.failed
  if (options.json) return printJson({ ok: !isFaulty, bots: chosen.length, faults: found })
  printTable(
    found,
    [
      { title: 'BOT', of: ({ bot }) => bot },
      { title: 'WHERE', of: ({ where }) => where },
      { title: '', of: ({ isWarning }) => (isWarning ? 'warning' : 'fault') },
      { title: 'WHAT', of: ({ fault }) => fault, max: 300 },
    ],
    `${chosen.length} ${chosen.length === 1 ? 'bot' : 'bots'}: every runbook is complete, every default has its source and a review date.`,
  )
}

const WHATS = ['list', 'show', 'new', 'check', 'build', 'release'] as const

/** `tocsin bots`: which bots there are, what they raise, and what can be set. */
export const register = (program: Command, commands: CommandList = {}): void => {
  withCommonOptions(program.command('bots'))
    .description('the bots at hand: alerts, parameters with defaults, inputs')
    .addArgument(new Argument('[what]', 'what to do').choices(WHATS).default('list'))
    .argument(
      '[id]',
      'of the bot to show, to write, to check, to pack, or to release from quarantine',
    )
    .option('--dir <folder>', 'new: where to write it. Default: `botsDir` of the watchlist')
    .addOption(new Option('--target <where>', 'build: for whom to pack it').choices(['forta']))
    .option('--out <folder>', 'build: where to write it. Default: forta/<id>')
    .option('--with <ids>', 'build: bots whose findings it reads, separated by commas')
    .option('--markdown', 'write the table of docs/bots.md')
    .addHelpText(
      'after',
      '\nExamples:\n  $ tocsin bots\n  $ tocsin bots show tvl-drop\n  $ tocsin bots new stuck-oracle   a bot of your own, with runbook and tests\n  $ tocsin bots check              are runbooks complete, and defaults sourced?\n  $ tocsin bots build tvl-drop --target forta   a folder that nodes of Forta run\n  $ tocsin bots release my-bot   after it took the watcher down\n  $ tocsin bots --json | jq ".[].alerts"\n  $ tocsin bots --markdown > docs/bots.md',
    )
    .action(
      async (
        what: (typeof WHATS)[number],
        id: string | undefined,
        options: BotsOptions,
        command: Command,
      ) => {
        if (what === 'release') return release(id, options)
        const isNamed = command.getOptionValueSource('config') === 'cli'
        if (what === 'new') return create(id, options, isNamed)
        if (what === 'build') {
          const { buildBot } = await import('../buildBot.ts')
          return buildBot(id, options)
        }
        if (what === 'check') return check(id, await readBots(options, isNamed), options, commands)
        // Loaded here, so that other commands do not pay for it.
        const { describeBot, renderBotsMarkdown } = await import('../describeBot.ts')
        const bots = (await readBots(options, isNamed)).map(describeBot)
        if (what === 'show') {
          const bot = bots.find((one) => one.id === id)
          if (!bot)
            throw new TocsinError(
              'bot.unknown',
              id ? `There is no bot "${cleanText(id, 80)}".` : 'Say which bot to show.',
              {
                exitCode: EXIT.invalid,
                hints: [`There are: ${bots.map((one) => one.id).join(', ')}.`],
              },
            )
          return options.json ? printJson(bot) : show(bot)
        }
        if (options.markdown) process.stdout.write(renderBotsMarkdown(bots))
        else {
          const { findQuarantined } = await import('../quarantine.ts')
          const quarantined = await findQuarantined(options)
          const isOut = ({ id }: BotDescription): boolean => quarantined?.has(id) ?? false
          if (options.json) printJson(bots.map((bot) => ({ ...bot, quarantined: isOut(bot) })))
          else list(bots, quarantined)
        }
      },
    )
}

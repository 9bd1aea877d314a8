import { existsSync } from 'node:fs'
import { Argument, type Command } from 'commander'
import { cleanText, TocsinError } from '../../base/index.ts'
import type { BotDefinition } from '../../engine/index.ts'
import type { BotDescription } from '../describeBot.ts'
import { EXIT } from '../exitCodes.ts'
import { loadBots } from '../loadBots.ts'
import { type CommonOptions, withCommonOptions } from '../options.ts'
import { printJson, printTable } from '../printTable.ts'
import { readConfig } from '../readConfig.ts'

type BotsOptions = CommonOptions & { readonly markdown?: boolean }

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
      { title: 'MEANING', of: ({ description }) => description, max: 200 },
    ],
    'It has no parameters.',
  )
}

/** `tocsin bots`: which bots there are, what they raise, and what can be set. */
export const register = (program: Command): void => {
  withCommonOptions(program.command('bots'))
    .description('the bots at hand: alerts, parameters with defaults, inputs')
    .addArgument(
      new Argument('[what]', 'what to do').choices(['list', 'show', 'release']).default('list'),
    )
    .argument('[id]', 'of the bot to show, or to release from quarantine')
    .option('--markdown', 'write the table of docs/bots.md')
    .addHelpText(
      'after',
      '\nExamples:\n  $ tocsin bots\n  $ tocsin bots show tvl-drop\n  $ tocsin bots release my-bot   after it took the watcher down\n  $ tocsin bots --json | jq ".[].alerts"\n  $ tocsin bots --markdown > docs/bots.md',
    )
    .action(
      async (
        what: 'list' | 'show' | 'release',
        id: string | undefined,
        options: BotsOptions,
        command: Command,
      ) => {
        if (what === 'release') return release(id, options)
        // Loaded here, so that other commands do not pay for it.
        const { describeBot, renderBotsMarkdown } = await import('../describeBot.ts')
        const isNamed = command.getOptionValueSource('config') === 'cli'
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

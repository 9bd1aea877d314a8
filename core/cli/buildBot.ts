import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { cleanText, TocsinError } from '../base/index.ts'
import type { BotDefinition } from '../engine/types.ts'
import { buildFortaBot } from '../fortaOut/index.ts'
import { describeBot } from './describeBot.ts'
import { EXIT } from './exitCodes.ts'
import { findBotFile, loadBots } from './loadBots.ts'
import type { CommonOptions } from './options.ts'
import { printJson } from './printTable.ts'
import { readConfig } from './readConfig.ts'

export type BuildOptions = CommonOptions & {
  readonly target?: string
  readonly out?: string
  readonly with?: string
}

const find = (bots: readonly BotDefinition<unknown>[], id: string) => {
  const definition = bots.find((bot) => bot.id === id)
  const file = definition && findBotFile(definition)
  if (!definition || file === undefined)
    throw new TocsinError('bot.unknown', `There is no bot "${cleanText(id, 80)}".`, {
      exitCode: EXIT.invalid,
      hints: [`There are: ${bots.map((bot) => bot.id).join(', ')}.`],
    })
  return { definition, file: fileURLToPath(file) }
}

/** Packs a bot for where others run it; the watchlist says what it watches, and with which parameters. */
export const buildBot = async (id: string | undefined, options: BuildOptions): Promise<void> => {
  if (!id || options.target !== 'forta')
    throw new TocsinError('bot.build', 'Say which bot to pack, and for where.', {
      exitCode: EXIT.invalid,
      hints: ['`tocsin bots build large-transfer --target forta`'],
    })
  const config = await readConfig(options, 'none')
  const bots = await loadBots(config.botsDir)
  const bot = find(bots, id)
  const built = await buildFortaBot({
    bot,
    beside: (options.with ?? '')
      .split(',')
      .filter((one) => one !== '')
      .map((one) => find(bots, one)),
    config,
    out: resolve(options.out ?? join('forta', id)),
    parameters: describeBot(bot.definition).parameters,
  })
  if (options.json) return printJson({ id, ...built })
  process.stdout.write(
    `Wrote ${built.dir}: ${built.files.join(', ')} (${(built.size / 2 ** 20).toFixed(1)} MB), for chain ${built.chainIds.join(', ')}.
1. Try it: cd ${built.dir} && JSON_RPC_HOST=127.0.0.1 JSON_RPC_PORT=8545 node bot.mjs
2. Put repository, licenseUrl and documentation as you want them into package.json and README.md.
3. Publish it: npx forta-agent publish (it builds the Dockerfile; needs docker and a key)
`,
  )
}

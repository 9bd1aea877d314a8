import { existsSync, statSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { extname, join, relative } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { cleanText, messageOf, TocsinError } from '../base/index.ts'
import type { BotDefinition } from '../engine/types.ts'
import { importUserFile } from './importUserFile.ts'

const EXTENSIONS = ['.ts', '.mts', '.js', '.mjs']

const isBot = (value: unknown): value is BotDefinition<unknown> =>
  typeof value === 'object' &&
  value !== null &&
  'id' in value &&
  typeof value.id === 'string' &&
  'alerts' in value &&
  Array.isArray(value.alerts) &&
  'needs' in value &&
  typeof value.needs === 'function'

/** Bot files of a folder: `<name>/bot.<ext>` and, where a folder holds loose files, `<name>.<ext>`. */
const listBotFiles = async (folder: string, loose: boolean): Promise<readonly string[]> => {
  const entries = await readdir(folder, { withFileTypes: true })
  const files = entries.flatMap((entry) => {
    if (entry.name.startsWith('.') || entry.name === 'node_modules') return []
    if (entry.isDirectory())
      return EXTENSIONS.map((extension) => join(folder, entry.name, `bot${extension}`))
        .filter((file) => existsSync(file))
        .slice(0, 1)
    const isCode = EXTENSIONS.includes(extname(entry.name))
    return loose && isCode && !/\.(test|d)\.[mc]?[tj]s$/.test(entry.name)
      ? [join(folder, entry.name)]
      : []
  })
  return files.sort()
}

const failed = (file: string, cause: unknown): TocsinError => {
  const text = messageOf(cause)
  const missing = /Could not resolve "([^"./][^"]*)"/.exec(text)?.[1]
  const advice =
    missing === undefined
      ? 'Mend the file (helpers without a bot belong into a folder of their own).'
      : `Install the package "${missing}" where the bot lies: \`npm install ${missing}\`.`
  return new TocsinError(
    'bot.load_failed',
    `The bot file ${file} cannot be loaded: ${cleanText(text, 300)}`,
    {
      cause,
      hints: [advice],
      exitCode: 2,
    },
  )
}

type Found = { readonly file: string; readonly bot: BotDefinition<unknown> }

const load = async (
  files: readonly string[],
  read: (file: string) => Promise<unknown>,
): Promise<readonly Found[]> => {
  const found: Found[] = []
  for (const file of files) {
    let module: unknown
    try {
      module = await read(file)
    } catch (cause) {
      throw failed(file, cause)
    }
    // One bot exported under two names (by name and as default) is one bot.
    const bots = [...new Set(Object.values(module ?? {}).filter(isBot))]
    if (bots.length === 0) throw failed(file, new Error('it exports nothing made with defineBot.'))
    found.push(...bots.map((bot) => ({ file, bot })))
  }
  return found
}

const files = new WeakMap<BotDefinition<unknown>, string>()

/** Address of the code of a loaded bot, as it stands in stack traces. */
export const findBotFile = (bot: BotDefinition<unknown>): string | undefined => files.get(bot)

const loaded = new Map<string, Promise<readonly BotDefinition<unknown>[]>>()

/**
 * The bots that come with Tocsin, and those of a user's folder. Read once per folder and process: compiling a user's
 * TypeScript is the slowest part of most commands.
 * @throws TocsinError `bot.load_failed` naming the file; `bot.duplicate` when two share an id
 */
export const loadBots = (botsDir?: string): Promise<readonly BotDefinition<unknown>[]> => {
  const key = botsDir ?? ''
  const known = loaded.get(key)
  if (known) return known
  const reading = readAll(botsDir)
  loaded.set(key, reading)
  // What failed may have been mended by the next look.
  reading.catch(() => loaded.delete(key))
  return reading
}

/** The next look reads the folder anew. */
export const forgetBots = (botsDir?: string): void => void loaded.delete(botsDir ?? '')

const readAll = async (botsDir?: string): Promise<readonly BotDefinition<unknown>[]> => {
  // From source and from dist alike the bots lie two folders up.
  const shipped = fileURLToPath(new URL('../../bots/', import.meta.url))
  const shippedFiles = existsSync(shipped) ? await listBotFiles(shipped, false) : []
  const found = [
    ...(await load(shippedFiles, (file) => import(/* @vite-ignore */ pathToFileURL(file).href))),
  ]
  // A user in a checkout may name the very folder of which dist holds the compiled twin.
  const isCompiled = import.meta.url.endsWith('/dist/core/cli/loadBots.js')
  const own = [
    shipped,
    ...(isCompiled ? [fileURLToPath(new URL('../../../bots/', import.meta.url))] : []),
  ]
  if (botsDir !== undefined && !own.some((folder) => relative(botsDir, folder) === '')) {
    if (!statSync(botsDir, { throwIfNoEntry: false })?.isDirectory())
      throw new TocsinError('bot.load_failed', `There is no folder of bots at ${botsDir}.`, {
        hints: ['`botsDir` is taken from the folder of the watchlist.'],
        exitCode: 2,
      })
    found.push(...(await load(await listBotFiles(botsDir, true), importUserFile)))
  }
  for (const [index, { file, bot }] of found.entries()) {
    const other = found.slice(0, index).find((earlier) => earlier.bot.id === bot.id)
    if (other)
      throw new TocsinError(
        'bot.duplicate',
        `Two bots are called "${bot.id}": ${other.file} and ${file}.`,
        {
          hints: ['Give one of them another id; it is part of every finding.'],
          exitCode: 2,
        },
      )
  }
  for (const { file, bot } of found) files.set(bot, pathToFileURL(file).href)
  return found.map(({ bot }) => bot)
}

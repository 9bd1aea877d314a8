import { existsSync } from 'node:fs'
import { mkdir, rename, rm, writeFile } from 'node:fs/promises'
import { dirname, join, relative, resolve } from 'node:path'
import { cleanText, messageOf, TocsinError } from '../../base/index.ts'
import { EXIT } from '../exitCodes.ts'
import { botFiles } from './botTemplate.ts'

const refuse = (message: string, ...hints: readonly string[]): TocsinError =>
  new TocsinError('bot.new', message, { exitCode: EXIT.invalid, hints })

const camel = (id: string): string =>
  id.replace(/-([a-z0-9])/g, (_, letter: string) => letter.toUpperCase())

/** A year from now: by then somebody looks at the defaults again. */
const reviewDate = (now: Date): string => {
  const date = new Date(now)
  date.setUTCFullYear(date.getUTCFullYear() + 1)
  // "Not older than a year" is meant in days.
  date.setUTCDate(date.getUTCDate() - 1)
  return date.toISOString().slice(0, 10)
}

/**
 * Writes a bot that works, with parameters, runbook and tests, into a folder of its own. All of it or nothing.
 * @throws TocsinError `bot.new` when the name will not do or the folder exists
 */
export const newBot = async (options: {
  readonly id: string
  readonly folder: string
  /** Ids that are taken. */
  readonly taken: readonly string[]
  readonly now?: Date
}): Promise<{ readonly folder: string; readonly files: readonly string[] }> => {
  const { id, taken, now = new Date() } = options
  if (!/^[a-z][a-z0-9]*(-[a-z0-9]+)*$/.test(id) || id.length > 60)
    throw refuse(
      `"${cleanText(id, 60)}" cannot be the name of a bot.`,
      'Use lower case, digits and single dashes: `stuck-oracle`.',
    )
  if (taken.includes(id))
    throw refuse(
      `There is a bot "${id}" already.`,
      'Its name is part of every finding: choose another.',
    )
  const folder = resolve(options.folder, id)
  if (existsSync(folder)) throw refuse(`${folder} exists already; it is not overwritten.`)
  const constant =
    /^(?:new|case|do|if|in|for|try|var|let|class|default|delete|export|import|switch|this|throw|void|while|with|return|function|const|break|continue|else|enum|false|true|null|super|typeof|yield|static|await|package|private|public|protected|interface|implements|report|test|expect)$/.test(
      id,
    )
      ? `${id}Bot`
      : camel(id)
  const files = botFiles({
    id,
    constant,
    type: `${constant.charAt(0).toUpperCase()}${constant.slice(1)}`,
    alertId: id.toUpperCase(),
    reviewBy: reviewDate(now),
  })
  // Beside its place first: whoever follows the folder sees a whole bot or none.
  const draft = `${dirname(folder)}/.${id}.${process.pid}`
  try {
    await mkdir(draft, { recursive: true })
    for (const [name, text] of Object.entries(files)) await writeFile(join(draft, name), text)
    await rename(draft, folder)
  } catch (cause) {
    await rm(draft, { recursive: true, force: true })
    throw new TocsinError('bot.new', `${folder} cannot be written: ${messageOf(cause)}`, {
      cause,
      exitCode: EXIT.failed,
    })
  }
  return { folder: relative(process.cwd(), folder) || folder, files: Object.keys(files) }
}

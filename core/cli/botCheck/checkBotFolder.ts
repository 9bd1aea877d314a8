import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { BotDefinition } from '../../engine/types.ts'
import { RUNBOOK_HEADINGS } from '../../testing/index.ts'
import { describeBot } from '../describeBot.ts'
import { findBotFile } from '../loadBots.ts'
import type { CommandList } from '../options.ts'
import { checkCommands } from './checkCommands.ts'
import { checkQueries } from './checkQueries.ts'
import { readRunbook } from './readRunbook.ts'

export type BotFault = {
  readonly bot: string
  /** `runbook.md:12`, or the parameter. */
  readonly where: string
  readonly fault: string
  /** A warning does not fail the check. */
  readonly isWarning: boolean
}

const DAY_MS = 86_400_000
/** So long after its review date a default may still stand. */
const MOST_OVERDUE_MS = 365 * DAY_MS
/** Whoever puts the review off for longer never reviews. */
const MOST_AHEAD_MS = 2 * 365 * DAY_MS
const SHORTEST = 20

/** Where the runbook of a bot lies: beside its code, for compiled ones beside the sources. */
const findRunbook = (bot: BotDefinition<unknown>): string | undefined => {
  const url = findBotFile(bot)
  if (url === undefined) return undefined
  const folder = dirname(fileURLToPath(url))
  const sources = folder.replace(/([\\/])dist([\\/]bots[\\/][^\\/]+)$/, '$2')
  const files = [...new Set([folder, sources])].map((one) => join(one, 'runbook.md'))
  return files.find((file) => existsSync(file)) ?? files[0]
}

const checkParameters = (bot: BotDefinition<unknown>, now: Date): readonly BotFault[] =>
  describeBot(bot).parameters.flatMap(({ name, description, source, reviewBy }) => {
    const fault = (text: string, isWarning = false): BotFault => ({
      bot: bot.id,
      where: name,
      fault: text,
      isWarning,
    })
    const faults: BotFault[] = []
    if (description === '') faults.push(fault('says nothing of what it means'))
    if (source === '') faults.push(fault('names no source of its default'))
    const due = /^\d{4}-\d\d-\d\d$/.test(reviewBy) ? Date.parse(reviewBy) : Number.NaN
    if (Number.isNaN(due)) faults.push(fault('names no date by which to review it'))
    else if (now.getTime() - due > MOST_OVERDUE_MS)
      faults.push(fault(`its review was due on ${reviewBy}, more than a year ago`))
    else if (now.getTime() > due) faults.push(fault(`its review was due on ${reviewBy}`, true))
    else if (due - now.getTime() > MOST_AHEAD_MS)
      faults.push(fault(`its review is put off until ${reviewBy}`))
    return faults
  })

const names = (text: string, word: string): boolean =>
  new RegExp(`(^|[^\\w-])${word.replace(/[^\w-]/g, '\\$&')}($|[^\\w-])`).test(text)

const checkRunbook = async (
  bot: BotDefinition<unknown>,
  all: CommandList,
): Promise<readonly BotFault[]> => {
  const file = findRunbook(bot)
  const fault = (text: string, line?: number): BotFault => ({
    bot: bot.id,
    where: line === undefined ? 'runbook.md' : `runbook.md:${line}`,
    fault: text,
    isWarning: false,
  })
  if (file === undefined || !existsSync(file)) return [fault('there is no runbook')]
  const runbook = readRunbook(readFileSync(file, 'utf8'))
  const { sections, text } = runbook
  const faults: BotFault[] = []
  for (const heading of [...RUNBOOK_HEADINGS, 'Parameters']) {
    const body = sections.get(heading.toLowerCase())
    if (body === undefined) faults.push(fault(`lacks the heading "${heading}"`))
    else if (body.trim().length < SHORTEST) faults.push(fault(`"${heading}" says nothing`))
  }
  for (const { id } of bot.alerts)
    if (!names(text, id)) faults.push(fault(`does not name the alert ${id}`))
  const isListed = names(text, `tocsin bots show ${bot.id}`)
  for (const { name } of describeBot(bot).parameters)
    if (!isListed && !names(text, name))
      faults.push(fault(`names neither the parameter ${name} nor \`tocsin bots show ${bot.id}\``))
  const told = [...(await checkCommands(runbook, all)), ...checkQueries(runbook)]
  return [...faults, ...told.map((one) => fault(one.fault, one.line))]
}

/**
 * What a bot lacks: a runbook with every heading, every alert and every parameter, whose commands and queries can be
 * run; and for each parameter a source and a review date that is not long past.
 */
export const checkBotFolder = async (
  bot: BotDefinition<unknown>,
  options: { readonly commands: CommandList; readonly now?: Date },
): Promise<readonly BotFault[]> => [
  ...(await checkRunbook(bot, options.commands)),
  ...checkParameters(bot, options.now ?? new Date()),
]

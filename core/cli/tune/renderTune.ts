import { few, percent, plural } from '../backtest/renderText.ts'
import { compareExact, formatExact } from './exact.ts'
import type { Trial } from './propose.ts'
import { toParameter } from './tunables.ts'
import type { Tuned, TuneOptions } from './tuneBot.ts'

const pad = (rows: readonly (readonly string[])[]): readonly string[] => {
  const widths = (rows[0] ?? []).map((_, at) =>
    Math.max(...rows.map((row) => row[at]?.length ?? 0)),
  )
  return rows.map((row) =>
    `  ${row.map((cell, at) => (at === widths.length - 1 ? cell : cell.padStart(widths[at] ?? 0))).join('  ')}`.trimEnd(),
  )
}

/** What to write into the watchlist. Keys and names are ids; values are numbers, in quotes where digits would be lost. */
export const proposalYaml = (
  { bot, thing }: Pick<TuneOptions, 'bot' | 'thing'>,
  tuned: readonly Tuned[],
  comment: (one: Tuned) => string,
): string => {
  const lines = tuned.flatMap((one) => {
    const value = one.proposal.chosen?.value
    if (!value) return []
    const plain = toParameter(one.tunable, value)
    const text = typeof plain === 'string' ? `'${plain}'` : formatExact(value)
    return [`${one.tunable.name}: ${text} # ${comment(one)}`]
  })
  if (lines.length === 0) return ''
  const indent = (by: number): string => lines.map((line) => `${' '.repeat(by)}${line}\n`).join('')
  return thing === undefined
    ? `bots:\n  ${bot.id}:\n    parameters:\n${indent(6)}`
    : `watch:\n  - name: ${JSON.stringify(thing)}\n    bots:\n      ${bot.id}:\n${indent(8)}`
}

export const perWeek = (pages: number, days: number): number => (days > 0 ? (pages / days) * 7 : 0)

const marks = ({ present, proposal }: Tuned, trial: Trial): string =>
  [
    compareExact(trial.value, present) === 0 ? 'now' : '',
    trial === proposal.chosen ? 'proposed' : '',
  ]
    .filter(Boolean)
    .join(', ')

const tuneTable = (one: Tuned, days: number, isLabelled: boolean): readonly string[] =>
  pad([
    [
      one.tunable.name,
      'pages a week',
      'pages',
      'findings',
      'duplicates',
      ...(isLabelled ? ['false a week', 'recall'] : []),
      '',
    ],
    ...one.trials.map((trial) => [
      formatExact(trial.value),
      few(perWeek(trial.pages, days)),
      String(trial.pages),
      String(trial.findings),
      String(trial.duplicates),
      ...(isLabelled ? [few(perWeek(trial.noise, days)), percent(trial.recall)] : []),
      marks(one, trial),
    ]),
  ])

const sentence = (one: Tuned, wanted: number, days: number): string => {
  const { quieter, proposal, trials, present } = one
  const { chosen, beyond } = proposal
  if (!quieter)
    return 'It makes no difference to pages here: every value that was tried gives as many.'
  if (!chosen) {
    const quietest = quieter === 'higher' ? trials[trials.length - 1] : trials[0]
    return `No value that was tried gives ${few(wanted)} pages a week or fewer: ${quietest ? formatExact(quietest.value) : 'the quietest'} still gives ${few(perWeek(quietest?.noise ?? 0, days))}.`
  }
  if (!beyond)
    return `Every value that was tried stays within ${few(wanted)} pages a week; ${formatExact(chosen.value)} is the most watchful of them.`
  const now = trials.find(({ value }) => compareExact(value, present) === 0)
  const lost =
    chosen.recall !== undefined && now?.recall !== undefined && chosen.recall < now.recall
      ? ` It would find ${percent(chosen.recall)} of the labelled incidents instead of ${percent(now.recall)}: think twice.`
      : ''
  return `${formatExact(chosen.value)} is the most watchful value with ${few(wanted)} pages a week or fewer; ${formatExact(beyond.value)} gives ${few(perWeek(beyond.noise, days))}.${lost}`
}

/** Too few pages are expected in the range for a rate to be told from it. */
export const isShort = (wanted: number, days: number): boolean => (wanted * days) / 7 < 3

export const renderTune = (
  options: TuneOptions,
  result: { readonly tuned: readonly Tuned[]; readonly days: number; readonly isRefined: boolean },
): string => {
  const { pagesPerWeek, from, to, chain } = options
  const { tuned, days, isRefined } = result
  const isLabelled = options.incidents !== undefined
  const lines: string[] = []
  for (const one of tuned)
    lines.push(
      '',
      ...(one.tunable.description ? [one.tunable.description] : []),
      ...tuneTable(one, days, isLabelled),
      sentence(one, pagesPerWeek, days),
    )
  const yaml = proposalYaml(
    options,
    tuned.filter(({ proposal, present }) => {
      const { chosen } = proposal
      return chosen !== undefined && compareExact(chosen.value, present) !== 0
    }),
    ({ proposal }) =>
      `${few(perWeek(proposal.chosen?.pages ?? 0, days))} pages a week on ${chain.name}, blocks ${from} to ${to}`,
  )
  if (yaml)
    lines.push(
      '',
      ...(tuned.length > 1 ? ['Each by itself, the others as they are:', ''] : []),
      yaml.trimEnd(),
    )
  else lines.push('', 'Nothing to change.')
  if (isShort(pagesPerWeek, days))
    lines.push(
      '',
      `The range holds ${few(days)} days: at ${few(pagesPerWeek)} pages a week too little to tell a rate. Take at least ${plural(Math.ceil((3 / pagesPerWeek) * 7), 'day')}.`,
    )
  if (!isRefined)
    lines.push('', 'The range did not fit into memory, so only the first values were tried.')
  return `${lines.join('\n').replace(/^\n/, '')}\n`
}

import { createAlertBook } from '../../../core/alerts/alertBook.ts'
import type { FindingRow as StoredFinding } from '../../../core/alerts/types.ts'
import { type FindingSeverity, SEV_OF } from '../../../core/base/index.ts'
import type { FindingRow } from '../../../core/engine/index.ts'
import type { Expected, Story } from './types.ts'

type Marks = ReadonlyMap<string, { readonly number: number; readonly timestampS: number }>
type Page = { readonly botId: string; readonly alertId: string; readonly thing: string | null }

const RANKS: readonly FindingSeverity[] = ['Info', 'Low', 'Medium', 'High', 'Critical']
const rank = (severity: string): number => RANKS.indexOf(severity as FindingSeverity)
const pages = (severity: FindingSeverity): boolean => ['SEV1', 'SEV2'].includes(SEV_OF[severity])

/** Who tells of an attack as a whole: of course it pages, and of which thing is its own choice. */
const OF_THE_WHOLE = ['CORRELATED-INCIDENT', 'PAUSE-CANDIDATE', 'FLASH-LOAN', 'RUG-PULL']

/** Whom people would have been called for, and how often, by the rules by which alerts are folded. */
const listPages = (
  history: readonly FindingRow[],
): readonly (Page & { readonly times: number })[] => {
  const book = createAlertBook({
    states: [],
    now: new Date(0),
    route: ({ severity }) => ({ severity: SEV_OF[severity as FindingSeverity], channels: [] }),
  })
  history.forEach((finding, index) => {
    book.fold({ ...finding, seq: index + 1 } as unknown as StoredFinding)
  })
  return book.states().flatMap(({ row, changes }) => {
    // A severity that grows is no second alarm; one that comes back after its end is.
    // And what a reorg took back and the new branch did again is news.
    const calls = changes.filter(
      ({ kind, severity, statusBefore }) =>
        (kind === 'opened' || (kind === 'reopened' && statusBefore === 'resolved')) &&
        ['SEV1', 'SEV2'].includes(severity),
    )
    const raised = changes.some(
      ({ kind, severity }) => kind === 'raised' && ['SEV1', 'SEV2'].includes(severity),
    )
    const times = Math.max(calls.length, raised ? 1 : 0)
    return times > 0 ? [{ botId: row.botId, alertId: row.alertId, thing: row.thing, times }] : []
  })
}

const isMeant = (expected: Expected, { botId, alertId, thing }: Page): boolean =>
  botId === expected.botId &&
  alertId === expected.alertId &&
  (expected.thing === undefined || thing === expected.thing)

const textOf = ({
  botId,
  alertId,
  thing,
}: Pick<Expected, 'botId' | 'alertId'> & { thing?: string | null | undefined }): string =>
  `${botId} ${alertId}${thing ? ` of ${thing}` : ''}`

const judgeExpected = (
  expected: Expected,
  standing: readonly FindingRow[],
  marks: Marks,
): readonly string[] => {
  const name = expected.mark ?? 'attack'
  const mark = marks.get(name)
  if (!mark) return [`The story never set the mark "${name}".`]
  const { withinBlocks = 1, withinS, minSeverity = 'Info', times = 1 } = expected
  const told = standing.filter(
    (finding) => isMeant(expected, finding) && finding.condition !== 'ended',
  )
  const inTime = told.find(
    ({ blockNumber, blockTimestampS, severity }) =>
      blockNumber >= mark.number &&
      (withinS === undefined
        ? blockNumber <= mark.number + withinBlocks
        : blockTimestampS <= mark.timestampS + withinS) &&
      rank(severity) >= rank(minSeverity),
  )
  const faults: string[] = []
  if (!inTime) {
    const others = told.map(({ blockNumber, severity }) => `${severity} in block ${blockNumber}`)
    faults.push(
      `MISSED: ${textOf(expected)} (${minSeverity} or graver, from block ${mark.number} on); there was ${others.join(', ') || 'nothing'}.`,
    )
  }
  const early = told.filter(
    ({ blockNumber }) => blockNumber < Math.min(...[...marks.values()].map(({ number }) => number)),
  )
  if (early.length > 0)
    faults.push(`TOO EARLY: ${textOf(expected)} in block ${early[0]?.blockNumber}.`)
  // A condition may be told again while it gets worse: it is one alert, and pages once.
  const isRepeated = told.length > times && told[0]?.alertKind === 'event'
  return inTime && (isRepeated || told.length < times)
    ? [...faults, `TOLD ${told.length} TIMES, not ${times}: ${textOf(expected)}.`]
    : faults
}

const judgeRetracted = (
  expected: Expected,
  history: readonly FindingRow[],
  standing: readonly FindingRow[],
): readonly string[] => {
  const wasTold = history.some((finding) => isMeant(expected, finding))
  const stands = standing.some((finding) => isMeant(expected, finding))
  return [
    ...(wasTold ? [] : [`MISSED: ${textOf(expected)}, before it was taken back.`]),
    ...(stands ? [`NOT TAKEN BACK: ${textOf(expected)}.`] : []),
  ]
}

/** One deed told twice: the same event of the same thing in the same transaction, or a condition again without its end. */
const listRepetitions = (standing: readonly FindingRow[]): readonly string[] => {
  const seen = new Set<string>()
  return standing.flatMap((finding) => {
    const { blockNumber, txHash, uniqueKey, alertKind, severity } = finding
    const of = alertKind === 'event' ? (txHash ?? blockNumber) : blockNumber
    const key = [textOf(finding), of, uniqueKey].join('/')
    if (!seen.has(key)) {
      seen.add(key)
      return []
    }
    return [`TOLD TWICE: ${textOf(finding)} (${severity}) in block ${blockNumber}.`]
  })
}

/** What is wrong with what the bots said of a story; nothing when all is well. */
export const judgeStory = <W>(
  story: Story<W>,
  history: readonly FindingRow[],
  marks: Marks,
): readonly string[] => {
  const gone = new Set<string>()
  const standing: FindingRow[] = []
  for (const finding of history.toReversed()) {
    if (gone.has(finding.id) || standing.some(({ id }) => id === finding.id)) continue
    if (finding.status === 'retracted') gone.add(finding.id)
    else standing.unshift(finding)
  }
  const { expects = [], affects = [], mayPage = [] } = story
  const harmed = new Set([...affects, ...expects.flatMap(({ thing }) => thing ?? [])])
  const called = listPages(history)
  const faults = expects.flatMap((expected) =>
    expected.retracted
      ? judgeRetracted(expected, history, standing)
      : judgeExpected(expected, standing, marks),
  )
  for (const page of called) {
    const isExpected = expects.some((expected) => isMeant(expected, page))
    const isOfTheWhole = story.kind === 'attack' && OF_THE_WHOLE.includes(page.alertId)
    const isHarmed = story.kind === 'attack' && page.thing !== null && harmed.has(page.thing)
    if (!isExpected && !isOfTheWhole && !isHarmed && !mayPage.includes(page.alertId))
      faults.push(`PAGED: ${textOf(page)}.`)
    if (page.times > 1) faults.push(`PAGED ${page.times} TIMES: ${textOf(page)}.`)
  }
  if (story.kind === 'benign') {
    const limit = story.atMost ?? 'Medium'
    for (const finding of standing)
      if (
        rank(finding.severity) > rank(limit) &&
        finding.condition !== 'ended' &&
        !expects.some((expected) => isMeant(expected, finding)) &&
        !pages(finding.severity)
      )
        faults.push(`TOO LOUD: ${textOf(finding)} is ${finding.severity}.`)
  }
  return [...faults, ...listRepetitions(standing)]
}

/** All findings of a story, for people. */
export const tellFindings = (history: readonly FindingRow[], marks: Marks): string =>
  [
    `marks: ${[...marks].map(([name, { number }]) => `${name} in block ${number}`).join(', ') || 'none'}`,
    ...history.map(
      ({ blockNumber, severity, botId, alertId, thing, condition, status, name, description }) =>
        `${blockNumber} ${severity.padEnd(8)} ${botId} ${alertId} ${thing ?? '-'}${condition ? ` ${condition}` : ''}${status === 'retracted' ? ' RETRACTED' : ''}: ${name}. ${description.slice(0, 220)}`,
    ),
  ].join('\n')

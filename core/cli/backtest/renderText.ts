import type { BacktestReport } from './backtestReport.ts'
import type { Detection } from './incidentScore.ts'
import type { DiffReport } from './setDiff.ts'
import type { BotReport, SetReport } from './setTally.ts'
import type { Spread } from './spread.ts'

/** A number for people: few digits, none that mean nothing. */
export const few = (value: number | undefined): string => {
  if (value === undefined) return '–'
  if (value === 0) return '0'
  if (Math.abs(value) >= 100) return String(Math.round(value))
  return value >= 10 ? value.toFixed(1) : value.toFixed(2)
}
export const percent = (value: number | undefined): string =>
  value === undefined ? '–' : `${Math.round(value * 1_000) / 10} %`
/** Median and largest, or only one where they are the same. */
export const spreadText = (spread: Spread | undefined): string => {
  if (!spread) return '–'
  return spread.median === spread.max ? String(spread.max) : `${spread.median} (to ${spread.max})`
}
export const plural = (count: number, one: string, many = `${one}s`): string =>
  `${count} ${count === 1 ? one : many}`

type Row = readonly string[]

const table = (rows: readonly Row[]): readonly string[] => {
  const widths = (rows[0] ?? []).map((_, at) =>
    Math.max(...rows.map((row) => row[at]?.length ?? 0)),
  )
  const isText = (at: number): boolean => at === 0 || at === widths.length - 1
  return rows.map((row) =>
    `  ${row
      .map((cell, at) =>
        isText(at) ? cell.padEnd(widths[at] ?? 0) : cell.padStart(widths[at] ?? 0),
      )
      .join('  ')}`.trimEnd(),
  )
}

const alertsOf = ({ alerts }: BotReport): string =>
  Object.entries(alerts)
    .map(([id, count]) => `${id} ${count}`)
    .join(', ')

const setLines = (set: SetReport): readonly string[] => {
  const { pages } = set
  return [
    'Findings',
    ...table([
      ['bot', 'findings', 'pages', 'a day', 'duplicates', 'behind', ''],
      ...set.bots.map((bot) => [
        bot.bot,
        String(bot.findings),
        String(bot.pages),
        few(bot.pagesPerDay),
        String(bot.duplicates),
        spreadText(bot.behind),
        alertsOf(bot),
      ]),
    ]),
    '',
    `Would have paged: ${pages.SEV1} SEV1 and ${pages.SEV2} SEV2 findings in ${pages.alerts} ${pages.alerts === 1 ? 'alert' : 'alerts'}${set.pagesPerDay === undefined ? '' : `, ${few(set.pagesPerDay)} a day`}`,
    `Would have acted: ${
      Object.entries(set.actions)
        .map(([id, count]) => `${id} for ${plural(count, 'finding')}`)
        .join(', ') || 'never'
    }`,
    ...set.failures.map(
      ({ bot, blocks, first }) =>
        `The bot ${bot} failed in ${plural(blocks, 'block')}; first in ${first}`,
    ),
  ]
}

const detectionRow = (name: string, detection: Detection): Row => [
  name,
  `${detection.found} of ${detection.expected}`,
  percent(detection.recall),
  percent(detection.precision),
  spreadText(detection.delay),
  spreadText(detection.lead),
  '',
]

const incidentLines = (set: SetReport): readonly string[] => {
  if (!set.incidents || !set.detection) return []
  const rows = set.bots.flatMap(({ bot, detection }) =>
    detection && (detection.expected > 0 || detection.precision !== undefined)
      ? [detectionRow(bot, detection)]
      : [],
  )
  return [
    '',
    'Labelled incidents',
    ...table([
      ['incident', 'block', 'first finding', 'delay', 'lead', 'by'],
      ...set.incidents.map(({ name, from, foundBy, isPaged }) => {
        const [first] = foundBy
        const by = foundBy.map(({ bot, alertId }) => `${bot} ${alertId}`).join(', ')
        return [
          name.slice(0, 60),
          String(from),
          first ? String(first.block) : 'MISSED',
          first ? String(first.delay) : '–',
          first?.lead === undefined ? '–' : String(first.lead),
          first && !isPaged ? `${by} (nobody was paged)` : by,
        ]
      }),
    ]),
    '',
    ...table([
      ['bot', 'found', 'recall', 'precision', 'delay', 'lead', ''],
      ...rows,
      detectionRow('all', set.detection),
    ]),
    '  Precision: pages that belong to an incident, of all pages. Delay and lead in blocks: median, largest.',
  ]
}

const MOST_LINES = 40

const diffLines = (report: BacktestReport, diff: DiffReport): readonly string[] => {
  const { other, base } = report
  const { appears, disappears, severity, moves } = diff.counts
  const lines = [
    '',
    `Compared with ${other?.file ?? 'the other parameters'}: ${appears} appear, ${disappears} disappear, ${severity} change severity, ${moves} move`,
    `  pages ${base.pages.alerts} → ${other?.pages.alerts ?? 0}, duplicates ${base.duplicates} → ${other?.duplicates ?? 0}`,
  ]
  if (base.detection && other?.detection)
    lines.push(
      `  recall ${percent(base.detection.recall)} → ${percent(other.detection.recall)}, precision ${percent(base.detection.precision)} → ${percent(other.detection.precision)}`,
    )
  const mark = { appears: '+', disappears: '-', severity: '~', moves: '>' }
  for (const one of diff.differences.slice(0, MOST_LINES)) {
    const sev = [one.before, one.after].filter(Boolean)
    const sevs = sev[0] === sev[1] || sev.length === 1 ? (sev[0] ?? '') : sev.join(' → ')
    const block =
      one.otherBlock === undefined ? String(one.block) : `${one.block} → ${one.otherBlock}`
    lines.push(
      `  ${mark[one.kind]} ${block}  ${sevs}  ${one.bot}  ${one.alertId}  ${one.description}`,
    )
  }
  const more = diff.differences.length - MOST_LINES + diff.omitted
  if (more > 0) lines.push(`  … and ${more} more: --format json and --html list them.`)
  return lines
}

/** The report for people at a terminal. */
export const renderText = (report: BacktestReport): string => {
  const { base, diff, outside } = report
  const lines = [
    '',
    `${plural(report.blocks, 'block')} and ${plural(report.transactions, 'transaction')} in ${report.seconds} s: ${report.blocksPerSecond} blocks/s, ${report.transactionsPerSecond} tx/s`,
    ...(report.since && report.until
      ? [`From ${report.since} to ${report.until}: ${few(report.days)} days of block time`]
      : []),
    '',
    ...setLines(base),
    ...incidentLines(base),
    ...(outside
      ? [`  ${plural(outside, 'labelled incident')} of other chains or blocks left out.`]
      : []),
    ...(diff ? diffLines(report, diff) : []),
  ]
  return `${lines.join('\n')}\n`
}

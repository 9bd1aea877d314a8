import { foldKey, routeFinding } from '../alerts/light.ts'
import { cleanText, SEV_OF, type Sev } from '../base/index.ts'
import type { Config } from '../config/types.ts'
import type { BacktestResult, FindingRow } from '../engine/index.ts'

const RANK: readonly string[] = ['Info', 'Low', 'Medium', 'High', 'Critical']

/** A finding with what would have followed from it. */
export type WouldBe = {
  readonly finding: FindingRow
  readonly sev: Sev
  /** Ids of the actions that the watchlist answers with. */
  readonly actions: readonly string[]
}

/** Severity for people and answers of a finding, by the watchlist. */
export const judgeFinding = (config: Config, finding: FindingRow): WouldBe => {
  const { severity } = routeFinding(config, finding)
  const isOver = finding.condition === 'ended' || finding.condition === 'unknown'
  const answers = isOver
    ? []
    : config.answers.filter(
        ({ when }) =>
          when.bot.includes(finding.botId) &&
          (when.alertId?.includes(finding.alertId) ?? true) &&
          (when.thing === undefined ||
            (finding.thing !== null && when.thing.includes(finding.thing))) &&
          RANK.indexOf(finding.severity) >= RANK.indexOf(when.minSeverity),
      )
  return {
    finding,
    sev: severity ?? SEV_OF[finding.severity],
    actions: [...new Set(answers.map(({ action }) => action))],
  }
}

/** One line of `--format jsonl`. */
export const toJsonLine = ({ finding, sev, actions }: WouldBe, chain: string): string => {
  const { botId, alertId, severity, latencyMs: _, ...rest } = finding
  return JSON.stringify({ bot: botId, alertId, severity, sev, chain, ...rest, actions })
}

export type BacktestTally = {
  readonly add: (wouldBe: WouldBe) => void
  readonly addFailure: (botId: string, block: number, faults: readonly string[]) => void
  readonly summary: (result: BacktestResult) => BacktestSummary
}

export type BacktestSummary = {
  readonly blocks: number
  readonly transactions: number
  readonly seconds: number
  readonly blocksPerSecond: number
  readonly transactionsPerSecond: number
  readonly findings: number
  readonly bots: readonly {
    readonly bot: string
    readonly findings: number
    readonly alerts: Readonly<Record<string, number>>
  }[]
  readonly pages: { readonly SEV1: number; readonly SEV2: number; readonly alerts: number }
  readonly actions: Readonly<Record<string, number>>
  readonly failures: readonly {
    readonly bot: string
    readonly blocks: number
    readonly first: string
  }[]
}

/** Counts while a backtest runs. */
export const createBacktestTally = (bots: readonly string[]): BacktestTally => {
  const perBot = new Map<string, Map<string, number>>(bots.map((bot) => [bot, new Map()]))
  const pages = { SEV1: 0, SEV2: 0 }
  const paged = new Set<string>()
  const actions: Record<string, number> = {}
  const firstFailure = new Map<string, string>()
  const round = (value: number): number => Math.round(value * 10) / 10
  return {
    add: ({ finding, sev, actions: wanted }) => {
      const alerts = perBot.get(finding.botId) ?? new Map<string, number>()
      perBot.set(finding.botId, alerts)
      alerts.set(finding.alertId, (alerts.get(finding.alertId) ?? 0) + 1)
      if ((sev === 'SEV1' || sev === 'SEV2') && finding.condition !== 'ended') {
        pages[sev]++
        paged.add(foldKey({ ...finding, addresses: [...finding.addresses] }))
      }
      for (const action of wanted) actions[action] = (actions[action] ?? 0) + 1
    },
    addFailure: (botId, block, faults) => {
      if (!firstFailure.has(botId))
        firstFailure.set(botId, `block ${block}: ${cleanText(faults[0] ?? '', 200)}`)
    },
    summary: (result) => ({
      blocks: result.blocks,
      transactions: result.transactions,
      seconds: Math.round(result.seconds * 1_000) / 1_000,
      blocksPerSecond: round(result.blocks / result.seconds),
      transactionsPerSecond: round(result.transactions / result.seconds),
      findings: result.findings,
      bots: [...perBot].map(([bot, alerts]) => ({
        bot,
        findings: [...alerts.values()].reduce((sum, count) => sum + count, 0),
        alerts: Object.fromEntries(alerts),
      })),
      pages: { ...pages, alerts: paged.size },
      actions,
      failures: [...result.failures].map(([bot, blocks]) => ({
        bot,
        blocks,
        first: firstFailure.get(bot) ?? '',
      })),
    }),
  }
}

/** The report for people. */
export const renderSummary = (summary: BacktestSummary): string => {
  const { bots, pages, actions, failures } = summary
  const width = Math.max(3, ...bots.map(({ bot }) => bot.length))
  const lines = [
    '',
    `${summary.blocks} blocks and ${summary.transactions} transactions in ${summary.seconds} s: ${summary.blocksPerSecond} blocks/s, ${summary.transactionsPerSecond} tx/s`,
    '',
    'Findings',
    ...bots.map(({ bot, findings, alerts }) => {
      const detail = Object.entries(alerts)
        .map(([id, count]) => `${id} ${count}`)
        .join(', ')
      return `  ${bot.padEnd(width)}  ${String(findings).padStart(6)}  ${detail}`.trimEnd()
    }),
    '',
    `Would have paged: ${pages.SEV1} SEV1 and ${pages.SEV2} SEV2 findings in ${pages.alerts} ${pages.alerts === 1 ? 'alert' : 'alerts'}`,
    `Would have acted: ${
      Object.entries(actions)
        .map(([id, count]) => `${id} for ${count} ${count === 1 ? 'finding' : 'findings'}`)
        .join(', ') || 'never'
    }`,
    ...failures.map(
      ({ bot, blocks, first }) =>
        `The bot ${bot} failed in ${blocks} ${blocks === 1 ? 'block' : 'blocks'}; first in ${first}`,
    ),
  ]
  return `${lines.join('\n')}\n`
}

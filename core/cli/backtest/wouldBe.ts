import { routeFinding } from '../../alerts/light.ts'
import { SEV_OF, type Sev } from '../../base/index.ts'
import type { Config } from '../../config/types.ts'
import type { FindingRow } from '../../engine/index.ts'

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

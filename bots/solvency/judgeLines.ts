import { type ConditionStanding, exceedsBps, type FindingSeverity } from 'tocsin'
import type { Line } from './line.ts'
import type { SolvencyParameters } from './parameters.ts'

const MILLION = 1_000_000n

export type Judged = {
  readonly line: Line
  /** What is missing beyond the learned tolerance (smallest units). */
  readonly missing: bigint
  readonly severity: FindingSeverity | undefined
  readonly isNear: boolean
}

/** The part of what is owed that is missing, in millionths, rounded up. */
const shortPpm = ({ owed, held }: Line): number =>
  held >= owed || owed <= 0n ? 0 : Number(((owed - held) * MILLION + owed - 1n) / owed)

/** The tolerance after this look: what a line lacked at the first, and never more than it lacks now. */
export const learn = (
  base: Readonly<Record<string, number>>,
  lines: readonly Line[],
): Readonly<Record<string, number>> => ({
  ...base,
  ...Object.fromEntries(
    lines
      .filter(({ owed }) => owed > 0n)
      .map((line) => [line.key, Math.min(base[line.key] ?? MILLION_N, shortPpm(line))]),
  ),
})
const MILLION_N = Number(MILLION)

/** A line against its tolerance. What the token itself took away is never more than Medium. */
export const judgeLine = (
  line: Line,
  base: Readonly<Record<string, number>>,
  parameters: SolvencyParameters,
): Judged => {
  const { owed, held, isMoved } = line
  const tolerated = (owed * BigInt(base[line.key] ?? shortPpm(line))) / MILLION
  const missing = owed - held - tolerated
  const over = (bps: number, times = 1n): boolean =>
    missing > BigInt(parameters.roundingUnits) && exceedsBps(missing * times, owed, bps)
  const { shortfallBps, highBps, criticalBps } = parameters
  const severity = !over(shortfallBps)
    ? undefined
    : !isMoved || !over(highBps)
      ? 'Medium'
      : over(criticalBps)
        ? 'Critical'
        : 'High'
  return { line, missing, severity, isNear: over(shortfallBps, 2n) }
}

const RANK = ['Info', 'Low', 'Medium', 'High', 'Critical']

/** The gravest line; of equals the one that lacks the greater part. */
export const worstOf = (all: readonly Judged[]): Judged | undefined =>
  all.reduce<Judged | undefined>((worst, one) => {
    if (!one.severity) return worst
    if (!worst?.severity) return one
    const byRank = RANK.indexOf(one.severity) - RANK.indexOf(worst.severity)
    const isMore = one.missing * worst.line.owed > worst.missing * one.line.owed
    return byRank > 0 || (byRank === 0 && isMore) ? one : worst
  }, undefined)

export const standingOf = (
  all: readonly Judged[],
  failed: readonly string[],
): ConditionStanding => {
  const worst = worstOf(all)
  if (worst?.severity) return { kind: 'holds', severity: worst.severity }
  if (failed.length > 0) return { kind: 'unknown' }
  return { kind: all.some(({ isNear }) => isNear) ? 'near' : 'well' }
}

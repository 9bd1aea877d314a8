import { exceedsBps, type FindingSeverity } from 'tocsin'
import type { Summary } from './history.ts'
import type { OutflowCapParameters } from './parameters.ts'

export type OutflowFacts = {
  readonly units: bigint
  /** What the thing held of the token before. */
  readonly held: bigint
  readonly history: Summary
  /** Shares or a debt were given for it, or the books say that all is still there. */
  readonly isMatched: boolean
  /** The receiver is a contract that did not exist in the block before. */
  readonly isFreshContract: boolean
  /** tvl-drop measures this token of the thing, and pages for such a loss itself. */
  readonly isMeasured: boolean
}

const SCALE = 1_000_000

const exceedsTimes = (units: bigint, max: bigint, factor: number): boolean =>
  units * BigInt(SCALE) > max * BigInt(Math.round(factor * SCALE))

const factorOf = (
  { count }: Summary,
  factor: number,
  { matureSamples }: OutflowCapParameters,
): number => (count < matureSamples ? 2 * factor : factor)

/** Whether it is worth reading balances for: beyond the cap, with enough outflows known. */
export const isBeyondCap = (
  units: bigint,
  history: Summary,
  parameters: OutflowCapParameters,
): boolean =>
  history.count >= parameters.minSamples &&
  exceedsTimes(units, history.max, factorOf(history, parameters.warnFactor, parameters))

/**
 * How grave an outflow beyond the cap is. Low from `minShareBps` of what was held on; Medium from `mediumShareBps` on,
 * or beyond `pageFactor`; High, where nobody else measures it, with both `pageFactor` and `highShareBps`, or from
 * `mediumShareBps` on into a contract that was made for it. Matched: Low where it would be graver, else nothing.
 * Exactly a threshold is below it.
 */
export const judgeOutflow = (
  facts: OutflowFacts,
  parameters: OutflowCapParameters,
): FindingSeverity | undefined => {
  const { units, held, history, isMatched, isFreshContract, isMeasured } = facts
  if (!isBeyondCap(units, history, parameters)) return undefined
  if (!exceedsBps(units, held, parameters.minShareBps)) return undefined
  const isFar = exceedsTimes(
    units,
    history.max,
    factorOf(history, parameters.pageFactor, parameters),
  )
  const isMuch = exceedsBps(units, held, parameters.mediumShareBps)
  const isVeryMuch = exceedsBps(units, held, parameters.highShareBps)
  if (isMatched) return isMuch || isFar ? 'Low' : undefined
  const isGrave = (isFar && isVeryMuch) || (isMuch && isFreshContract)
  if (isGrave && !isMeasured) return 'High'
  return isMuch || isFar ? 'Medium' : 'Low'
}

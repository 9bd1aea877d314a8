import { bpsOf, exceedsBps, type FindingSeverity } from 'tocsin'
import type { Removal } from './measureRemoval.ts'

export type PullLimits = {
  readonly removeBps: number
  readonly criticalBps: number
  readonly windowFactor: number
}

/** Millionths: what the window adds up. */
const PPM = 1_000_000n

export type Pull = { readonly bps: number; readonly severity: FindingSeverity }

/** Net removal of a block as millionths of what there was before it; additions are negative. */
export const ppmOf = ({ removed, before }: Removal): bigint =>
  before > 0n ? (removed * PPM) / before : 0n

/**
 * One block: more than the threshold is High, more than the upper one Critical; exactly the threshold is silent. Medium
 * when no more left than came before: `netPpm` is the sum of the blocks' parts over a longer span, this one included.
 */
export const judgePull = (
  removal: Removal,
  limits: PullLimits,
  netPpm: bigint = PPM,
): Pull | undefined => {
  const { removed, before } = removal
  if (!exceedsBps(removed, before, limits.removeBps)) return undefined
  const bps = Number(bpsOf(removed, before))
  const came = netPpm < ppmOf(removal)
  const cameAndWent = came && removed * 2n <= before && !exceedsBps(netPpm, PPM, limits.removeBps)
  if (cameAndWent) return { bps, severity: 'Medium' }
  return { bps, severity: exceedsBps(removed, before, limits.criticalBps) ? 'Critical' : 'High' }
}

/** The window: the sum of the blocks' parts beyond `windowFactor` times the threshold. */
export const judgeWindow = (sumPpm: bigint, limits: PullLimits): Pull | undefined => {
  if (!exceedsBps(sumPpm, PPM, limits.removeBps * limits.windowFactor)) return undefined
  return {
    bps: Number(bpsOf(sumPpm, PPM)),
    severity: exceedsBps(sumPpm, PPM, limits.criticalBps * limits.windowFactor)
      ? 'Critical'
      : 'High',
  }
}

/** A sum of millionths as whole bps, rounded down. */
export const bpsOfPpm = (ppm: bigint): number => Number(bpsOf(ppm, PPM))

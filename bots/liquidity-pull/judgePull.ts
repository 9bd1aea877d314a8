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

/** One block: more than the threshold is High, more than the upper one Critical; exactly the threshold is silent. */
export const judgePull = (removal: Removal, limits: PullLimits): Pull | undefined => {
  if (!exceedsBps(removal.removed, removal.before, limits.removeBps)) return undefined
  return {
    bps: Number(bpsOf(removal.removed, removal.before)),
    severity: exceedsBps(removal.removed, removal.before, limits.criticalBps) ? 'Critical' : 'High',
  }
}

/** Net removal of a block as millionths of what there was before it; additions are negative. */
export const ppmOf = ({ removed, before }: Removal): bigint =>
  before > 0n ? (removed * PPM) / before : 0n

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

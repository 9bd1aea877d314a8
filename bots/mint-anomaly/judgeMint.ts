import type { FindingSeverity } from 'tocsin'
import type { Standing } from './minters.ts'
import type { MintAnomalyParameters } from './parameters.ts'
import { BPS } from './types.ts'

type Limits = Pick<
  MintAnomalyParameters,
  'jumpBps' | 'highBps' | 'criticalBps' | 'windowBps' | 'habitFactor' | 'minterBps' | 'dilutionBps'
>

/**
 * Growth in one block without collateral that is known (millionths of the supply). A new minter makes it one graver, a
 * token that anybody may mint one less grave; a habit of known minters is at most Low.
 */
export const judgeJump = (
  growth: number,
  minter: Standing,
  habit: number,
  limits: Limits,
): FindingSeverity | undefined => {
  if (growth <= limits.jumpBps * BPS) return undefined
  const isBeyond = (bps: number): boolean => growth > bps * BPS
  if (minter === 'new') return isBeyond(limits.highBps) ? 'Critical' : 'High'
  if (growth <= habit * limits.habitFactor) return isBeyond(limits.criticalBps) ? 'Low' : undefined
  if (isBeyond(limits.criticalBps)) return minter === 'open' ? 'High' : 'Critical'
  if (isBeyond(limits.highBps)) return minter === 'open' ? 'Medium' : 'High'
  return 'Low'
}

/** Growth within the span, of blocks that were not told already. Level 1 beyond the threshold, 2 from three times it on. */
export const judgeWindow = (
  growth: number,
  isOpen: boolean,
  habit: number,
  limits: Limits,
): { readonly level: number; readonly severity: FindingSeverity } | 'near' | undefined => {
  const limit = limits.windowBps * BPS
  if (growth <= habit * limits.habitFactor) return undefined
  if (growth <= limit) return growth * 5 > limit * 4 ? 'near' : undefined
  if (growth > 3 * limit) return { level: 2, severity: isOpen ? 'High' : 'Critical' }
  return { level: 1, severity: isOpen ? 'Medium' : 'High' }
}

/** A mint by somebody new that is no jump by itself. */
export const judgeMinter = (
  growth: number,
  minter: Standing,
  limits: Limits,
): FindingSeverity | undefined => {
  if (minter !== 'new' || growth <= limits.minterBps * BPS) return undefined
  return growth > 10 * BPS ? 'Medium' : 'Low'
}

/** Shares without assets, as millionths of all shares. */
export const judgeDilution = (dilution: number, limits: Limits): FindingSeverity | undefined => {
  const limit = limits.dilutionBps * BPS
  if (dilution > 5 * limit) return 'Critical'
  if (dilution > limit) return 'High'
  return dilution * 4 > limit ? 'Low' : undefined
}

/** Shares for which no assets came, at the price of before. A loss of assets is not a mint: it counts as nothing come. */
export const unpaidShares = (
  before: { readonly shares: bigint; readonly assets: bigint },
  now: { readonly shares: bigint; readonly assets: bigint },
): bigint => {
  if (before.shares <= 0n || before.assets <= 0n || now.shares <= before.shares) return 0n
  const came = now.assets > before.assets ? now.assets - before.assets : 0n
  const unpaid = now.shares - before.shares - (came * before.shares) / before.assets
  return unpaid > 0n ? unpaid : 0n
}

import { bpsOf, exceedsBps, type FindingSeverity } from 'tocsin'

/** A value now beside what it was. Both in the same units and at the same prices. */
export type Comparison = { readonly base: bigint; readonly now: bigint }

export type Limits = {
  readonly dropBps: number
  readonly oneBlockDropBps: number
  readonly stepBps: number
  readonly minUnits: bigint
}

export type Facts = {
  /** The last value known before this block. */
  readonly previous: Comparison | undefined
  /** The value that held when the window began. */
  readonly start: Comparison | undefined
  /** The value in the window that the present one lies furthest below. */
  readonly peak: Comparison | undefined
  /** Whether enough blocks were seen for the window form. */
  readonly isSeasoned: boolean
  /** The value of a share held since the last block, or since the window began: somebody took out what was theirs. */
  readonly isMatched: { readonly block: boolean; readonly window: boolean }
  /** Since the window began a share lost as much as the threshold, so nobody came and went. Default: false. */
  readonly isLoss?: boolean
  /**
   * Of a kind whose providers come and go: never above Medium. What they take out is told by liquidity-pull, and what is
   * gone past the books by solvency.
   */
  readonly isVolatile: boolean
}

export type Drop = Comparison & {
  readonly dropBps: number
  readonly severity: FindingSeverity
  readonly isMatched: boolean
}

export type WindowDrop = Drop & {
  /** 1 beyond the threshold, one more for each further step. */
  readonly level: number
  /** The value is not that far below the one at the window's beginning. */
  readonly cameAndWent: boolean
}

export type Verdict = {
  readonly block: Drop | undefined
  readonly window: WindowDrop | undefined
  /** Below the window form's threshold by less than a fifth of it: what held is not called over yet. */
  readonly isNear: boolean
}

const LOWER: Readonly<Record<FindingSeverity, FindingSeverity>> = {
  Critical: 'High',
  High: 'Medium',
  Medium: 'Low',
  Low: 'Info',
  Info: 'Info',
}

const lossOf = ({ base, now }: Comparison): bigint => (base > now ? base - now : 0n)

const isBeyond = (
  comparison: Comparison | undefined,
  bps: number,
  minUnits: bigint,
): comparison is Comparison =>
  comparison !== undefined &&
  comparison.base >= minUnits &&
  exceedsBps(lossOf(comparison), comparison.base, bps)

const capped = (severity: FindingSeverity): FindingSeverity =>
  severity === 'Critical' || severity === 'High' ? 'Medium' : severity

/**
 * Judges one value. One-block form: Critical. Window form, against the highest value in the window: High, and Critical
 * from twice the threshold or when the one-block form fired in this block; one lower when the value is not that far
 * below the one at the window's beginning (it came and went), and one lower when it left against shares. What left against
 * shares is at most Medium: people take out what is theirs. Exactly the threshold is silent.
 */
export const judgeDrop = (facts: Facts, limits: Limits): Verdict => {
  const { previous, start, peak } = facts
  const block: Drop | undefined = isBeyond(previous, limits.oneBlockDropBps, limits.minUnits)
    ? {
        ...previous,
        dropBps: Number(bpsOf(lossOf(previous), previous.base)),
        isMatched: facts.isMatched.block,
        severity: facts.isMatched.block || facts.isVolatile ? 'Medium' : 'Critical',
      }
    : undefined
  if (!facts.isSeasoned || !isBeyond(peak, limits.dropBps, limits.minUnits))
    return {
      block,
      window: undefined,
      isNear:
        facts.isSeasoned && isBeyond(peak, Math.ceil((limits.dropBps * 4) / 5), limits.minUnits),
    }
  const dropBps = Number(bpsOf(lossOf(peak), peak.base))
  const cameAndWent = facts.isLoss !== true && !isBeyond(start, limits.dropBps, limits.minUnits)
  const isDouble = lossOf(peak) * 10_000n >= peak.base * BigInt(2 * limits.dropBps)
  const isGrave = isDouble || block !== undefined
  let severity: FindingSeverity = isGrave ? 'Critical' : 'High'
  if (cameAndWent) severity = LOWER[severity]
  if (facts.isMatched.window) severity = LOWER[severity]
  const window = {
    ...peak,
    dropBps,
    severity: facts.isMatched.window || facts.isVolatile ? capped(severity) : severity,
    isMatched: facts.isMatched.window,
    cameAndWent,
    level: 1 + Math.floor((dropBps - limits.dropBps) / limits.stepBps),
  }
  return { block, window, isNear: false }
}

/** Whether the value of a share, `assets / shares`, is still at least what it was, less a tolerance. */
export const holdsShareValue = (
  before: { readonly assets: bigint; readonly shares: bigint },
  now: { readonly assets: bigint; readonly shares: bigint },
  toleranceBps: number,
): boolean => {
  if (before.shares <= 0n || before.assets <= 0n) return false
  // Everybody left and nothing remains: as matched as it can be.
  if (now.shares === 0n) return true
  return (
    now.assets * before.shares * 10_000n >=
    before.assets * now.shares * BigInt(10_000 - toleranceBps)
  )
}

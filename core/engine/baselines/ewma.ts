import { clampZ } from './robust.ts'

/** Exponentially weighted mean and variance. Bounded: three numbers. */
export type EwmaState = {
  readonly count: number
  readonly mean: number
  readonly variance: number
}

export const EMPTY_EWMA: EwmaState = { count: 0, mean: 0, variance: 0 }

/**
 * The state after one more value; `alpha` in (0, 1] is the weight of the newest.
 * Sources: S. W. Roberts, "Control chart tests based on geometric moving averages", Technometrics 1 (1959), 239-250;
 * T. Finch, "Incremental calculation of weighted mean and variance" (2009), section 9, for the variance.
 */
export const addToEwma = (state: EwmaState, value: number, alpha: number): EwmaState => {
  if (state.count === 0) return { count: 1, mean: value, variance: 0 }
  const difference = value - state.mean
  const step = alpha * difference
  return {
    count: state.count + 1,
    mean: state.mean + step,
    variance: (1 - alpha) * (state.variance + difference * step),
  }
}

/** How many standard deviations a value that is not yet part of the state lies from its mean. 0 before the first value. */
export const ewmaZ = (state: EwmaState, value: number, minSigma = 0): number => {
  const off = value - state.mean
  if (state.count === 0 || off === 0) return 0
  return clampZ(off / Math.max(Math.sqrt(state.variance), minSigma))
}

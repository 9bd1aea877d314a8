/** Where the middle of a sample lies and how far from it half of the sample strays. */
export type RobustSpread = {
  readonly count: number
  readonly median: number
  /** Median of the absolute deviations from the median, unscaled. */
  readonly mad: number
}

/** 1 / Φ⁻¹(3/4): scales a MAD so that for normal data it estimates the standard deviation. */
export const MAD_TO_SIGMA = 1.482602218505602

/** No score is further from 0 than this, so that a sample without any spread gives a number JSON can hold. */
export const MAX_Z = 1_000

const middle = (sorted: readonly number[]): number => {
  const half = sorted.length >> 1
  const upper = sorted[half] ?? 0
  return sorted.length % 2 === 1 ? upper : ((sorted[half - 1] ?? 0) + upper) / 2
}

/** Middle value; the mean of the two middle ones when there are as many above as below. Undefined of nothing. */
export const medianOf = (values: readonly number[]): number | undefined =>
  values.length === 0 ? undefined : middle([...values].sort((a, b) => a - b))

/**
 * Median and median absolute deviation. Half of the sample may be rubbish before either becomes so.
 * Source: F. R. Hampel, "The influence curve and its role in robust estimation", JASA 69 (1974), 383-393.
 */
export const spreadOf = (values: readonly number[]): RobustSpread | undefined => {
  const median = medianOf(values)
  if (median === undefined) return undefined
  const mad = medianOf(values.map((value) => Math.abs(value - median))) ?? 0
  return { count: values.length, median, mad }
}

export const clampZ = (z: number): number =>
  Number.isNaN(z) ? 0 : Math.max(-MAX_Z, Math.min(MAX_Z, z))

/**
 * Robust z-score: deviations from the median in (estimated) standard deviations. `minSigma` is the smallest spread
 * believed in, for samples that happen to be alike. Within ±`MAX_Z`.
 * Source: B. Iglewicz, D. C. Hoaglin, "How to Detect and Handle Outliers" (1993), the modified z-score
 * 0.6745 (x - median) / MAD; its usual limit is 3.5.
 */
export const robustZ = (value: number, spread: RobustSpread, minSigma = 0): number => {
  const off = value - spread.median
  if (off === 0) return 0
  return clampZ(off / Math.max(spread.mad * MAD_TO_SIGMA, minSigma))
}

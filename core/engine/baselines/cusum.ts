/** Cumulative sums of deviations upwards and downwards, never below 0. Bounded: two numbers. */
export type CusumState = { readonly high: number; readonly low: number }

export const EMPTY_CUSUM: CusumState = { high: 0, low: 0 }

/**
 * Two-sided cumulative sum chart of standardised values: `slack` (k) is half of the shift, in standard deviations, that
 * shall be found. An alarm is either sum above a limit h; k = 0.5 with h = 5 lets a process in control run 465 values
 * on average. `cap` bounds the sums, so that an alarm can end soon after its cause.
 * Source: E. S. Page, "Continuous inspection schemes", Biometrika 41 (1954), 100-115; limits: NIST/SEMATECH e-Handbook
 * of Statistical Methods, section 6.3.2.3.
 */
export const addToCusum = (
  state: CusumState,
  z: number,
  { slack = 0.5, cap = Number.MAX_VALUE }: { readonly slack?: number; readonly cap?: number } = {},
): CusumState => ({
  high: Math.min(cap, Math.max(0, state.high + z - slack)),
  low: Math.min(cap, Math.max(0, state.low - z - slack)),
})

/**
 * Cumulative sum chart of a proportion, fed one yes or no at a time: the sum after one more, from the log of the
 * likelihood under the proportion `worse` against that under `usual` (both in (0, 1), usual < worse). With a limit h it
 * rings falsely about once in exp(h) passes.
 * Source: M. R. Reynolds, Z. G. Stoumbos, "A CUSUM chart for monitoring a proportion when inspecting continuously",
 * Journal of Quality Technology 31 (1999), 87-108.
 */
export const addToBernoulliCusum = (
  sum: number,
  hit: boolean,
  { usual, worse, cap }: { readonly usual: number; readonly worse: number; readonly cap: number },
): number => {
  const gain = hit ? Math.log(worse / usual) : Math.log((1 - worse) / (1 - usual))
  return Math.min(cap, Math.max(0, sum + gain))
}

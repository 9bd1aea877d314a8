import { logGamma } from './logGamma.ts'

/** A conjugate model of the values within one run: parameters in, parameters out. */
export type RunModel = {
  readonly prior: readonly number[]
  /** Logarithm of the probability (density) of the next value. */
  readonly logPredictive: (run: readonly number[], value: number) => number
  readonly update: (run: readonly number[], value: number) => readonly number[]
}

/**
 * Counts: Poisson with a gamma prior (shape, rate); the next count is negative binomial. Values are rounded to whole
 * counts, negative ones to 0.
 * Source: K. P. Murphy, "Conjugate Bayesian analysis of the Gaussian distribution" (2007) for the notation; A. Gelman et
 * al., "Bayesian Data Analysis", third edition, section 2.6, for the model.
 */
export const gammaModel = (prior: { readonly shape: number; readonly rate: number }): RunModel => {
  const countOf = (value: number): number => Math.max(0, Math.round(value))
  return {
    prior: [prior.shape, prior.rate],
    logPredictive: ([shape = 1, rate = 1], value) => {
      const count = countOf(value)
      return (
        logGamma(shape + count) -
        logGamma(shape) -
        logGamma(count + 1) +
        shape * Math.log(rate / (rate + 1)) -
        count * Math.log(rate + 1)
      )
    },
    update: ([shape = 1, rate = 1], value) => [shape + countOf(value), rate + 1],
  }
}

/**
 * Measurements: normal with a normal-inverse-gamma prior (mean, kappa, alpha, beta); the next value follows Student's t
 * with 2 alpha degrees of freedom around the mean, its squared scale beta (kappa + 1) / (alpha kappa).
 * Source: K. P. Murphy, "Conjugate Bayesian analysis of the Gaussian distribution" (2007), section 6.
 */
export const normalModel = (prior: {
  readonly mean: number
  readonly kappa: number
  readonly alpha: number
  readonly beta: number
}): RunModel => ({
  prior: [prior.mean, prior.kappa, prior.alpha, prior.beta],
  logPredictive: ([mean = 0, kappa = 1, alpha = 1, beta = 1], value) => {
    const freedom = 2 * alpha
    const scale2 = (beta * (kappa + 1)) / (alpha * kappa)
    const off2 = (value - mean) ** 2 / scale2
    return (
      logGamma((freedom + 1) / 2) -
      logGamma(freedom / 2) -
      0.5 * Math.log(freedom * Math.PI * scale2) -
      ((freedom + 1) / 2) * Math.log1p(off2 / freedom)
    )
  },
  update: ([mean = 0, kappa = 1, alpha = 1, beta = 1], value) => [
    (kappa * mean + value) / (kappa + 1),
    kappa + 1,
    alpha + 0.5,
    beta + (kappa * (value - mean) ** 2) / (2 * (kappa + 1)),
  ],
})

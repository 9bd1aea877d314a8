import { gammaModel, normalModel, type RunModel } from './runModels.ts'

/** How values within one run are spread, and what is believed of them before the first. */
export type ChangePointModel =
  | {
      /** Counts: Poisson, its rate gamma-distributed with shape and rate. */
      readonly kind: 'poisson'
      readonly shape: number
      readonly rate: number
    }
  | {
      /** Measurements: normal, mean and variance normal-inverse-gamma distributed. */
      readonly kind: 'normal'
      readonly mean: number
      readonly kappa: number
      readonly alpha: number
      readonly beta: number
    }

export type ChangePointOptions = {
  readonly model: ChangePointModel
  /** Chance of a change at any value: 1 / the usual length of a run. */
  readonly hazard: number
  /** Runs longer than this are counted as this long. Default: 200. */
  readonly maxRun?: number
}

/**
 * Probability of each run length (values since the last change), and what each run has seen. Bounded: `maxRun` + 1
 * probabilities with four numbers each.
 */
export type ChangePointState = {
  readonly count: number
  readonly probabilities: readonly number[]
  /** Parameters of the model after each run. */
  readonly runs: readonly (readonly number[])[]
  /** Minus the logarithm of the last value's probability (density) before it was seen: how surprising it was. */
  readonly surprise: number
}

const modelOf = (model: ChangePointModel): RunModel =>
  model.kind === 'poisson' ? gammaModel(model) : normalModel(model)

export const newChangePoint = (options: ChangePointOptions): ChangePointState => ({
  count: 0,
  probabilities: [1],
  runs: [modelOf(options.model).prior],
  surprise: 0,
})

/** Longest run last: what lies beyond the bound is added to it. */
const truncate = (
  probabilities: readonly number[],
  runs: readonly (readonly number[])[],
  maxRun: number,
): Pick<ChangePointState, 'probabilities' | 'runs'> => {
  if (probabilities.length <= maxRun + 1) return { probabilities, runs }
  const beyond = probabilities.slice(maxRun).reduce((sum, one) => sum + one, 0)
  return {
    probabilities: [...probabilities.slice(0, maxRun), beyond],
    // Of the runs that are counted as one the longest knows most.
    runs: [...runs.slice(0, maxRun), runs.at(-1) ?? []],
  }
}

/**
 * One more value: every run either grows by it or ends before it.
 * Source: R. P. Adams, D. J. C. MacKay, "Bayesian online changepoint detection", arXiv:0710.3742 (2007), algorithm 1
 * with a constant hazard; the predictive distributions are those of the conjugate models (see runModels.ts). The run
 * lengths are truncated, as the paper's section 2.4 suggests.
 */
export const addToChangePoint = (
  state: ChangePointState,
  value: number,
  options: ChangePointOptions,
): ChangePointState => {
  const { prior, logPredictive, update } = modelOf(options.model)
  const { hazard, maxRun = 200 } = options
  const logs = state.runs.map((run) => logPredictive(run, value))
  const top = Math.max(...logs)
  // Scaled by the likeliest run: with all of them far off, nothing of any would be left otherwise.
  const joint = logs.map((log, at) => Math.exp(log - top) * (state.probabilities[at] ?? 0))
  const evidence = joint.reduce((sum, one) => sum + one, 0)
  if (!(evidence > 0)) return { ...newChangePoint(options), count: state.count + 1 }
  const grown = joint.map((one) => ((1 - hazard) * one) / evidence)
  return {
    count: state.count + 1,
    ...truncate(
      [hazard, ...grown],
      [prior, ...state.runs.map((run) => update(run, value))],
      maxRun,
    ),
    surprise: -(Math.log(evidence) + top),
  }
}

/** Probability that the last change lies at most `values` back. With a constant hazard, that of 0 is the hazard itself. */
export const recentChange = (state: ChangePointState, values: number): number =>
  Math.min(
    1,
    state.probabilities.slice(0, values + 1).reduce((sum, one) => sum + one, 0),
  )

/** The likeliest number of values since the last change. */
export const likeliestRun = (state: ChangePointState): number =>
  state.probabilities.reduce(
    (best, one, at) => (one > (state.probabilities[best] ?? 0) ? at : best),
    0,
  )

import {
  addToChangePoint,
  type ChangePointOptions,
  likeliestRun,
  newChangePoint,
  recentChange,
} from './changePoint.ts'
import { addToCusum, EMPTY_CUSUM } from './cusum.ts'
import { addToEwma, EMPTY_EWMA, ewmaZ } from './ewma.ts'
import { type NabSeries, probationRows } from './nab.ts'
import { robustZ, spreadOf } from './robust.ts'
import { addToSeasonal, EMPTY_SEASONAL, seasonalSpread } from './seasonal.ts'

/** Gives each row a score from 0 (usual) to 1, from that row and earlier ones alone. */
export type NabDetector = (series: NabSeries) => readonly number[]

/** Values that the moving baselines look back on. */
const LOOK_BACK = 288

/** 0 at no deviation, half at five standard deviations, 1 never. */
const scoreOf = (z: number): number => Math.abs(z) / (Math.abs(z) + 5)

/** Mean and deviation of the values on probation: what the series is like while nothing is judged. */
const startOf = ({ values }: NabSeries) => {
  const first = values.slice(0, Math.max(2, probationRows(values.length)))
  const spread = spreadOf(first) ?? { count: 0, median: 0, mad: 0 }
  const mean = first.reduce((sum, value) => sum + value, 0) / first.length
  const variance = first.reduce((sum, value) => sum + (value - mean) ** 2, 0) / first.length
  return { spread, variance: Math.max(variance, 1e-12 + (mean * 1e-3) ** 2) }
}

const robustDetector: NabDetector = (series) => {
  const minSigma = Math.sqrt(startOf(series).variance) / 10
  return series.values.map((value, row) => {
    const spread = spreadOf(series.values.slice(Math.max(0, row - LOOK_BACK), row))
    return spread ? scoreOf(robustZ(value, spread, minSigma)) : 0
  })
}

const seasonalDetector: NabDetector = (series) => {
  const minSigma = Math.sqrt(startOf(series).variance) / 10
  let state = EMPTY_SEASONAL
  return series.values.map((value, row) => {
    const at = series.timestampsS[row] ?? 0
    const spread = seasonalSpread(state, at)
    state = addToSeasonal(state, at, value, 64)
    return spread && spread.count >= 6 ? scoreOf(robustZ(value, spread, minSigma)) : 0
  })
}

const ewmaDetector: NabDetector = (series) => {
  const minSigma = Math.sqrt(startOf(series).variance) / 10
  let state = EMPTY_EWMA
  return series.values.map((value) => {
    const z = ewmaZ(state, value, minSigma)
    state = addToEwma(state, value, 2 / (LOOK_BACK + 1))
    return scoreOf(z)
  })
}

const cusumDetector: NabDetector = (series) => {
  const minSigma = Math.sqrt(startOf(series).variance) / 10
  let slow = EMPTY_EWMA
  let sums = EMPTY_CUSUM
  return series.values.map((value) => {
    sums = addToCusum(sums, ewmaZ(slow, value, minSigma), { slack: 1, cap: 50 })
    slow = addToEwma(slow, value, 2 / (LOOK_BACK + 1))
    return scoreOf(Math.max(sums.high, sums.low))
  })
}

const changePointDetector: NabDetector = (series) => {
  const { spread, variance } = startOf(series)
  const options: ChangePointOptions = {
    model: { kind: 'normal', mean: spread.median, kappa: 0.01, alpha: 1, beta: variance },
    hazard: 1 / LOOK_BACK,
    maxRun: 100,
  }
  let state = newChangePoint(options)
  let longest = 0
  return series.values.map((value) => {
    state = addToChangePoint(state, value, options)
    const run = likeliestRun(state)
    const isChange = longest > 20 && run < 5
    longest = isChange || run === 0 ? run : Math.max(run, longest)
    return isChange ? recentChange(state, 5) : 0
  })
}

/** The baselines of this folder as detectors, by the name of what they are made of. */
export const NAB_DETECTORS: Readonly<Record<string, NabDetector>> = {
  'robust-z': robustDetector,
  seasonal: seasonalDetector,
  ewma: ewmaDetector,
  cusum: cusumDetector,
  'change-point': changePointDetector,
}

import { describe, expect, test } from 'vitest'
import { fromJson, toJson } from '../../base/index.ts'
import {
  addToBernoulliCusum,
  addToChangePoint,
  addToCusum,
  addToDistinct,
  addToEwma,
  addToSeasonal,
  type ChangePointOptions,
  countDistinct,
  EMPTY_CUSUM,
  EMPTY_DISTINCT,
  EMPTY_EWMA,
  EMPTY_SEASONAL,
  ewmaZ,
  hourOfWeek,
  likeliestRun,
  MAX_Z,
  medianOf,
  newChangePoint,
  recentChange,
  robustZ,
  seasonalSpread,
  spreadOf,
} from './index.ts'
import { logGamma } from './logGamma.ts'

/** Seeded, so that a failure can be played again. */
const createRandom = (seed: number) => {
  let state = seed
  return (): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
}
const series = (seed: number, length: number): readonly number[] => {
  const random = createRandom(seed)
  return Array.from({ length }, () => (random() + random() + random() - 1.5) * 10 + 100)
}

describe('robust', () => {
  test('behavior: median, MAD and z by hand', () => {
    expect(medianOf([])).toBeUndefined()
    expect(medianOf([3, 1, 2])).toBe(2)
    expect(medianOf([4, 1, 3, 2])).toBe(2.5)
    // Deviations from 3: 2 1 0 1 97.
    const spread = spreadOf([1, 2, 3, 4, 100])
    expect(spread).toEqual({ count: 5, median: 3, mad: 1 })
    // 0.6745 (10 - 3) / 1
    expect(robustZ(10, spread ?? { count: 0, median: 0, mad: 0 })).toBeCloseTo(4.7214, 4)
    expect(robustZ(10, { count: 3, median: 4, mad: 0 }, 2)).toBe(3)
    expect(robustZ(5, { count: 3, median: 4, mad: 0 })).toBe(MAX_Z)
    expect(robustZ(4, { count: 3, median: 4, mad: 0 })).toBe(0)
  })

  test('behavior: moved and stretched alike, a value keeps its z; half of the sample can be rubbish', () => {
    for (const seed of [1, 2, 3, 4, 5]) {
      const values = series(seed, 21)
      const spread = spreadOf(values)
      const moved = spreadOf(values.map((value) => 7 * value - 30))
      if (!spread || !moved) throw new Error('no spread')
      expect(robustZ(7 * 130 - 30, moved)).toBeCloseTo(robustZ(130, spread), 8)
      const spoilt = medianOf(values.map((value, at) => (at < 10 ? 1e9 : value)))
      expect(spoilt).toBeLessThanOrEqual(Math.max(...values))
    }
  })
})

describe('ewma', () => {
  test('behavior: mean and variance by hand', () => {
    // 10, then 20 with a quarter: mean 12.5, variance 0.75 (0 + 10 * 2.5).
    const two = addToEwma(addToEwma(EMPTY_EWMA, 10, 0.25), 20, 0.25)
    expect(two).toEqual({ count: 2, mean: 12.5, variance: 18.75 })
    expect(ewmaZ(two, 12.5 + 2 * Math.sqrt(18.75))).toBeCloseTo(2, 12)
    expect(ewmaZ(EMPTY_EWMA, 5)).toBe(0)
  })

  test('behavior: it equals the weighted moments written out', () => {
    const values = series(9, 40)
    const alpha = 0.2
    const state = values.reduce((sum, value) => addToEwma(sum, value, alpha), EMPTY_EWMA)
    const weights = values.map((_, at) =>
      at === 0 ? (1 - alpha) ** 39 : alpha * (1 - alpha) ** (39 - at),
    )
    const mean = values.reduce((sum, value, at) => sum + value * (weights[at] ?? 0), 0)
    const variance = values.reduce(
      (sum, value, at) => sum + (value - mean) ** 2 * (weights[at] ?? 0),
      0,
    )
    expect(state.mean).toBeCloseTo(mean, 9)
    expect(state.variance).toBeCloseTo(variance, 9)
  })
})

describe('cusum', () => {
  test('behavior: both sums by hand, never below 0 nor above the cap', () => {
    // Upwards: 0, 0.5, 2.0, 0.5; downwards: 0, 0, 0, 0.5.
    const states = [EMPTY_CUSUM]
    for (const z of [0.5, 1, 2, -1]) states.push(addToCusum(states.at(-1) ?? EMPTY_CUSUM, z))
    expect(states.map(({ high }) => high)).toEqual([0, 0, 0.5, 2, 0.5])
    expect(states.map(({ low }) => low)).toEqual([0, 0, 0, 0, 0.5])
    expect(addToCusum({ high: 4, low: 0 }, 9, { cap: 6 }).high).toBe(6)
  })

  test('behavior: of a proportion by hand', () => {
    const options = { usual: 0.1, worse: 0.8, cap: 10 }
    const once = addToBernoulliCusum(0, true, options)
    expect(once).toBeCloseTo(Math.log(8), 12)
    expect(addToBernoulliCusum(once, false, options)).toBeCloseTo(Math.log(8 * (0.2 / 0.9)), 12)
    expect(addToBernoulliCusum(0, false, options)).toBe(0)
    expect(addToBernoulliCusum(9, true, options)).toBe(10)
  })
})

describe('seasonal', () => {
  test('behavior: weeks begin on Monday, UTC', () => {
    const of = (text: string): number => hourOfWeek(Date.parse(text) / 1000)
    expect(of('2026-11-16T00:00:00Z')).toBe(0)
    expect(of('2026-11-22T23:59:59Z')).toBe(167)
    expect(of('1970-01-01T00:00:00Z')).toBe(72)
  })

  test('behavior: the same hour of other weeks, with its neighbours; bounded', () => {
    let state = EMPTY_SEASONAL
    const monday = Date.parse('2026-11-16T12:00:00Z') / 1000
    for (let week = 0; week < 20; week++)
      for (let hour = 0; hour < 168; hour++)
        state = addToSeasonal(
          state,
          monday + (week * 168 + hour) * 3_600,
          week * 10 + Math.abs(hour % 168),
          4,
        )
    expect(state.hours).toHaveLength(168)
    expect(state.hours.every((values) => values.length === 4)).toBe(true)
    // Noon, one later, and one earlier (the last of the week's 168): weeks 16 to 19.
    expect(seasonalSpread(state, monday, 0)).toEqual({ count: 4, median: 175, mad: 10 })
    expect(seasonalSpread(state, monday)?.count).toBe(12)
    expect(seasonalSpread(EMPTY_SEASONAL, monday)).toBeUndefined()
    expect(fromJson(toJson(state))).toEqual(state)
  })
})

describe('change points', () => {
  test('behavior: logarithms of factorials and of the root of pi', () => {
    expect(logGamma(5)).toBeCloseTo(Math.log(24), 12)
    expect(logGamma(0.5)).toBeCloseTo(Math.log(Math.sqrt(Math.PI)), 12)
    expect(logGamma(101)).toBeCloseTo(363.73937555556347, 9)
  })

  test('behavior: counts by hand', () => {
    const options: ChangePointOptions = {
      model: { kind: 'poisson', shape: 1, rate: 1 },
      hazard: 0.1,
    }
    // With shape and rate 1 the first count is geometric: P(0) = 1/2, P(2) = 1/8.
    const first = addToChangePoint(newChangePoint(options), 2, options)
    expect(first.surprise).toBeCloseTo(Math.log(8), 10)
    expect(first.probabilities[0]).toBeCloseTo(0.1, 12)
    expect(first.probabilities[1]).toBeCloseTo(0.9, 12)
    expect(first.runs).toEqual([
      [1, 1],
      [3, 2],
    ])
    // A second 0: the new run gives 1/2, the old one (2/3)^3 = 8/27.
    const second = addToChangePoint(first, 0, options)
    const evidence = 0.1 / 2 + (0.9 * 8) / 27
    expect(second.surprise).toBeCloseTo(-Math.log(evidence), 10)
    expect(second.probabilities[0]).toBeCloseTo(0.1, 12)
    expect(second.probabilities[1]).toBeCloseTo((0.9 * 0.05) / evidence, 10)
    expect(second.probabilities[2]).toBeCloseTo((0.9 * 0.9 * 8) / 27 / evidence, 10)
    expect(recentChange(second, 1)).toBeCloseTo(0.1 + 0.045 / evidence, 10)
  })

  test('behavior: measurements by hand', () => {
    const options: ChangePointOptions = {
      model: { kind: 'normal', mean: 0, kappa: 1, alpha: 0.5, beta: 1 },
      hazard: 0.01,
    }
    // Student's t with one degree of freedom (Cauchy) and scale 2: at 0 its density is 1 / (2 pi).
    const first = addToChangePoint(newChangePoint(options), 0, options)
    expect(first.surprise).toBeCloseTo(Math.log(2 * Math.PI), 10)
    // kappa 1, value 4: mean 2, kappa 2, alpha 1, beta 1 + 16/4.
    expect(addToChangePoint(newChangePoint(options), 4, options).runs[1]).toEqual([2, 2, 1, 5])
  })

  test.each([1, 2, 3, 4, 5])(
    'behavior: a shift is found at once, and nothing before it (%i)',
    (seed) => {
      const options: ChangePointOptions = {
        model: { kind: 'normal', mean: 100, kappa: 0.1, alpha: 1, beta: 25 },
        hazard: 1 / 250,
        maxRun: 60,
      }
      let state = newChangePoint(options)
      for (const value of series(seed, 150)) {
        state = addToChangePoint(state, value, options)
        const sum = state.probabilities.reduce((total, one) => total + one, 0)
        expect(sum).toBeCloseTo(1, 9)
        expect(state.probabilities.length).toBeLessThanOrEqual(61)
      }
      expect(state.runs).toHaveLength(61)
      expect(likeliestRun(state)).toBe(60)
      expect(recentChange(state, 10)).toBeLessThan(0.5)
      for (const value of series(seed + 50, 6)) state = addToChangePoint(state, value + 60, options)
      expect(likeliestRun(state)).toBeLessThanOrEqual(6)
      expect(recentChange(state, 7)).toBeGreaterThan(0.95)
      // What a state says after storage is what it said before.
      const restored = fromJson(toJson(state)) as typeof state
      expect(addToChangePoint(restored, 1, options)).toEqual(addToChangePoint(state, 1, options))
    },
  )

  test('error: a value beyond all belief leaves numbers that can be stored', () => {
    for (const model of [
      { kind: 'poisson', shape: 1, rate: 1 },
      { kind: 'normal', mean: 0, kappa: 1, alpha: 1, beta: 1 },
    ] as const) {
      const options: ChangePointOptions = { model, hazard: 0.01, maxRun: 5 }
      let state = newChangePoint(options)
      for (const value of [1, 2, 1, 1e15, -1e15, 0, 3]) {
        state = addToChangePoint(state, value, options)
        expect(() => toJson(state)).not.toThrow()
      }
      expect(state.count).toBe(7)
    }
  })
})

describe('distinct', () => {
  const address = (n: number): string => `0x${n.toString(16).padStart(40, '0')}`

  test.each([0, 1, 10, 50, 500, 10_000, 50_000])('behavior: %i are counted within a tenth', (n) => {
    let sketch = EMPTY_DISTINCT
    for (let at = 0; at < n; at += 1_000)
      sketch = addToDistinct(
        sketch,
        Array.from({ length: Math.min(1_000, n - at) }, (_, more) => address(at + more)),
      )
    const counted = countDistinct(sketch)
    expect(Math.abs(counted - n)).toBeLessThanOrEqual(Math.ceil(n / 10))
    expect(sketch.length).toBe(n === 0 ? 0 : 1_024)
    expect(/^[ -~]*$/.test(sketch)).toBe(true)
  })

  test('behavior: repetition and order change nothing', () => {
    const all = Array.from({ length: 300 }, (_, at) => address(at * 7))
    const sketch = addToDistinct(EMPTY_DISTINCT, all)
    expect(addToDistinct(sketch, [...all].reverse())).toBe(sketch)
    expect(all.reduce((sum, one) => addToDistinct(sum, [one]), EMPTY_DISTINCT)).toBe(sketch)
  })
})

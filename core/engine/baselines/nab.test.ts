import { describe, expect, test } from 'vitest'
import { NAB_PROFILES, type NabProfile, type NabSeries, probationRows, scoreNab } from './nab.ts'
import { NAB_DETECTORS } from './nabDetectors.ts'

const [standard, lowFp, lowFn] = NAB_PROFILES as [NabProfile, NabProfile, NabProfile]
const hundred = (windows: NabSeries['windows'], alarms: readonly number[]) => ({
  series: {
    name: 'made.csv',
    timestampsS: Array.from({ length: 100 }, (_, row) => row * 300),
    values: Array.from({ length: 100 }, () => 1),
    windows,
  },
  scores: Array.from({ length: 100 }, (_, row) => (alarms.includes(row) ? 1 : 0)),
})
/** A window of ten rows, 40 to 49, in a hundred. */
const scored = (alarms: readonly number[], profile = standard) =>
  scoreNab([hundred([[40, 49]], alarms)], profile, 0.5)
/** 2 / (1 + e^5x) - 1, written out. */
const sigma = (x: number): number => 2 / (1 + Math.E ** (5 * x)) - 1

describe('by hand', () => {
  test('behavior: silence is 0, the first row of the window alone is 100', () => {
    for (const profile of NAB_PROFILES) {
      expect(scored([], profile)).toMatchObject({ score: 0, found: 0, falseAlarms: 0 })
      expect(scored([40], profile).score).toBeCloseTo(100, 10)
    }
    expect(scored([]).raw).toBe(-1)
    expect(scored([], lowFn).raw).toBe(-2)
  })

  test('behavior: half of a window later it is worth 0.85979 of a hit', () => {
    expect(sigma(-1)).toBeCloseTo(0.98661, 5)
    expect(sigma(-0.5)).toBeCloseTo(0.84828, 5)
    // (0.84828 / 0.98661 + 1) / 2
    expect(scored([45]).raw).toBeCloseTo(0.859791, 5)
    expect(scored([45]).score).toBeCloseTo(92.98958, 4)
    // (0.85979 + 2) / 3: a miss counts twice.
    expect(scored([45], lowFn).score).toBeCloseTo(95.32638, 4)
    // Only the earliest counts.
    expect(scored([45, 46, 49]).raw).toBe(scored([45]).raw)
  })

  test('behavior: false alarms cost by their distance behind the window', () => {
    // Before every window: -1. One width less a row behind it: sigma(1). Three and more: -1.
    expect(scored([20]).raw).toBeCloseTo(-1 - 0.11, 12)
    expect(scored([20], lowFp).raw).toBeCloseTo(-1 - 0.22, 12)
    expect(scored([58]).raw).toBeCloseTo(-1 + 0.11 * sigma(1), 12)
    expect(scored([50]).raw).toBeCloseTo(-1 + 0.11 * sigma(1 / 9), 12)
    expect(scored([76]).raw).toBeCloseTo(-1.11, 12)
    expect(scored([20, 76, 40])).toMatchObject({ falseAlarms: 2, found: 1 })
    expect(scored([20, 76, 40]).score).toBeCloseTo((100 * (1 - 0.22 + 1)) / 2, 10)
  })

  test('behavior: nothing counts on probation, which is 15 % of 5,000 rows at most', () => {
    expect(probationRows(100)).toBe(15)
    expect(probationRows(101)).toBe(15)
    expect(probationRows(100_000)).toBe(750)
    expect(scored([0, 14]).raw).toBe(-1)
    expect(scored([15]).raw).toBeCloseTo(-1.11, 12)
    // A window that begins on probation is found from the first row behind it on.
    const straddling = scoreNab([hundred([[10, 19]], [10, 15])], standard, 0.5)
    expect(straddling.raw).toBeCloseTo(sigma(-0.5) / sigma(-1), 10)
  })

  test('behavior: one threshold for all files, the best one', () => {
    const quiet = hundred([[40, 49]], [])
    const first = { ...quiet, scores: quiet.scores.map((_, row) => (row === 40 ? 0.9 : 0.1)) }
    const second = {
      ...quiet,
      scores: quiet.scores.map((_, row) => (row === 30 ? 0.7 : row === 40 ? 0.6 : 0.1)),
    }
    const best = scoreNab([first, second], standard)
    // Down to 0.6: two hits and one false alarm, 2 - 0.11 above -2 of 4.
    expect(best).toMatchObject({ threshold: 0.6, found: 2, falseAlarms: 1, windows: 2 })
    expect(best.score).toBeCloseTo((100 * (2 - 0.11 + 2)) / 4, 10)
    expect(scoreNab([first, second], standard, 0.8).score).toBeCloseTo(50, 10)
    expect(scoreNab([hundred([], [])], standard).score).toBe(0)
  })
})

describe('detectors', () => {
  /** Four weeks of hours with a daily wave; a step where the window is. */
  const wave = (step: number): NabSeries => {
    const timestampsS = Array.from({ length: 672 }, (_, row) => 1_790_000_000 + row * 3_600)
    return {
      name: 'wave.csv',
      timestampsS,
      values: timestampsS.map((at, row) => {
        const noise = (Math.imul(row + 1, 2_654_435_761) >>> 0) / 2 ** 32
        const daily = 20 * Math.sin((at / 86_400) * 2 * Math.PI)
        return 100 + daily + 4 * noise + (row >= 500 && row < 540 ? step : 0)
      }),
      windows: [[490, 550]],
    }
  }

  test.each(Object.entries(NAB_DETECTORS))(
    'behavior: %s finds a step, and reads no row ahead',
    (_, detect) => {
      const series = wave(150)
      const scores = detect(series)
      expect(scores).toHaveLength(672)
      expect(scores.every((score) => score >= 0 && score <= 1)).toBe(true)
      expect(scoreNab([{ series, scores }], standard)).toMatchObject({ found: 1 })
      expect(scoreNab([{ series, scores }], standard).score).toBeGreaterThan(50)
      // The last rows changed: nothing before them may change, probation being the same.
      const other = { ...series, values: series.values.map((v, row) => (row > 600 ? v + 500 : v)) }
      expect(detect(other).slice(0, 600)).toEqual(scores.slice(0, 600))
    },
  )
})

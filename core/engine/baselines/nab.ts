/** One file of a corpus: a value for each row, in the order of time, and the rows where something is known to be wrong. */
export type NabSeries = {
  readonly name: string
  readonly timestampsS: readonly number[]
  readonly values: readonly number[]
  /** First and last row of each labelled window, ascending. */
  readonly windows: readonly (readonly [number, number])[]
}

/** What right and wrong alarms are worth. */
export type NabProfile = {
  readonly name: string
  readonly hit: number
  readonly falseAlarm: number
  readonly miss: number
}

/** The three application profiles of the benchmark's configuration (config/profiles.json). */
export const NAB_PROFILES: readonly NabProfile[] = [
  { name: 'standard', hit: 1, falseAlarm: 0.11, miss: 1 },
  { name: 'reward_low_FP', hit: 1, falseAlarm: 0.22, miss: 1 },
  { name: 'reward_low_FN', hit: 1, falseAlarm: 0.11, miss: 2 },
]

export type NabScore = {
  readonly profile: string
  /** 0 is a detector that says nothing, 100 one that is right at the first row of every window and nowhere else. */
  readonly score: number
  /** Sum of all weights at the threshold. */
  readonly raw: number
  readonly threshold: number
  readonly windows: number
  readonly found: number
  /** Rows outside of every window at or above the threshold. */
  readonly falseAlarms: number
}

const PROBATION = 0.15
const PROBATION_ROWS = 5_000
/** Above every score: nothing is an alarm. */
const NOTHING = 1.1

/** From +1 well before the end of a window over 0 at its end to -1 three widths behind it. */
const weigh = (position: number): number =>
  position >= 3 ? -1 : 2 / (1 + Math.exp(5 * position)) - 1

const EARLIEST = weigh(-1)

/** Rows at the beginning of a file that no score counts: 15 %, of 5,000 rows at most. */
export const probationRows = (rows: number): number =>
  Math.min(Math.floor(PROBATION * rows), PROBATION * PROBATION_ROWS)

type Point = { readonly score: number; readonly weight: number; readonly window: number }

const widthOf = ([first, last]: readonly [number, number]): number => last - first + 1

const weighHit = (row: number, window: readonly [number, number]): number =>
  weigh(-(window[1] - row + 1) / widthOf(window)) / EARLIEST

/** By how many widths of the last window a row lies behind it. */
const weighFalse = (row: number, before: readonly [number, number] | undefined): number =>
  weigh(before ? (row - before[1]) / Math.max(1, widthOf(before) - 1) : 3)

/** Every row that counts, with what an alarm there is worth before the profile's weights. */
const weighRows = (
  { timestampsS, windows }: NabSeries,
  scores: readonly number[],
  firstWindow: number,
): readonly Point[] => {
  const probation = probationRows(timestampsS.length)
  let next = 0
  return scores.flatMap((score, row) => {
    let window = windows[next]
    if (window && row > window[1]) window = windows[++next]
    const isInside = window !== undefined && row >= window[0]
    if (row < probation) return []
    return window && isInside
      ? [{ score, weight: weighHit(row, window), window: firstWindow + next }]
      : [{ score, weight: weighFalse(row, windows[next - 1]), window: -1 }]
  })
}

type Tally = Pick<NabScore, 'raw' | 'threshold' | 'found' | 'falseAlarms'>

/** What the alarms so far are worth; `add` counts one more. */
const createTally = (sorted: readonly Point[], profile: NabProfile) => {
  const parts = new Map<number, number>()
  for (const { window } of sorted) if (window >= 0) parts.set(window, -profile.miss)
  const nothing = -profile.miss * parts.size
  let raw = nothing
  let found = 0
  let falseAlarms = 0
  return {
    nothing,
    add: ({ weight, window }: Point): void => {
      if (window < 0) {
        raw += weight * profile.falseAlarm
        falseAlarms++
        return
      }
      const known = parts.get(window) ?? -profile.miss
      const part = Math.max(known, weight * profile.hit)
      if (known === -profile.miss && part > known) found++
      parts.set(window, part)
      raw += part - known
    },
    at: (threshold: number): Tally => ({ raw, threshold, found, falseAlarms }),
  }
}

/** Goes through all thresholds from the highest down, one look at each row. */
const sweep = (
  sorted: readonly Point[],
  profile: NabProfile,
  fixed: number | undefined,
): { readonly best: Tally; readonly nothing: number } => {
  const tally = createTally(sorted, profile)
  const { nothing } = tally
  if (fixed !== undefined) {
    for (const point of sorted) if (point.score >= fixed) tally.add(point)
    return { best: tally.at(fixed), nothing }
  }
  let best = tally.at(NOTHING)
  for (const [at, point] of sorted.entries()) {
    tally.add(point)
    if (sorted[at + 1]?.score === point.score) continue
    const now = tally.at(point.score)
    if (now.raw > best.raw) best = now
  }
  return { best, nothing }
}

/**
 * Scores anomaly scores (0 to 1, one for each row) over a whole corpus as the Numenta Anomaly Benchmark does: the first
 * 15 % of a file are on probation; within a window only the earliest alarm counts, by a sigmoid of its place; outside
 * every alarm costs, the more the further behind the last window; the sum is put between a detector that says nothing
 * (0) and a perfect one (100). One threshold for all files: the best one for the profile, as the benchmark's optimiser
 * chooses it, or a given one.
 * Source: A. Lavin, S. Ahmad, "Evaluating real-time anomaly detection algorithms - the Numenta Anomaly Benchmark",
 * ICMLA (2015), arXiv:1510.03336, sections II.C and II.D; weights from the corpus's own configuration, version 1.1.
 */
export const scoreNab = (
  corpus: readonly { readonly series: NabSeries; readonly scores: readonly number[] }[],
  profile: NabProfile,
  threshold?: number,
): NabScore => {
  const points: Point[] = []
  let windows = 0
  for (const { series, scores } of corpus) {
    for (const point of weighRows(series, scores, windows)) points.push(point)
    windows += series.windows.length
  }
  points.sort((a, b) => b.score - a.score)
  const { best, nothing } = sweep(points, profile, threshold)
  const perfect = profile.hit * windows
  return {
    profile: profile.name,
    score: windows === 0 ? 0 : (100 * (best.raw - nothing)) / (perfect - nothing),
    ...best,
    windows,
  }
}

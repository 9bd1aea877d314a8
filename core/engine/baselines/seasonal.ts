import { type RobustSpread, spreadOf } from './robust.ts'

const HOUR_S = 3_600
const HOURS = 168
/** 1970-01-01 was a Thursday: three days after a Monday. */
const OFFSET = 72

/** Values by hour of the week, the newest last. Bounded: 168 times `perHour` numbers. */
export type SeasonalState = { readonly hours: readonly (readonly number[])[] }

export const EMPTY_SEASONAL: SeasonalState = { hours: [] }

/** 0 is Monday 00:00 to 01:00 UTC, 167 the last hour of Sunday. */
export const hourOfWeek = (timestampS: number): number =>
  (((Math.floor(timestampS / HOUR_S) + OFFSET) % HOURS) + HOURS) % HOURS

/** The state with one more value at the hour of `timestampS`; of each hour of the week the newest `perHour` are kept. */
export const addToSeasonal = (
  state: SeasonalState,
  timestampS: number,
  value: number,
  perHour = 8,
): SeasonalState => {
  const at = hourOfWeek(timestampS)
  const hours = Array.from({ length: HOURS }, (_, hour) => {
    const kept = state.hours[hour] ?? []
    return hour === at ? [...kept, value].slice(-perHour) : kept
  })
  return { hours }
}

/**
 * What is usual at this hour of the week: median and MAD over the same hour of earlier weeks, pooled with `around` hours
 * to either side. Undefined while nothing is known of them.
 * Source: seasonal medians as in the robust decomposition of R. B. Cleveland et al., "STL: a seasonal-trend
 * decomposition procedure based on Loess", Journal of Official Statistics 6 (1990), 3-73, with the week as the season
 * and the median in the place of Loess; median and MAD instead of mean and deviation after O. Vallis, J. Hochenbaum,
 * A. Kejariwal, "A novel technique for long-term anomaly detection in the cloud", HotCloud (2014).
 */
export const seasonalSpread = (
  state: SeasonalState,
  timestampS: number,
  around = 1,
): RobustSpread | undefined => {
  const at = hourOfWeek(timestampS)
  const pooled: number[] = []
  for (let step = -around; step <= around; step++)
    pooled.push(...(state.hours[(at + step + HOURS) % HOURS] ?? []))
  return spreadOf(pooled)
}

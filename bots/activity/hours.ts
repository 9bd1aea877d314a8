import {
  addToDistinct,
  addToSeasonal,
  countDistinct,
  type DistinctSketch,
  EMPTY_DISTINCT,
  EMPTY_SEASONAL,
  MAD_TO_SIGMA,
  medianOf,
  robustZ,
  type SeasonalState,
  seasonalSpread,
} from 'tocsin'
import type { ActivityContext, ActivityThing, Touched } from './types.ts'

export const HOUR_S = 3_600
/** Hours over which the level follows growth and decline. */
const LEVEL_HOURS = 24
/** Fewer say nothing of a level. */
const LEVEL_MIN = 6
/** Spread that is believed in at least, as a share of the usual: days differ. */
const MIN_SPREAD = 0.15
/** A drop is over when this much of the usual is back; a surge when it is below this part of its factor. */
const BACK_SHARE = 0.7

type OpenHour = {
  readonly hour: number
  /** The bot began within it. */
  readonly isPartial: boolean
  readonly transactions: number
  readonly users: DistinctSketch
}

type Usual = {
  readonly seasonal: SeasonalState
  /** Counts as parts of what was usual, of the newest hours. */
  readonly levels: readonly number[]
  readonly sinceS: number
}

/** One count of one hour against what is usual at that hour. */
export type Measure = {
  readonly name: 'users' | 'transactions'
  readonly value: number
  readonly usual: number
  readonly z: number
  readonly samples: number
  readonly standing: 'drop' | 'surge' | 'low' | 'high' | 'well'
}

/** A whole hour that has just ended. */
export type ClosedHour = { readonly startS: number; readonly measures: readonly Measure[] }

const stand = (
  value: number,
  usual: number,
  z: number,
  { zLimit, dropBps, surgeFactor }: ActivityThing['parameters'],
): Measure['standing'] => {
  if (z <= -zLimit && value * 10_000 <= usual * (10_000 - dropBps)) return 'drop'
  if (z >= zLimit && value >= usual * surgeFactor) return 'surge'
  if (value < usual * BACK_SHARE) return 'low'
  return value > usual * surgeFactor * BACK_SHARE ? 'high' : 'well'
}

const judge = (
  name: Measure['name'],
  value: number,
  usual: Usual,
  startS: number,
  { parameters }: ActivityThing,
): Measure | undefined => {
  const spread = seasonalSpread(usual.seasonal, startS)
  const minimum = name === 'users' ? parameters.minUsers : parameters.minTransactions
  if (!spread || spread.count < parameters.minSamples) return undefined
  if (startS - usual.sinceS < parameters.warmupDays * 24 * HOUR_S) return undefined
  const known = usual.levels.length >= LEVEL_MIN ? (medianOf(usual.levels) ?? 1) : 1
  const level = Math.max(0.2, Math.min(5, known))
  const expected = spread.median * level
  if (expected < minimum) return undefined
  const floor = Math.max(Math.sqrt(expected), MIN_SPREAD * expected)
  const sigma = Math.max(spread.mad * MAD_TO_SIGMA * level, floor)
  const z = robustZ(value, { count: spread.count, median: expected, mad: 0 }, sigma)
  return {
    name,
    value,
    usual: expected,
    z,
    samples: spread.count,
    standing: stand(value, expected, z, parameters),
  }
}

const close = (ctx: ActivityContext, thing: ActivityThing, open: OpenHour): ClosedHour => {
  const startS = open.hour * HOUR_S
  const values = { users: countDistinct(open.users), transactions: open.transactions }
  const measures: Measure[] = []
  for (const name of ['users', 'transactions'] as const) {
    const key = `usual:${name}:${thing.name}`
    const value = values[name]
    const usual = ctx.state.get<Usual>(key) ?? {
      seasonal: EMPTY_SEASONAL,
      levels: [],
      sinceS: startS,
    }
    const measure = judge(name, value, usual, startS, thing)
    if (measure) measures.push(measure)
    const median = seasonalSpread(usual.seasonal, startS)?.median ?? 0
    ctx.state.set(key, {
      seasonal: addToSeasonal(usual.seasonal, startS, value),
      levels: median > 0 ? [...usual.levels, value / median].slice(-LEVEL_HOURS) : usual.levels,
      sinceS: usual.sinceS,
    })
  }
  return { startS, measures }
}

/**
 * Counts what a block adds; returns the hour that it ends, if any. An hour of which no block was seen is unknown, not
 * empty, and so is the one in which the bot began.
 */
export const countHour = (
  ctx: ActivityContext,
  thing: ActivityThing,
  touched: Touched | undefined,
): ClosedHour | undefined => {
  const key = `hour:${thing.name}`
  const hour = Math.floor(ctx.block.timestampS / HOUR_S)
  const known = ctx.state.get<OpenHour>(key)
  const ended = known && known.hour < hour ? known : undefined
  const open: OpenHour =
    known && !ended
      ? known
      : { hour, isPartial: known === undefined, transactions: 0, users: EMPTY_DISTINCT }
  if (touched || open !== known)
    ctx.state.set(key, {
      ...open,
      transactions: open.transactions + (touched?.transactions ?? 0),
      users: addToDistinct(open.users, touched?.users ?? []),
    })
  return ended && !ended.isPartial ? close(ctx, thing, ended) : undefined
}

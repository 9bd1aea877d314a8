import { MAD_TO_SIGMA, medianOf, robustZ, spreadOf } from 'tocsin'
import type { GasThing } from './types.ts'

export const DAY_S = 86_400
/** Newest calls that a shift is seen in. */
export const RECENT = 20
/** Values of one day that its median is taken from. */
const SAMPLE = 32
/** Days that are looked back on. */
const DAYS = 28
/** Spread that is believed in at least, as a share of the median. */
const MIN_SPREAD = 0.05
/** A shift is over when half of what makes one is gone. */
const BACK = 0.5

/** One day of one function: its number since 1970, calls, median, MAD, most. */
type Day = readonly [day: number, calls: number, median: number, mad: number, most: number]

/** What is known of one function. Bounded: 28 days of 5 numbers, 32 and 20 values, 20 short hashes; about 1.5 kB. */
export type Meter = {
  readonly day: number
  readonly calls: number
  readonly most: number
  /** Every `stride`-th value of the current day. */
  readonly sample: readonly number[]
  readonly stride: number
  readonly days: readonly Day[]
  /** Gas and sender of the newest calls. */
  readonly recent: readonly (readonly [gas: number, sender: string])[]
  readonly lastS: number
}

export const newMeter = (nowS: number): Meter => ({
  day: Math.floor(nowS / DAY_S),
  calls: 0,
  most: 0,
  sample: [],
  stride: 1,
  days: [],
  recent: [],
  lastS: nowS,
})

const closeDay = (meter: Meter, day: number): Meter => {
  const spread = spreadOf(meter.sample)
  const closed: readonly Day[] = spread
    ? [[meter.day, meter.calls, spread.median, spread.mad, meter.most]]
    : []
  return {
    ...meter,
    day,
    calls: 0,
    most: 0,
    sample: [],
    stride: 1,
    days: [...meter.days, ...closed].filter(([one]) => one >= day - DAYS).slice(-DAYS),
  }
}

/** The meter at this time: a day that is over is closed. */
export const turnMeter = (meter: Meter, nowS: number): Meter => {
  const day = Math.floor(nowS / DAY_S)
  return day > meter.day ? closeDay(meter, day) : meter
}

/** The meter after more calls, in their order: gas and sender of each. */
export const addGas = (
  meter: Meter,
  calls: readonly (readonly [gas: number, sender: string])[],
  nowS: number,
): Meter => {
  let { stride, most } = meter
  let sample = [...meter.sample]
  for (const [at, [gas]] of calls.entries()) {
    most = Math.max(most, gas)
    if ((meter.calls + at) % stride === 0) sample.push(gas)
    if (sample.length <= SAMPLE) continue
    // Thinned evenly, so that the whole day stays represented.
    sample = sample.filter((_, place) => place % 2 === 0)
    stride *= 2
  }
  return {
    ...meter,
    calls: meter.calls + calls.length,
    most,
    sample,
    stride,
    recent: [...meter.recent, ...calls].slice(-RECENT),
    lastS: nowS,
  }
}

/** What a function uses in ordinary times; undefined while too little is known. */
export type UsualGas = {
  readonly median: number
  /** Standard deviation, robustly estimated. */
  readonly sigma: number
  readonly highestDay: number
  readonly most: number
  readonly days: number
  readonly calls: number
}

export const usualGas = (meter: Meter, { parameters }: GasThing): UsualGas | undefined => {
  const calls = meter.days.reduce((sum, [, count]) => sum + count, 0)
  if (meter.days.length < parameters.warmupDays || calls < parameters.minCalls) return undefined
  const medians = meter.days.map(([, , median]) => median)
  const spread = spreadOf(medians)
  if (!spread) return undefined
  const within = medianOf(meter.days.map(([, , , mad]) => mad)) ?? 0
  return {
    median: spread.median,
    sigma: Math.max(Math.max(spread.mad, within) * MAD_TO_SIGMA, MIN_SPREAD * spread.median),
    highestDay: Math.max(...medians),
    most: Math.max(meter.most, ...meter.days.map(([, , , , most]) => most)),
    days: meter.days.length,
    calls,
  }
}

export type Shift = {
  readonly median: number
  readonly z: number
  readonly senders: number
  readonly standing: 'holds' | 'near' | 'well'
}

/** How the newest calls stand to what is usual. */
export const judgeShift = (meter: Meter, usual: UsualGas, { parameters }: GasThing): Shift => {
  const values = meter.recent.map(([gas]) => gas)
  const median = medianOf(values) ?? 0
  const z = robustZ(median, { count: usual.days, median: usual.median, mad: 0 }, usual.sigma)
  const { shiftBps, zLimit, minSenders } = parameters
  const limit = (usual.highestDay * (10_000 + shiftBps)) / 10_000
  const back = (usual.highestDay * (10_000 + shiftBps * BACK)) / 10_000
  const senders = new Set(meter.recent.flatMap(([gas, sender]) => (gas >= limit ? [sender] : [])))
  const holds =
    values.length === RECENT && median >= limit && z >= zLimit && senders.size >= minSenders
  return {
    median,
    z,
    senders: senders.size,
    standing: holds ? 'holds' : median >= back ? 'near' : 'well',
  }
}

/** Whether one call uses so much that nothing ordinary explains it. */
export const isSpike = (gas: number, usual: UsualGas, { parameters }: GasThing): boolean =>
  gas >= parameters.minSpikeGas &&
  gas >= usual.most * parameters.spikeFactor &&
  robustZ(gas, { count: usual.days, median: usual.median, mad: 0 }, usual.sigma) >=
    parameters.zLimit

import type { Address } from 'tocsin'

/** The largest outflow of one day, and how many there were, counted up to `MAX_COUNT`. */
type Day = { readonly day: number; readonly max: bigint; readonly count: number }

/** What is known of the outflows of one token of one thing. At most `historyDays` days and 32 receivers: some 4 KiB. */
export type History = {
  readonly days: readonly Day[]
  /** Who got outflows of at least a quarter of the largest, the latest last. */
  readonly receivers: readonly Address[]
}

export const EMPTY_HISTORY: History = { days: [], receivers: [] }

/** More in a day than this is not counted: busy things are written less often. */
const MAX_COUNT = 250
const MAX_RECEIVERS = 32
const DAY_S = 86_400

const dayOf = (timestampS: number): number => Math.floor(timestampS / DAY_S)

export type Summary = { readonly max: bigint; readonly count: number; readonly days: number }

/** The days that still count, as one. */
export const summarise = (history: History, nowS: number, historyDays: number): Summary => {
  const first = dayOf(nowS) - historyDays
  let max = 0n
  let count = 0
  let days = 0
  for (const one of history.days) {
    if (one.day <= first) continue
    if (one.max > max) max = one.max
    count += one.count
    days++
  }
  return { max, count, days }
}

/** The history with one more outflow; the very same where it says nothing new. */
export const addOutflow = (
  history: History,
  units: bigint,
  to: Address | undefined,
  nowS: number,
  historyDays: number,
): History => {
  const today = dayOf(nowS)
  const last = history.days.at(-1)
  const { max } = summarise(history, nowS, historyDays)
  const isLarge = units * 4n >= max && to !== undefined && !history.receivers.includes(to)
  const isSame = last?.day === today && last.count >= MAX_COUNT && units <= last.max
  if (isSame && !isLarge) return history
  const known = last?.day === today ? last : { day: today, max: 0n, count: 0 }
  const day: Day = {
    day: today,
    max: units > known.max ? units : known.max,
    count: Math.min(MAX_COUNT, known.count + 1),
  }
  return {
    days: [
      ...history.days.filter((one) => one.day > today - historyDays && one.day !== today),
      day,
    ],
    receivers: isLarge ? [...history.receivers, to].slice(-MAX_RECEIVERS) : history.receivers,
  }
}

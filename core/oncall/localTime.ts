import { DateTime } from 'luxon'

export const WEEKDAYS = [
  'monday',
  'tuesday',
  'wednesday',
  'thursday',
  'friday',
  'saturday',
  'sunday',
] as const
type Weekday = (typeof WEEKDAYS)[number]

export const inZone = (at: Date, zone: string): DateTime => DateTime.fromJSDate(at, { zone })

export const weekdayOf = (local: DateTime): Weekday => WEEKDAYS[local.weekday - 1] ?? 'monday'

/**
 * A clock time on the local day of `local`. Where the clocks skip it, as much later as they skip; where it comes
 * twice, the first of the two.
 */
export const atClock = (local: DateTime, time: string): DateTime => {
  const [hour = 0, minute = 0] = time.split(':').map(Number)
  const { year, month, day } = local
  const found = DateTime.fromObject(
    { year, month, day, hour, minute },
    { zone: local.zoneName ?? 'UTC' },
  )
  return found.getPossibleOffsets()[0] ?? found
}

/** From one clock time to another; an end that is not later lies on the next day. */
export const windowOn = (
  day: DateTime,
  [from, to]: readonly [string, string],
): { readonly start: DateTime; readonly end: DateTime } => ({
  start: atClock(day, from),
  end: atClock(to > from ? day : day.plus({ days: 1 }), to),
})

import type { DateTime } from 'luxon'
import { inZone, weekdayOf, windowOn } from './localTime.ts'
import type { Hours } from './types.ts'

/** Longest run of days off that is looked through. */
const MAX_DAYS = 400

const isWorkday = (hours: Hours, day: DateTime): boolean =>
  hours.days.includes(weekdayOf(day)) && !hours.holidays.includes(day.toISODate() ?? '')

/** Whether a moment lies in business hours. A window that passes midnight belongs to the day it begins on. */
export const isBusinessTime = (hours: Hours, at: Date): boolean => {
  const local = inZone(at, hours.zone)
  return [local, local.minus({ days: 1 })].some((day) => {
    if (!isWorkday(hours, day)) return false
    const { start, end } = windowOn(day, hours.between)
    return start <= local && local < end
  })
}

/** When business hours are next: now while they last, else their next beginning; undefined when there are none. */
export const nextBusinessTime = (hours: Hours, at: Date): Date | undefined => {
  if (isBusinessTime(hours, at)) return at
  const local = inZone(at, hours.zone)
  for (let ahead = 0; ahead <= MAX_DAYS; ahead++) {
    const day = local.startOf('day').plus({ days: ahead })
    const { start } = windowOn(day, hours.between)
    if (isWorkday(hours, day) && start > local) return start.toJSDate()
  }
  return undefined
}

import { DateTime } from 'luxon'
import { matchesSilence, type Silenceable } from '../silence/silenceMatchers.ts'
import type { Maintenance } from './incidentSettings.ts'

const DAYS = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const

/**
 * Until when a window stands that stands now; undefined when it does not. By the clock of its zone: a window that a
 * daylight-saving change falls into is an hour longer or shorter.
 */
export const maintenanceUntil = (window: Maintenance, now: Date): Date | undefined => {
  const { weekly } = window
  if (!weekly) {
    const [from, to] = [Date.parse(window.from ?? ''), Date.parse(window.to ?? '')]
    return from <= now.getTime() && now.getTime() < to ? new Date(to) : undefined
  }
  const clock = (day: DateTime, text: string): DateTime => {
    const [hour = 0, minute = 0] = text.split(':').map(Number)
    return day.set({ hour, minute, second: 0, millisecond: 0 })
  }
  const local = DateTime.fromJSDate(now, { zone: weekly.zone })
  for (const back of [0, 1]) {
    const day = local.minus({ days: back }).startOf('day')
    const name = DAYS[day.weekday - 1]
    if (name === undefined || !weekly.days.includes(name)) continue
    const from = clock(day, weekly.from)
    const isOvernight = weekly.to <= weekly.from
    const to = clock(isOvernight ? day.plus({ days: 1 }) : day, weekly.to)
    if (from <= local && local < to) return to.toJSDate()
  }
  return undefined
}

/** The window that covers an alert now. It never covers a SEV1. */
export const maintenanceOf = (
  windows: readonly Maintenance[],
  alert: Silenceable,
  now: Date,
): { readonly window: Maintenance; readonly until: Date } | undefined => {
  for (const window of windows) {
    if (!matchesSilence(window.match, alert)) continue
    const until = maintenanceUntil(window, now)
    if (until) return { window, until }
  }
  return undefined
}

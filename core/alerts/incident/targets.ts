import { DateTime } from 'luxon'
import type { Sev } from '../../base/index.ts'
import type { IncidentRow } from '../types.ts'
import type { IncidentSettings } from './incidentSettings.ts'

export type BusinessHours = IncidentSettings['businessHours']

const DAYS = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const

const isBusinessDay = (day: DateTime, hours: BusinessHours): boolean => {
  const name = DAYS[day.weekday - 1]
  return (
    name !== undefined &&
    hours.days.includes(name) &&
    !hours.holidays.includes(day.toFormat('yyyy-MM-dd'))
  )
}

const atClock = (day: DateTime, clock: string): DateTime => {
  const [hour = 0, minute = 0] = clock.split(':').map(Number)
  return day.set({ hour, minute, second: 0, millisecond: 0 })
}

/** End of the first business day that begins after `from`, by the clock of the zone, whatever daylight saving does. */
export const endOfNextBusinessDay = (from: Date, hours: BusinessHours): Date => {
  const start = DateTime.fromJSDate(from, { zone: hours.zone })
  // Were every day a holiday, it would still end.
  for (let ahead = 1; ahead <= 800; ahead++) {
    const day = start.plus({ days: ahead }).startOf('day')
    if (isBusinessDay(day, hours)) return atClock(day, hours.to).toJSDate()
  }
  return start.plus({ days: 1 }).toJSDate()
}

/** Whether an instant lies within business hours. */
export const isBusinessTime = (now: Date, hours: BusinessHours): boolean => {
  const local = DateTime.fromJSDate(now, { zone: hours.zone })
  return (
    isBusinessDay(local, hours) &&
    local >= atClock(local, hours.from) &&
    local < atClock(local, hours.to)
  )
}

/** When business hours are next: now while they last, else their next beginning, by the clock of their zone. */
export const nextBusinessTime = (now: Date, hours: BusinessHours): Date => {
  if (isBusinessTime(now, hours)) return now
  const local = DateTime.fromJSDate(now, { zone: hours.zone })
  for (let ahead = 0; ahead <= 800; ahead++) {
    const day = local.startOf('day').plus({ days: ahead })
    const start = atClock(day, hours.from)
    if (isBusinessDay(day, hours) && start > local) return start.toJSDate()
  }
  // Were every day a holiday, nothing would ever be told.
  return now
}

/** By when an incident of this severity should be acknowledged and, where there is such a target, mitigated. */
export const targetsOf = (
  severity: Sev,
  openedAt: Date,
  settings: IncidentSettings,
): { readonly acknowledgeDueAt: Date; readonly mitigateDueAt: Date | null } => {
  const after = (s: number): Date => new Date(openedAt.getTime() + s * 1_000)
  return {
    acknowledgeDueAt:
      severity === 'SEV4'
        ? endOfNextBusinessDay(openedAt, settings.businessHours)
        : after(settings.acknowledgeWithinS[severity]),
    mitigateDueAt: severity === 'SEV1' ? after(settings.mitigateWithinS) : null,
  }
}

export type TargetFigure = {
  /** From the opening (s); null while it is to come, or when the incident ended by itself first. */
  readonly tookS: number | null
  readonly dueAt: string | null
  /** `late`: it came or is to come after `dueAt`. `none`: there is no target, or the incident ended by itself. */
  readonly verdict: 'met' | 'late' | 'pending' | 'none'
}

const figure = (
  openedAt: Date,
  doneAt: Date | null,
  dueAt: Date | null,
  endedAt: Date | null,
  now: Date,
): TargetFigure => {
  const tookS = doneAt ? Math.max(0, (doneAt.getTime() - openedAt.getTime()) / 1_000) : null
  const due = dueAt?.toISOString() ?? null
  if (!dueAt) return { tookS, dueAt: due, verdict: 'none' }
  if (doneAt) return { tookS, dueAt: due, verdict: doneAt <= dueAt ? 'met' : 'late' }
  if (endedAt) return { tookS, dueAt: due, verdict: endedAt <= dueAt ? 'none' : 'late' }
  return { tookS, dueAt: due, verdict: now <= dueAt ? 'pending' : 'late' }
}

type Times = Pick<
  IncidentRow,
  | 'openedAt'
  | 'closedAt'
  | 'firstAcknowledgedAt'
  | 'mitigatedAt'
  | 'acknowledgeDueAt'
  | 'mitigateDueAt'
>

/** How fast people were against the targets of the incident's severity; the end counts as mitigation too. */
export const measureTargets = (
  row: Times,
  now: Date,
): { readonly acknowledged: TargetFigure; readonly mitigated: TargetFigure } => ({
  acknowledged: figure(
    row.openedAt,
    row.firstAcknowledgedAt,
    row.acknowledgeDueAt,
    row.closedAt,
    now,
  ),
  mitigated: figure(
    row.openedAt,
    row.mitigatedAt ?? row.closedAt,
    row.mitigateDueAt,
    row.closedAt,
    now,
  ),
})

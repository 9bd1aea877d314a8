import { expect, test } from 'vitest'
import { incidentsSchema } from '../../config/incidentsSchema.ts'
import { noteTransition } from './flapping.ts'
import { maintenanceUntil } from './maintenance.ts'
import { endOfNextBusinessDay, targetsOf } from './targets.ts'

const settings = incidentsSchema.parse({
  businessHours: { zone: 'Europe/Berlin', holidays: ['2026-03-30'] },
  maintenance: [
    {
      reason: 'restart',
      match: { thing: ['a'] },
      weekly: { days: ['sat'], from: '23:00', to: '04:00', zone: 'Europe/Berlin' },
    },
  ],
})

test('behavior: the next business day ends by the clock of its zone, over weekends, holidays and daylight saving', () => {
  const end = (from: string): string =>
    endOfNextBusinessDay(new Date(from), settings.businessHours).toISOString()
  // The clocks change in the night to Sunday 2026-03-29; Monday is a holiday.
  expect(end('2026-03-26T10:00:00Z')).toBe('2026-03-27T16:00:00.000Z')
  expect(end('2026-03-27T10:00:00Z')).toBe('2026-03-31T15:00:00.000Z')
  // And back in the night to Sunday 2026-10-25.
  expect(end('2026-10-22T10:00:00Z')).toBe('2026-10-23T15:00:00.000Z')
  expect(end('2026-10-23T10:00:00Z')).toBe('2026-10-26T16:00:00.000Z')
  // Five minutes before midnight in Berlin is still today there.
  expect(end('2026-06-02T21:55:00Z')).toBe('2026-06-03T15:00:00.000Z')
})

test('behavior: targets follow the severity', () => {
  const opened = new Date('2026-11-21T23:00:00Z')
  const dueS = (severity: 'SEV1' | 'SEV2' | 'SEV3'): number =>
    (targetsOf(severity, opened, settings).acknowledgeDueAt.getTime() - opened.getTime()) / 1_000
  expect([dueS('SEV1'), dueS('SEV2'), dueS('SEV3')]).toEqual([300, 900, 14_400])
  expect(targetsOf('SEV2', opened, settings).mitigateDueAt).toBeNull()
})

test('behavior: a weekly window over midnight is an hour shorter in the night of the change', () => {
  const [window] = settings.maintenance
  if (!window) throw new Error('no window')
  const until = (now: string): string | undefined =>
    maintenanceUntil(window, new Date(now))?.toISOString()
  expect(until('2026-03-28T21:59:59Z')).toBeUndefined()
  expect(until('2026-03-28T22:00:00Z')).toBe('2026-03-29T02:00:00.000Z')
  expect(until('2026-03-29T01:59:59Z')).toBe('2026-03-29T02:00:00.000Z')
  expect(until('2026-03-29T02:00:00Z')).toBeUndefined()
})

test('behavior: the fifth change within half an hour is flapping, the fourth is not', () => {
  let state = { transitions: [] as readonly number[], since: null as Date | null, began: false }
  for (let minute = 0; minute < 4; minute++)
    state = noteTransition(state, new Date(minute * 60_000), settings.flapping)
  expect(state.began).toBe(false)
  const late = noteTransition(state, new Date(31 * 60_000), settings.flapping)
  expect(late.began).toBe(false)
  const fifth = noteTransition(state, new Date(4 * 60_000), settings.flapping)
  expect(fifth).toMatchObject({ began: true })
  expect(noteTransition(fifth, new Date(5 * 60_000), settings.flapping).began).toBe(false)
})

import { DateTime } from 'luxon'
import { atClock, inZone, WEEKDAYS, weekdayOf, windowOn } from './localTime.ts'
import type { Layer, Rotation } from './types.ts'

type Shift = {
  readonly person: string
  readonly since: Date
  readonly until: Date
  /** Those after this person, in their order; the person is not among them. */
  readonly next: readonly string[]
}

/** The local day of the hand-over that begins shift 0. */
const firstDay = (layer: Layer): DateTime => {
  const from = DateTime.fromISO(layer.from, { zone: layer.zone })
  const ahead = (WEEKDAYS.indexOf(layer.handOver.day) + 1 - from.weekday + 7) % 7
  return from.plus({ days: ahead })
}

const startOf = (layer: Layer, first: DateTime, index: number): DateTime =>
  atClock(first.plus({ days: index * 7 * layer.everyWeeks }), layer.handOver.time)

const mod = (value: number, by: number): number => ((value % by) + by) % by

/**
 * The weekly shift of a layer at a moment. Counted in local days, so that a shift ends at its clock time in summer
 * and winter; a moment of hand-over belongs to the person who comes.
 */
export const shiftAt = (layer: Layer, at: Date): Shift => {
  const local = inZone(at, layer.zone)
  const first = firstDay(layer)
  const days = Math.round(local.startOf('day').diff(first.startOf('day'), 'days').days)
  let index = Math.floor(days / (7 * layer.everyWeeks))
  if (startOf(layer, first, index) > local) index -= 1
  const { people } = layer
  const place = mod(index, people.length)
  const rest = [...people.slice(place + 1), ...people.slice(0, place)]
  const person = people[place] ?? ''
  return {
    person,
    since: startOf(layer, first, index).toJSDate(),
    until: startOf(layer, first, index + 1).toJSDate(),
    next: [...new Set(rest)].filter((other) => other !== person),
  }
}

type Window = { readonly start: Date; readonly end: Date }

/** The times at which a layer counts, from the day before `from` to the day after `to`. */
const windowsOf = (layer: Layer, from: Date, to: Date): readonly Window[] => {
  const { only } = layer
  if (!only) return [{ start: new Date(0), end: new Date(8.64e15) }]
  const windows: Window[] = []
  const last = inZone(to, layer.zone).plus({ days: 1 })
  for (
    let day = inZone(from, layer.zone).startOf('day').minus({ days: 1 });
    day <= last;
    day = day.plus({ days: 1 })
  ) {
    if (only.days && !only.days.includes(weekdayOf(day))) continue
    const { start, end } = windowOn(day, only.between ?? ['00:00', '00:00'])
    windows.push({ start: start.toJSDate(), end: end.toJSDate() })
  }
  return windows
}

/** The layers of a rotation, the one that counts most last. */
export const layersOf = (rotation: Rotation): readonly Layer[] =>
  'layers' in rotation ? rotation.layers : [rotation]

/** The shift that counts at a moment, cut to the window of its layer; undefined where no layer counts. */
export const rotationAt = (rotation: Rotation, at: Date): Shift | undefined => {
  for (const layer of [...layersOf(rotation)].reverse()) {
    const window = windowsOf(layer, at, at).find(({ start, end }) => start <= at && at < end)
    if (!window) continue
    const shift = shiftAt(layer, at)
    return {
      ...shift,
      since: new Date(Math.max(+window.start, +shift.since)),
      until: new Date(Math.min(+window.end, +shift.until)),
    }
  }
  return undefined
}

/** Every moment between two at which a rotation may name somebody else, in order. */
export const turnsOf = (rotation: Rotation, from: Date, to: Date): readonly Date[] => {
  const turns = layersOf(rotation).flatMap((layer) => {
    const own = windowsOf(layer, from, to).flatMap(({ start, end }) => [start, end])
    for (let { until } = shiftAt(layer, from); until < to; ) {
      own.push(until)
      until = shiftAt(layer, until).until
    }
    return own
  })
  const inside = turns.map((turn) => turn.getTime()).filter((turn) => turn > +from && turn < +to)
  return [...new Set(inside)].sort((a, b) => a - b).map((turn) => new Date(turn))
}

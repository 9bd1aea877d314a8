import { TocsinError } from '../base/index.ts'
import { rotationAt, turnsOf } from './rotation.ts'
import type { Duty, Level, OnCall, OnCallConfig, Override, Team } from './types.ts'

/** The part of the configuration that says who is on call. */
export type WhoConfig = Pick<OnCallConfig, 'people' | 'rotations' | 'teams'>

const overrideAt = (
  config: WhoConfig,
  overrides: readonly Override[],
  team: string,
  level: Level,
  at: Date,
): Override | undefined =>
  overrides
    .filter(
      (one) =>
        one.team === team &&
        one.level === level &&
        one.startsAt <= at &&
        at < one.endsAt &&
        Object.hasOwn(config.people, one.person),
    )
    .sort((a, b) => +b.createdAt - +a.createdAt || (a.id < b.id ? 1 : -1))[0]

const dutyOf = (override: Override): Duty => ({
  person: override.person,
  since: override.startsAt,
  until: override.endsAt,
  override: override.id,
})

/** Until an override that begins in the middle of it. */
const cutAtOverrides = (
  duty: Duty | undefined,
  overrides: readonly Override[],
  team: string,
  level: Level,
  at: Date,
): Duty | undefined => {
  if (!duty) return undefined
  const own = overrides.filter((one) => one.team === team && one.level === level)
  const until = own
    .map(({ startsAt }) => startsAt)
    .filter((start) => start > at && start < duty.until)
  const since = own.map(({ endsAt }) => endsAt).filter((end) => end <= at && end > duty.since)
  return {
    ...duty,
    since: new Date(Math.max(+duty.since, ...since.map(Number))),
    until: new Date(Math.min(+duty.until, ...until.map(Number))),
  }
}

const secondaryOf = (
  config: WhoConfig,
  team: Team,
  primary: Duty | undefined,
  at: Date,
): Duty | undefined => {
  const name = team.secondary ?? team.primary
  const rotation = config.rotations[name]
  const shift = rotation && rotationAt(rotation, at)
  if (!shift) return undefined
  const inOrder = team.secondary ? [shift.person, ...shift.next] : [...shift.next, shift.person]
  // One person cannot be both: the next one stands in.
  const person = inOrder.find((one) => one !== primary?.person)
  return person === undefined
    ? undefined
    : { person, since: shift.since, until: shift.until, rotation: name }
}

/**
 * Who a team pages at a moment: the rotations, with overrides on top. Nobody is primary and secondary at once.
 * @throws TocsinError `oncall.unknown_team`
 */
export const whoIsOnCall = (
  config: WhoConfig,
  overrides: readonly Override[],
  team: string,
  at: Date,
): OnCall => {
  const settings = Object.hasOwn(config.teams, team) ? config.teams[team] : undefined
  if (!settings)
    throw new TocsinError('oncall.unknown_team', `There is no team "${team.slice(0, 60)}".`, {
      hints: [`There are: ${Object.keys(config.teams).join(', ') || 'none'}.`],
      exitCode: 2,
    })
  const first = overrideAt(config, overrides, team, 'primary', at)
  const rotation = config.rotations[settings.primary]
  const shift = rotation && rotationAt(rotation, at)
  const primary = first
    ? dutyOf(first)
    : cutAtOverrides(
        shift && {
          person: shift.person,
          since: shift.since,
          until: shift.until,
          rotation: settings.primary,
        },
        overrides,
        team,
        'primary',
        at,
      )
  const second = overrideAt(config, overrides, team, 'secondary', at)
  const secondary =
    second && second.person !== primary?.person
      ? dutyOf(second)
      : cutAtOverrides(secondaryOf(config, settings, primary, at), overrides, team, 'secondary', at)
  return { team, primary, secondary, lead: settings.lead }
}

export type ScheduleEntry = {
  readonly from: Date
  readonly to: Date
  readonly primary: string | undefined
  readonly secondary: string | undefined
  /** Whether an override put one of them there. */
  readonly isOverride: boolean
}

/** Who is on call between two moments, one entry per stretch in which nothing changes. */
export const listSchedule = (
  config: WhoConfig,
  overrides: readonly Override[],
  team: string,
  from: Date,
  to: Date,
): readonly ScheduleEntry[] => {
  const settings = config.teams[team]
  const rotations = [settings?.primary, settings?.secondary].flatMap((name) => {
    const rotation = name === undefined ? undefined : config.rotations[name]
    return rotation ? [rotation] : []
  })
  const turns = [
    ...rotations.flatMap((rotation) => turnsOf(rotation, from, to)),
    ...overrides
      .filter((one) => one.team === team)
      .flatMap(({ startsAt, endsAt }) => [startsAt, endsAt]),
  ]
    .map(Number)
    .filter((turn) => turn > +from && turn < +to)
  const starts = [...new Set([+from, ...turns])].sort((a, b) => a - b)
  const entries: ScheduleEntry[] = []
  for (const [index, start] of starts.entries()) {
    const { primary, secondary } = whoIsOnCall(config, overrides, team, new Date(start))
    const entry = {
      from: new Date(start),
      to: new Date(starts[index + 1] ?? +to),
      primary: primary?.person,
      secondary: secondary?.person,
      isOverride: (primary?.override ?? secondary?.override) !== undefined,
    }
    const last = entries.at(-1)
    const isSame =
      last?.primary === entry.primary &&
      last?.secondary === entry.secondary &&
      last?.isOverride === entry.isOverride
    if (last && isSame) entries[entries.length - 1] = { ...last, to: entry.to }
    else entries.push(entry)
  }
  return entries
}

import type { IncidentSettings } from './incidentSettings.ts'

type Settings = IncidentSettings['flapping']

export type Flapping = {
  /** When the alert came or went of late (ms since epoch), oldest first. */
  readonly transitions: readonly number[]
  /** Since when it comes and goes; null when it does not. */
  readonly since: Date | null
}

/** Most transitions that are kept per alert. */
const KEPT = 32

/** Whether it has been stable for long enough to count as settled. */
export const isStable = (flapping: Flapping, now: Date, settings: Settings): boolean =>
  now.getTime() - (flapping.transitions.at(-1) ?? 0) >= settings.stableS * 1_000

/**
 * Takes in that an alert came or went. `began`: with this one it is more than so many within the time, and people are
 * told that once; it stays so until nothing has happened for `stableS`.
 */
export const noteTransition = (
  before: Flapping,
  now: Date,
  settings: Settings,
): Flapping & { readonly began: boolean } => {
  const settled = before.since !== null && isStable(before, now, settings)
  const since = settled ? null : before.since
  const oldest = now.getTime() - settings.withinS * 1_000
  const kept = (settled ? [] : before.transitions).filter((at) => at > oldest)
  const transitions = [...kept, now.getTime()].slice(-KEPT)
  const began = since === null && transitions.length > settings.transitions
  return { transitions, since: began ? now : since, began }
}

import type { FindingSeverity } from 'tocsin'

/** What the window form has said of a thing and not taken back. Kept in the bot's state. */
export type Episode = {
  readonly status: 'holds' | 'unknown'
  readonly level: number
  readonly severity: FindingSeverity
}

/** How things stand in this block. */
export type Standing =
  | { readonly kind: 'drop'; readonly level: number; readonly severity: FindingSeverity }
  /** Below the threshold, but not by enough to call it over. */
  | { readonly kind: 'near' }
  | { readonly kind: 'well' }
  | { readonly kind: 'unknown' }

export type Step = {
  readonly episode: Episode | undefined
  /** What to tell people; nothing when they know. */
  readonly say:
    | { readonly condition: 'holds' | 'ended' | 'unknown'; readonly severity: FindingSeverity }
    | undefined
}

const RANK: Readonly<Record<FindingSeverity, number>> = {
  Info: 0,
  Low: 1,
  Medium: 2,
  High: 3,
  Critical: 4,
}

const ENDED: Step = { episode: undefined, say: { condition: 'ended', severity: 'Info' } }

const worsen = (
  episode: Episode | undefined,
  standing: Extract<Standing, { kind: 'drop' }>,
): Step | undefined => {
  // What was grave once in an episode stays so: a look away makes it no better.
  const known = episode && episode.level > 0 ? episode : undefined
  const isWorse = known === undefined || RANK[standing.severity] > RANK[known.severity]
  if (episode?.status === 'holds' && standing.level <= episode.level && !isWorse) return undefined
  const severity = isWorse ? standing.severity : known.severity
  const level = Math.max(standing.level, known?.level ?? 0)
  return { episode: { status: 'holds', level, severity }, say: { condition: 'holds', severity } }
}

const loseSight = (episode: Episode | undefined): Step => {
  const severity = episode?.severity ?? 'Medium'
  return {
    episode: { status: 'unknown', level: episode?.level ?? 0, severity },
    say: { condition: 'unknown', severity },
  }
}

/** What held before the reads failed holds on; otherwise all is well. */
const regainSight = (episode: Episode): Step =>
  episode.level > 0
    ? {
        episode: { ...episode, status: 'holds' },
        say: { condition: 'holds', severity: episode.severity },
      }
    : ENDED

/** The life of the window form: told once, again when it gets worse by a step, and when it is over or cannot be told. */
export const followEpisode = (episode: Episode | undefined, standing: Standing): Step => {
  const quiet: Step = { episode, say: undefined }
  switch (standing.kind) {
    case 'drop':
      return worsen(episode, standing) ?? quiet
    case 'unknown':
      return episode?.status === 'unknown' ? quiet : loseSight(episode)
    case 'near':
      return episode?.status === 'unknown' ? regainSight(episode) : quiet
    case 'well':
      return episode ? ENDED : quiet
  }
}

import type { Exact } from './exact.ts'
import { compareExact } from './exact.ts'

/** What one value of a parameter would have brought. */
export type Trial = {
  readonly value: Exact
  readonly findings: number
  readonly pages: number
  /** Pages that belong to no labelled incident; all of them where none are labelled. */
  readonly noise: number
  readonly duplicates: number
  readonly recall: number | undefined
}

export type Direction = 'higher' | 'lower'

/** Which way is quieter, by what was measured; undefined where it makes no difference. */
export const measureDirection = (trials: readonly Trial[]): Direction | undefined => {
  const [low, high] = [trials[0], trials[trials.length - 1]]
  if (!low || !high) return undefined
  const loudness = low.noise - high.noise || low.findings - high.findings
  return loudness === 0 ? undefined : loudness > 0 ? 'higher' : 'lower'
}

export type Proposal = {
  /** The most watchful value at which this and every quieter one stays within the wanted number; undefined: none does. */
  readonly chosen: Trial | undefined
  /** The next more watchful one, which does not. */
  readonly beyond: Trial | undefined
}

/** @param most pages over the whole range that are bearable */
export const propose = (trials: readonly Trial[], quieter: Direction, most: number): Proposal => {
  const ordered = [...trials].sort((a, b) => compareExact(a.value, b.value))
  // From the quietest to the most watchful.
  if (quieter === 'higher') ordered.reverse()
  let chosen: Trial | undefined
  for (const trial of ordered) {
    if (trial.noise > most) return { chosen, beyond: trial }
    chosen = trial
  }
  return { chosen, beyond: undefined }
}

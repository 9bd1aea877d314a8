import type { FindingSeverity } from '../../base/index.ts'
import type { BotState } from '../types.ts'

/** How a condition stands in this block. */
export type ConditionStanding =
  | { readonly kind: 'holds'; readonly severity: FindingSeverity }
  /** Below the threshold, but not by enough to call it over. */
  | { readonly kind: 'near' }
  | { readonly kind: 'well' }
  /** What must be read does not answer. */
  | { readonly kind: 'unknown' }

/** What is to be told of it. */
export type ConditionWord = {
  readonly condition: 'holds' | 'ended' | 'unknown'
  readonly severity: FindingSeverity
}

type Kept = { readonly isUnknown: boolean; readonly severity: FindingSeverity | null }

const RANK: Readonly<Record<FindingSeverity, number>> = {
  Info: 0,
  Low: 1,
  Medium: 2,
  High: 3,
  Critical: 4,
}

type Next = readonly [Kept | undefined, ConditionWord | undefined]

const loseSight = (kept: Kept | undefined): Next =>
  kept?.isUnknown
    ? [kept, undefined]
    : [
        { isUnknown: true, severity: kept?.severity ?? null },
        { condition: 'unknown', severity: kept?.severity ?? 'Medium' },
      ]

const nextOf = (kept: Kept | undefined, standing: ConditionStanding): Next => {
  const known = kept?.severity ?? undefined
  const ended: ConditionWord = { condition: 'ended', severity: 'Info' }
  switch (standing.kind) {
    case 'holds': {
      const isWorse = known === undefined || RANK[standing.severity] > RANK[known]
      const severity = isWorse ? standing.severity : known
      const isTold = kept !== undefined && !kept.isUnknown && !isWorse
      return [{ isUnknown: false, severity }, isTold ? undefined : { condition: 'holds', severity }]
    }
    case 'near':
      if (!kept?.isUnknown) return [kept, undefined]
      return known === undefined
        ? [undefined, ended]
        : [
            { isUnknown: false, severity: known },
            { condition: 'holds', severity: known },
          ]
    case 'well':
      return [undefined, kept && ended]
    case 'unknown':
      return loseSight(kept)
  }
}

/**
 * The life of a condition, kept in the bot's state under `key` (one small value, none while all is well): told once,
 * again when it becomes graver or can be read again, and when it is over or cannot be told.
 * @returns what to tell people in this block; undefined when they know
 */
export const followCondition = (
  state: BotState,
  key: string,
  standing: ConditionStanding,
): ConditionWord | undefined => {
  const kept = state.get<Kept>(key)
  const [next, word] = nextOf(kept, standing)
  if (next === undefined && kept !== undefined) state.delete(key)
  else if (
    next !== undefined &&
    (next.isUnknown !== kept?.isUnknown || next.severity !== kept.severity)
  )
    state.set(key, next)
  return word
}

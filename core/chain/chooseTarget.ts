import type { Hex } from '../base/index.ts'
import type { EndpointView } from './createHeadTracker.ts'

export type Target = {
  readonly number: number
  readonly hash: Hex
  /** Endpoints that have this block. */
  readonly voters: ReadonlySet<string>
  readonly head: number
}

export type Choice = {
  /** Block to go to; undefined when there is nothing new, or nothing that may be believed yet. */
  readonly target: Target | undefined
  /** Ask again after this long (ms): a decision waits for more votes. */
  readonly waitMs: number | undefined
  /** What the endpoints disagree about, or which vote is missing; for health. */
  readonly reason: string | undefined
}

export type ChooseOptions = {
  readonly views: readonly EndpointView[]
  /** How many endpoints are configured: from three on, a majority must agree. */
  readonly configured: number
  /** How long votes are waited for after a hash was first heard (ms): one block time. */
  readonly holdMs: number
  /** How long ago a hash was first heard (ms). */
  readonly ageMs: (hash: Hex) => number
  /** Canonical hash that was emitted at this height. */
  readonly emitted: (number: number) => Hex | undefined
  /** Height that was emitted last. */
  readonly last: number | undefined
}

const DEPTH = 4

type Candidate = {
  readonly hash: Hex
  readonly voters: readonly EndpointView[]
  readonly against: readonly EndpointView[]
  readonly electorate: number
}

const candidatesAt = (number: number, views: readonly EndpointView[]): readonly Candidate[] => {
  const keepingPace = views.filter(({ head }) => head.number >= number - 1)
  const hashes = new Set(views.flatMap((view) => view.hashAt(number) ?? []))
  return [...hashes]
    .map((hash): Candidate => {
      const voters = keepingPace.filter((view) => view.hashAt(number) === hash)
      const parent =
        voters.find((view) => view.head.hash === hash)?.head.parentHash ??
        voters[0]?.hashAt(number - 1)
      const against = keepingPace.filter((view) => {
        const other = view.hashAt(number)
        if (other !== undefined) return other !== hash
        const below = view.hashAt(number - 1)
        return view.head.number === number - 1 && parent !== undefined && below !== parent
      })
      return { hash, voters, against, electorate: keepingPace.length }
    })
    .sort((a, b) => b.voters.length - a.voters.length || bestScore(b) - bestScore(a))
}

const bestScore = ({ voters }: Candidate): number =>
  Math.max(0, ...voters.map(({ score }) => score))

type Verdict = { readonly admitted: boolean; readonly waitMs?: number; readonly reason?: string }

const judge = (number: number, candidate: Candidate, options: ChooseOptions): Verdict => {
  const { configured, holdMs } = options
  const { voters, against, electorate } = candidate
  if (configured === 1) return { admitted: true }
  const held = holdMs - options.ageMs(candidate.hash)
  const dissent = `The endpoints disagree on block ${number}: ${voters.length} to ${against.length}.`
  if (configured === 2) {
    if (against.length === 0) return { admitted: true }
    if (held > 0) return { admitted: false, waitMs: held, reason: dissent }
    // Neither can be proved right: a chain that is longer than ours wins, one of equal length does not.
    const isAhead = options.last === undefined || number > options.last
    return { admitted: isAhead, reason: dissent }
  }
  const quorum = Math.floor(Math.max(electorate, 2) / 2) + 1
  if (voters.length >= quorum)
    return against.length === 0 ? { admitted: true } : { admitted: true, reason: dissent }
  if (held > 0)
    return { admitted: false, waitMs: held, ...(against.length > 0 ? { reason: dissent } : {}) }
  if (against.length > 0) return { admitted: false, reason: dissent }
  return {
    admitted: true,
    reason: `Block ${number} is confirmed by ${voters.length} of ${configured} endpoints only.`,
  }
}

/**
 * The highest block that may be believed and is not ours yet: any node's word with one endpoint; with two, disagreement
 * is waited out for a block time and shown; from three on, a majority of those that keep pace must agree, and one block
 * time later a block that nobody contradicts.
 */
export const chooseTarget = (options: ChooseOptions): Choice => {
  const { views } = options
  const head = Math.max(...views.map((view) => view.head.number))
  let waitMs: number | undefined
  let reason: string | undefined
  for (let number = head; number > head - DEPTH && number >= 0; number--) {
    for (const candidate of candidatesAt(number, views)) {
      const verdict = judge(number, candidate, options)
      reason ??= verdict.reason
      if (!verdict.admitted) {
        if (verdict.waitMs !== undefined)
          waitMs = Math.min(waitMs ?? verdict.waitMs, verdict.waitMs)
        continue
      }
      if (options.emitted(number) === candidate.hash) return { target: undefined, waitMs, reason }
      const voters = new Set(candidate.voters.map(({ name }) => name))
      return { target: { number, hash: candidate.hash, voters, head }, waitMs, reason }
    }
  }
  return { target: undefined, waitMs, reason }
}

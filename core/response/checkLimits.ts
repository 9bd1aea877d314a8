import { type Refusal, refuse } from './decision.ts'
import { type Deed, spentOf } from './deeds.ts'
import type { LoadedPolicy } from './types.ts'

export type LimitsQuestion = {
  readonly policy: LoadedPolicy
  /** All that was signed for on the policy's chain, but for the execution in question. */
  readonly deeds: readonly Deed[]
  /** The most that it may cost. */
  readonly costWei: bigint
  /** Block time of the finding that asks. */
  readonly triggeredAtS: number
  readonly nowMs: number
  /** A person ordered it: what holds bots back does not apply; the limits for window, life and spending do. */
  readonly isOrdered?: boolean
  /** Cooldown of another policy, by its id; undefined where there is no such policy any more. */
  readonly cooldownOf: (action: string) => number | undefined
}

const checkOwn = (question: LimitsQuestion): Refusal | undefined => {
  const { policy, deeds, costWei, triggeredAtS, nowMs } = question
  const { limits, cooldownS, maxSpendWeiPer24h } = policy
  const own = deeds.filter(({ action }) => action === policy.id)
  if (own.length >= limits.maxLifetime)
    return refuse(
      'limit',
      `It ran ${own.length} times; ${limits.maxLifetime} are allowed for life.`,
    )
  const inWindow = own.filter(({ atMs }) => atMs > nowMs - limits.windowS * 1000).length
  if (inWindow >= limits.maxPerWindow)
    return refuse(
      'limit',
      `It ran ${inWindow} times within ${limits.windowS} s; ${limits.maxPerWindow} are allowed.`,
    )
  if (!question.isOrdered && own.some((deed) => triggeredAtS - deed.triggeredAtS < cooldownS))
    return refuse('cooldown', `The last one was within the cooldown of ${cooldownS} s.`)
  const spent = spentOf(own, policy.id, nowMs) + costWei
  if (spent > maxSpendWeiPer24h)
    return refuse(
      'spend',
      `It would bring the spending of 24 h to ${spent} wei; ${maxSpendWeiPer24h} are allowed.`,
    )
  return undefined
}

const checkExclusion = (question: LimitsQuestion): Refusal | undefined => {
  const { policy, deeds, triggeredAtS, cooldownOf } = question
  if (!policy.exclusive) return undefined
  const rival = deeds.find(
    (deed) =>
      deed.action !== policy.id &&
      deed.target === policy.target &&
      deed.mayHold &&
      (deed.isInFlight ||
        triggeredAtS - deed.triggeredAtS < (cooldownOf(deed.action) ?? policy.cooldownS)),
  )
  return (
    rival &&
    refuse(
      'excluded',
      `"${rival.action.slice(0, 80)}" acted on the same target and ${rival.isInFlight ? 'is under way' : 'is within its cooldown'}.`,
    )
  )
}

const checkBrake = ({ policy, deeds, nowMs }: LimitsQuestion): Refusal | undefined => {
  const { maxTargets, windowS } = policy.brake
  const targets = new Set(
    deeds.filter(({ atMs }) => atMs > nowMs - windowS * 1000).map(({ target }) => target),
  )
  targets.add(policy.target)
  if (targets.size <= maxTargets) return undefined
  return refuse(
    'brake',
    `It would be target ${targets.size} within ${windowS} s; ${maxTargets} are allowed: so many at once look like a fault of the watcher.`,
  )
}

/** Why limits of the policy forbid one more, or undefined. They count what was signed, never what was asked for. */
export const checkLimits = (question: LimitsQuestion): Refusal | undefined =>
  checkOwn(question) ??
  (question.isOrdered ? undefined : (checkExclusion(question) ?? checkBrake(question)))

import { checkTrigger } from './checkTrigger.ts'
import { type Refusal, refuse } from './decision.ts'
import type { FindingRow } from './executionStore.ts'
import type { Head } from './readTarget.ts'
import type { LoadedPolicy } from './types.ts'

/** Clocks of machines and chains differ; a finding further ahead than this is not believed. */
const MAX_AHEAD_S = 60

/** A finding of a transaction that is not mined counts only where the policy says so, and only while it is pending. */
const checkPending = (policy: LoadedPolicy, { status }: FindingRow): Refusal | undefined => {
  if (status === 'dropped' || status === 'landed')
    return refuse('pending_over', 'The transaction that was seen pending is pending no more.')
  if (status !== 'pending' || policy.pending.answer) return undefined
  return refuse('pending', 'The policy does not answer transactions that are not mined.')
}

/** What the finding says: is there one, does it stand, may it trigger this, is it fresh by the wall clock? */
export const checkFinding = (
  policy: LoadedPolicy,
  finding: FindingRow | null,
  { isReleased, isOrdered }: { readonly isReleased: boolean; readonly isOrdered: boolean },
  nowMs: number,
): Refusal | undefined => {
  if (!finding) return refuse('finding_missing', 'The finding that asked does not exist.')
  if (finding.status === 'retracted')
    return refuse('finding_retracted', 'The finding was retracted: its block is orphaned.')
  const unripe = checkPending(policy, finding)
  if (unripe) return unripe
  const misfit = isOrdered ? undefined : checkTrigger(policy, finding)
  if (misfit) return refuse('trigger', `The finding may not trigger this: ${misfit}.`)
  const ageS = nowMs / 1000 - finding.blockTimestampS
  if (!isReleased && ageS > policy.freshness.seconds)
    return refuse(
      'stale',
      `The finding is ${Math.round(ageS)} s old; ${policy.freshness.seconds} s are allowed.`,
    )
  return undefined
}

/** Whether the finding is too old by the signer's own head, or from a time that has not come (`future`). */
export const checkAge = (
  policy: LoadedPolicy,
  finding: FindingRow,
  head: Head,
  isReleased: boolean,
): Refusal | undefined => {
  if (finding.blockTimestampS > Math.max(head.timestampS, Date.now() / 1000) + MAX_AHEAD_S)
    return refuse('future', 'The finding claims to be from the future.')
  const age = head.number - finding.blockNumber
  if (isReleased || age <= policy.freshness.blocks) return undefined
  return refuse(
    'stale',
    `The finding is ${age} blocks old; ${policy.freshness.blocks} are allowed.`,
  )
}

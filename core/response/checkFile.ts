import { stableHash } from '../base/index.ts'
import { type Refusal, refuse } from './decision.ts'
import type { ExecutionRow } from './executionStore.ts'
import type { SignerContext } from './signerContext.ts'
import type { LoadedPolicy } from './types.ts'

/** Why a policy is not in force at an instant, or undefined when it is. */
export const checkTerm = (
  policy: Pick<LoadedPolicy, 'approvedAt' | 'expiresAt'>,
  nowMs: number,
): Refusal | undefined => {
  if (Date.parse(policy.expiresAt) <= nowMs)
    return refuse('expired', `The policy expired at ${policy.expiresAt}.`)
  if (Date.parse(policy.approvedAt) > nowMs)
    return refuse('not_yet_approved', `The policy is approved from ${policy.approvedAt} on.`)
  return undefined
}

/** What the files say: is there such a policy, is it the one the watcher meant, is it still in force? */
export const checkFile = (
  context: Pick<SignerContext, 'isHalted'>,
  row: ExecutionRow,
  policy: LoadedPolicy | undefined,
  nowMs: number,
): Refusal | undefined => {
  if (context.isHalted()) return refuse('halted', 'The kill switch is on.')
  if (!policy)
    return refuse(
      'policy_missing',
      `There is no approved policy "${row.actionId.slice(0, 80)}" among the signer's files.`,
    )
  if (row.policyHash !== policy.hash)
    return refuse(
      'policy_mismatch',
      "The intent names another version of the policy than the signer's own file.",
    )
  if (row.chainId !== policy.chain)
    return refuse('forged', 'The intent names another chain than the policy.')
  if (
    row.idempotencyKey !== stableHash('execution', policy.id, policy.hash, policy.target, row.epoch)
  )
    return refuse('forged', 'The idempotency key does not belong to this policy and epoch.')
  return checkTerm(policy, nowMs)
}

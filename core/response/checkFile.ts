import { type Refusal, refuse } from './decision.ts'
import type { ExecutionRow } from './executionStore.ts'
import { nameIntent } from './requestExecutions.ts'
import type { SignerContext } from './signerContext.ts'
import type { LoadedPolicy } from './types.ts'

/** Why a policy is not in force at an instant, or undefined when it is. */
const checkTerm = (
  policy: Pick<LoadedPolicy, 'approvedAt' | 'expiresAt'>,
  nowMs: number,
): Refusal | undefined => {
  if (Date.parse(policy.expiresAt) <= nowMs)
    return refuse('expired', `The policy expired at ${policy.expiresAt}.`)
  if (Date.parse(policy.approvedAt) > nowMs)
    return refuse('not_yet_approved', `The policy is approved from ${policy.approvedAt} on.`)
  return undefined
}

/** Why a policy may not act: past its term, or without the signatures of enough approvers. */
export const checkInForce = (
  context: Pick<SignerContext, 'signaturesRequired'>,
  policy: Pick<LoadedPolicy, 'signedBy' | 'approvedAt' | 'expiresAt'>,
  nowMs: number,
): Refusal | undefined => {
  const signedBy = policy.signedBy ?? []
  const needed = context.signaturesRequired
  if (signedBy.length < needed) {
    const names = signedBy.length > 0 ? ` (${signedBy.join(', ')})` : ''
    return refuse(
      'unsigned',
      `The policy needs the signatures of ${needed} approvers and has ${signedBy.length}${names}.`,
    )
  }
  return checkTerm(policy, nowMs)
}

/** Whether a policy that something was signed for is still the one in force: else nothing more is sent for it. */
export const isInForce = (
  context: Pick<SignerContext, 'signaturesRequired' | 'getPolicy'>,
  policy: LoadedPolicy,
  nowMs: number,
): boolean => {
  const current = context.getPolicy(policy.id)
  return (
    current !== undefined &&
    current.hash === policy.hash &&
    checkInForce(context, current, nowMs) === undefined
  )
}

/** What the files say: is there such a policy, is it the one the watcher meant, is it still in force? */
export const checkFile = (
  context: Pick<SignerContext, 'isHalted' | 'signaturesRequired' | 'ledger'>,
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
  const name = nameIntent(policy, row.epoch, row.findingId)
  if (row.idempotencyKey !== name.idempotencyKey || row.id !== name.id)
    return refuse(
      'forged',
      'The idempotency key does not belong to this policy, epoch and finding.',
    )
  const end = context.ledger.endOf(row.id)
  if (end !== undefined)
    return refuse('used', `It ended before (${end.slice(0, 80)}), and its row was set back.`)
  return checkInForce(context, policy, nowMs)
}

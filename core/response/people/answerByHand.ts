import { cleanText, type Hex, TocsinError } from '../../base/index.ts'
import type { Database } from '../../store/index.ts'
import type { LoadedPolicy } from '../types.ts'
import { answerProposal, createClaims, readProposal } from './answerProposal.ts'
import { type ApprovalClaims, approvalTypedData, signClaims } from './approvalClaims.ts'
import type { PeopleSecret } from './peopleSecret.ts'

/** Signs typed data with the key of an approver. */
export type SignTypedData = (data: ReturnType<typeof approvalTypedData>) => Promise<Hex>

/**
 * Answers a proposal as somebody at the machine: proven by the secret, or by the person's own key.
 * @throws TocsinError `execution.unknown`, `execution.not_proposed`, `execution.other_policy`
 */
export const answerByHand = async (options: {
  readonly db: Database
  readonly secret: PeopleSecret
  /** As the policy files have them now. */
  readonly policies: readonly LoadedPolicy[]
  readonly id: string
  readonly who: string
  readonly role?: string | undefined
  readonly decision: ApprovalClaims['decision']
  readonly signTypedData?: SignTypedData | undefined
}): Promise<ApprovalClaims> => {
  const { db, secret, signTypedData } = options
  const row = await readProposal(db, options.id)
  const policy = options.policies.find(({ id }) => id === row.actionId)
  if (!policy || policy.hash !== row.policyHash)
    throw new TocsinError(
      'execution.other_policy',
      `The policy "${cleanText(row.actionId, 80)}" is not the one that was proposed: its file changed since, or is gone.`,
    )
  const { who, role, decision } = options
  const claims = createClaims(row, policy, {
    who,
    role,
    decision,
    via: signTypedData ? 'key' : 'cli',
  })
  const proof = signTypedData
    ? await signTypedData(approvalTypedData(claims, policy.chain))
    : signClaims(secret, claims)
  await answerProposal(db, claims, proof)
  return claims
}

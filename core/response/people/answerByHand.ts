import { cleanText, type Hex, TocsinError } from '../../base/index.ts'
import type { Database } from '../../store/index.ts'
import type { LoadedPolicy } from '../types.ts'
import { answerProposal, createClaims, readProposal } from './answerProposal.ts'
import { type ApprovalClaims, approvalTypedData, signClaims } from './approvalClaims.ts'
import { checkAnswerer, notCounted } from './checkAnswerer.ts'
import { nameOf } from './nameOf.ts'
import type { PeopleSecret } from './peopleSecret.ts'
import { type Approver, readApprovals } from './readApprovals.ts'

/** The key of an approver. */
export type ApproverKey = {
  readonly address: string
  readonly signTypedData: (data: ReturnType<typeof approvalTypedData>) => Promise<Hex>
}

/**
 * Answers a proposal as somebody at the machine: proven by the secret, or by the person's own key. An answer that the
 * signer would not count is not written.
 * @throws TocsinError `execution.unknown`, `execution.not_proposed`, `execution.other_policy`, `approval.not_counted`
 */
export const answerByHand = async (options: {
  readonly db: Database
  readonly secret: PeopleSecret
  /** As the policy files have them now. */
  readonly policies: readonly LoadedPolicy[]
  /** `signer.approvers` of the watchlist. Default: none, and anybody may answer. */
  readonly approvers?: readonly Approver[]
  readonly id: string
  /** Left out: the approver whose key it is. */
  readonly who?: string | undefined
  readonly role?: string | undefined
  readonly decision: ApprovalClaims['decision']
  readonly key?: ApproverKey | undefined
}): Promise<ApprovalClaims> => {
  const { db, secret, key, decision, approvers = [] } = options
  const row = await readProposal(db, options.id)
  const policy = options.policies.find(({ id }) => id === row.actionId)
  if (!policy || policy.hash !== row.policyHash)
    throw new TocsinError(
      'execution.other_policy',
      `The policy "${cleanText(row.actionId, 80)}" is not the one that was proposed: its file changed since, or is gone.`,
    )
  const given = { who: options.who, role: options.role, decision, key: key?.address }
  const { who, role } = checkAnswerer(approvers, policy, given)
  const claims = createClaims(row, policy, { who, role, decision, via: key ? 'key' : 'cli' })
  const proof = key
    ? await key.signTypedData(approvalTypedData(claims, policy.chain))
    : signClaims(secret, claims)
  await answerProposal(db, claims, proof, async (tx) => {
    const { approvedBy, deniedBy } = await readApprovals(tx, { secret, approvers }, row, policy)
    const counted = decision === 'deny' ? deniedBy : approvedBy
    if (counted.some((each) => nameOf(each) === nameOf(claims.who))) return
    throw notCounted(
      counted.length > 0
        ? `The answer of ${claims.who} would not count: ${counted.join(', ')} answered already, and whoever sits at this machine without a key is one person.`
        : `The answer of ${claims.who} would not count for the signer.`,
      [
        'Answer with your own key (--keystore), by the link that was sent to you, or in the console.',
      ],
    )
  })
  return claims
}

import { TocsinError } from '../base/index.ts'
import type { Config } from '../config/types.ts'
import type { SignedClaims } from '../response/index.ts'
import type { Database, tables } from '../store/index.ts'
import { hasRole, type Known, shownName } from './people.ts'
import { unseal } from './sealedClaims.ts'

type ButtonRow = typeof tables.answerButton.$inferSelect

/** Who pressed, under the name by which the signer knows them. @throws TocsinError `approval.not_allowed` */
const approverName = (config: Pick<Config, 'signer'>, who: Known): string => {
  const name = who.person.approver
  if (!hasRole(who, 'approver') || name === undefined)
    throw new TocsinError('approval.not_allowed', `${shownName(who)} may not approve or deny.`, {
      hints: ['`onCall.people.<key>` needs role approver and the name under `signer.approvers`.'],
    })
  const approvers = config.signer?.approvers ?? []
  if (approvers.length > 0 && !approvers.some((one) => one.name === name))
    throw new TocsinError('approval.not_allowed', `${name} is none of \`signer.approvers\`.`)
  return name
}

/**
 * Answers a proposal for whoever pressed its button. What they say was signed when the button was made, and only what
 * the button carries opens it: nothing here can sign. What it was bound to must still be what the proposal is, by the
 * policy file as it is now; the signer verifies everything again.
 * @throws TocsinError `approval.not_allowed`, `approval.not_whole`, `approval.other_bytes`, `approval.expired`,
 * `approval.used`, `execution.not_proposed`
 */
export const answerByChat = async (options: {
  readonly db: Database
  readonly config: Pick<Config, 'actionsDir' | 'signer'>
  readonly row: ButtonRow
  /** What the button carries. */
  readonly button: string
  readonly decision: 'approve' | 'deny'
  readonly who: Known
}): Promise<string> => {
  const { db, config, row, button, decision, who } = options
  const name = approverName(config, who)
  const response = await import('../response/index.ts')
  const signed: readonly SignedClaims[] = row.claims
    ? response.decodeSignedClaims(unseal({ button, id: row.id, act: row.act }, row.claims))
    : []
  const own = signed.find(({ claims }) => claims.who === name && claims.decision === decision)
  if (!own)
    throw new TocsinError(
      'approval.not_allowed',
      `This button was not made for ${shownName(who)}: answer by your own message, by its link, or in the console.`,
    )
  const { claims, proof } = own
  const proposal = await response.readProposal(db, claims.execution)
  const { policies } = await response.readPolicies(config.actionsDir)
  const policy = policies.find(({ id }) => id === proposal.actionId)
  const bytesHash = policy && response.bytesHashOf(proposal.id, policy)
  if (bytesHash !== row.bytesHash || bytesHash !== claims.bytesHash)
    throw new TocsinError(
      'approval.other_bytes',
      'The policy is another one by now than this button was made for.',
    )
  if (claims.expiresS * 1_000 <= Date.now())
    throw new TocsinError('approval.expired', 'This button has expired.')
  await response.answerProposal(db, claims, proof)
  return decision === 'deny'
    ? `${shownName(who)} denied ${proposal.actionId}.`
    : `${shownName(who)} approved ${proposal.actionId}; the signer checks everything again.`
}

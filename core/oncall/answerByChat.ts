import { TocsinError } from '../base/index.ts'
import type { Config } from '../config/types.ts'
import type { Database, tables } from '../store/index.ts'
import { hasRole, type Known, shownName } from './people.ts'

type ButtonRow = typeof tables.answerButton.$inferSelect

/**
 * Answers a proposal for whoever pressed its button, by the same way as a link: held against the policy file as it is
 * now, with a proof of the secret of `people`, for the signer to verify. What the button was bound to must still be what
 * the proposal is.
 * @throws TocsinError `approval.not_allowed`, `approval.other_bytes`, `approval.used`, `execution.not_proposed`
 */
export const answerByChat = async (options: {
  readonly db: Database
  readonly config: Pick<Config, 'actionsDir' | 'dataDir' | 'people' | 'signer'>
  readonly button: ButtonRow
  readonly decision: 'approve' | 'deny'
  readonly who: Known
}): Promise<string> => {
  const { db, config, button, decision, who } = options
  const name = who.person.approver
  if (!hasRole(who, 'approver') || name === undefined)
    throw new TocsinError('approval.not_allowed', `${shownName(who)} may not approve or deny.`, {
      hints: ['`onCall.people.<key>` needs role approver and the name under `signer.approvers`.'],
    })
  const approvers = config.signer?.approvers ?? []
  const approver = approvers.find((one) => one.name === name)
  if (approvers.length > 0 && !approver)
    throw new TocsinError('approval.not_allowed', `${name} is none of \`signer.approvers\`.`)
  const response = await import('../response/index.ts')
  const row = await response.readProposal(db, button.executionId ?? '')
  const { policies } = await response.readPolicies(config.actionsDir)
  const policy = policies.find(({ id }) => id === row.actionId)
  if (!policy || response.bytesHashOf(row.id, policy) !== button.bytesHash)
    throw new TocsinError(
      'approval.other_bytes',
      'The policy is another one by now than this button was made for.',
    )
  const secret = await response.loadPeopleSecret(config)
  const claims = response.createClaims(row, policy, {
    who: name,
    role: approver?.role ?? button.role ?? '',
    decision,
    via: 'chat',
    expiresS: Math.floor(button.expiresAt.getTime() / 1_000),
  })
  await response.answerProposal(db, claims, response.signClaims(secret, claims))
  return decision === 'deny'
    ? `${shownName(who)} denied ${row.actionId}.`
    : `${shownName(who)} approved ${row.actionId}; the signer checks everything again.`
}

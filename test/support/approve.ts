import { answerByHand, loadPeopleSecret, loadPolicies } from '../../core/response/index.ts'
import {
  answerProposal,
  createClaims,
  readProposal,
} from '../../core/response/people/answerProposal.ts'
import { type ApprovalClaims, signClaims } from '../../core/response/people/approvalClaims.ts'
import type { SignerFixture } from './signerFixture.ts'

type Place = Pick<SignerFixture, 'database' | 'config' | 'actionsDir'>

/** Approves (or denies) as somebody at the machine does. */
export const approve = async (
  { database, config, actionsDir }: Place,
  id: string,
  who: string,
  decision: ApprovalClaims['decision'] = 'approve',
): Promise<ApprovalClaims> =>
  answerByHand({
    db: database.db,
    secret: await loadPeopleSecret(config),
    policies: await loadPolicies(actionsDir),
    id,
    who,
    decision,
  })

/** Answers by a link that only this person was given. */
export const answerByLink = async (
  { database, config, actionsDir }: Place,
  id: string,
  who: string,
  answer: { readonly decision?: ApprovalClaims['decision']; readonly role?: string } = {},
): Promise<ApprovalClaims> => {
  const row = await readProposal(database.db, id)
  const policy = (await loadPolicies(actionsDir)).find((each) => each.id === row.actionId)
  if (!policy) throw new Error('no policy')
  const claims = createClaims(row, policy, {
    who,
    role: answer.role,
    decision: answer.decision ?? 'approve',
    via: 'link',
  })
  await answerProposal(database.db, claims, signClaims(await loadPeopleSecret(config), claims))
  return claims
}

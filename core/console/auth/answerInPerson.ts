import { eq } from 'drizzle-orm'
import { TocsinError } from '../../base/index.ts'
import type { Config } from '../../config/types.ts'
import type { PeopleSecret } from '../../response/light.ts'
import { type Database, tables } from '../../store/index.ts'
import { isFresh, type Principal } from '../principal.ts'

const same = (a: string, b: string): boolean => a.trim().toLowerCase() === b.trim().toLowerCase()

/** Nobody who was made a user, or was changed, after the proposal answers it: only those who were there before. */
export const demandOlderUser = async (
  db: Database,
  principal: Principal,
  proposedAt: Date,
): Promise<void> => {
  const [user] = await db
    .select({ changedAt: tables.consoleUser.changedAt })
    .from(tables.consoleUser)
    .where(eq(tables.consoleUser.name, principal.name))
  if (user && user.changedAt >= proposedAt)
    throw new TocsinError(
      'approval.new_user',
      'This user was made or changed after the proposal: answer by the link that was sent to you.',
    )
}

/**
 * The approver for whom somebody answers who is signed in and proved just now who they are.
 * @throws TocsinError `approval.no_approver`, `approval.stale_sign_in`
 */
export const demandApprover = (
  config: Config,
  principal: Principal,
): { readonly name: string; readonly role?: string | undefined } => {
  const who = principal.approver
  const approvers = config.signer?.approvers ?? []
  const approver = approvers.find(({ name }) => who !== undefined && same(name, who))
  if (who === undefined || principal.via !== 'session' || (approvers.length > 0 && !approver))
    throw new TocsinError(
      'approval.no_approver',
      'You are none of the approvers, as far as the console knows.',
      { hints: ['`tocsin users approver <name> <approver>` says for whom a user answers.'] },
    )
  if (!isFresh(principal))
    throw new TocsinError('approval.stale_sign_in', 'Prove again who you are before you answer.')
  return { name: approver?.name ?? who, role: approver?.role }
}

/**
 * Answers a proposal as a person who is signed in and proved just now who they are. The answer is proven and bound as
 * that of a link is: to exactly what was shown (`bytesHash`), and the signer verifies it and everything else again.
 * @throws TocsinError `approval.no_approver`, `approval.stale_sign_in`, `approval.new_user`, `approval.other_bytes`,
 * and what `answerProposal` throws
 */
export const answerInPerson = async (options: {
  readonly config: Config
  readonly db: Database
  readonly secret: PeopleSecret
  readonly principal: Principal
  readonly execution: string
  readonly decision: 'approve' | 'deny'
  /** Hash of what the person was shown. */
  readonly bytesHash: string
}): Promise<void> => {
  const { config, db, secret, principal, decision } = options
  const { name, role } = demandApprover(config, principal)
  const { answerProposal, bytesHashOf, createClaims, readPolicies, readProposal, signClaims } =
    await import('../../response/index.ts')
  const row = await readProposal(db, options.execution)
  await demandOlderUser(db, principal, row.requestedAt)
  const { policies } = await readPolicies(config.actionsDir)
  const policy = policies.find(({ id }) => id === row.actionId)
  if (
    !policy ||
    policy.hash !== row.policyHash ||
    bytesHashOf(row.id, policy) !== options.bytesHash
  )
    throw new TocsinError(
      'approval.other_bytes',
      'The policy is another one by now than the one that was shown.',
    )
  const claims = createClaims(row, policy, {
    who: name,
    role,
    decision,
    via: 'console',
  })
  await answerProposal(db, claims, signClaims(secret, claims))
}

import { type Refusal, refuse } from './decision.ts'
import type { ExecutionRow } from './executionStore.ts'
import type { SignerContext } from './signerContext.ts'
import type { LoadedPolicy } from './types.ts'

/** Written where a name would stand when a policy acts because nobody answered. */
export const NOBODY = 'nobody: the time ran out'

/** How a proposal stands. `none`: it is no proposal. `wait`: too few people have answered. */
export type Release =
  | { readonly kind: 'none' }
  | { readonly kind: 'wait'; readonly reason: string }
  | { readonly kind: 'released'; readonly by: readonly string[] }
  | ({ readonly kind: 'refuse' } & Refusal)

type Clock = Pick<SignerContext, 'ledger' | 'mode'>

/** Whether the time of a proposal has run out, and whether that releases it: only if this signer itself proposed it. */
export const readTimeout = (
  context: Clock,
  row: Pick<ExecutionRow, 'id' | 'proposedAt' | 'requestedAt'>,
  policy: LoadedPolicy,
  nowMs: number,
): { readonly isLate: boolean; readonly executes: boolean } => {
  const ownMs = context.ledger.proposedAtMs(row.id, policy.hash)
  const sinceMs = ownMs ?? (row.proposedAt ?? row.requestedAt).getTime()
  const isLate = nowMs - sinceMs > policy.approval.timeoutS * 1000
  const mayExecute = policy.approval.onTimeout === 'execute' && context.mode === 'auto'
  return { isLate, executes: isLate && mayExecute && ownMs !== undefined }
}

/** Reads the proven answers to a proposal, whatever its row says of who approved it. */
export const readRelease = async (
  context: Clock & Pick<SignerContext, 'readApprovals'>,
  row: ExecutionRow,
  policy: LoadedPolicy,
  nowMs: number,
): Promise<Release> => {
  if (row.status !== 'proposed') return { kind: 'none' }
  const { approvedBy, deniedBy } = await context.readApprovals(row, policy)
  if (deniedBy.length > 0)
    return { kind: 'refuse', ...refuse('denied', `Denied by ${deniedBy.join(', ')}.`) }
  const { timeoutS, required } = policy.approval
  const { isLate, executes } = readTimeout(context, row, policy, nowMs)
  if (executes) return { kind: 'released', by: approvedBy.length > 0 ? approvedBy : [NOBODY] }
  if (isLate)
    return {
      kind: 'refuse',
      ...refuse('approval_timeout', `Too few people approved it within ${timeoutS} s.`),
    }
  if (approvedBy.length >= required) return { kind: 'released', by: approvedBy }
  return { kind: 'wait', reason: `${approvedBy.length} of ${required} people have approved it.` }
}

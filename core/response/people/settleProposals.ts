import { and, eq, isNull } from 'drizzle-orm'
import { tables } from '../../store/index.ts'
import { endExecution } from '../endExecution.ts'
import type { ExecutionRow } from '../executionStore.ts'
import type { SignerContext } from '../signerContext.ts'
import type { LoadedPolicy } from '../types.ts'

/**
 * Counts the proven answers to every open proposal. Enough approvals hand it to its lane, which verifies them again
 * before it signs; one denial ends it. Whoever may answer is told first. Returns whether any was handed on.
 */
export const settleProposals = async (
  context: SignerContext,
  tell: (row: ExecutionRow, policy: LoadedPolicy) => Promise<void>,
): Promise<boolean> => {
  const { db } = context
  const { execution } = tables
  const rows = await db
    .select()
    .from(execution)
    .where(and(eq(execution.status, 'proposed'), isNull(execution.approvedBy)))
    .limit(50)
  let released = false
  for (const row of rows) {
    const policy = context.getPolicy(row.actionId)
    if (!policy || policy.hash !== row.policyHash) continue
    await tell(row, policy)
    const { approvedBy, deniedBy } = await context.readApprovals(row, policy)
    if (deniedBy.length > 0)
      await endExecution(context, row, {
        from: ['proposed'],
        status: 'refused',
        code: 'denied',
        reason: `Denied by ${deniedBy.join(', ')}.`,
      })
    else if (approvedBy.length >= policy.approval.required) {
      await db
        .update(execution)
        .set({ approvedBy: approvedBy.join(', '), approvedAt: new Date(), updatedAt: new Date() })
        .where(and(eq(execution.id, row.id), eq(execution.status, 'proposed')))
      released = true
    }
  }
  return released
}

import { and, eq, isNull, notInArray } from 'drizzle-orm'
import { tables } from '../store/index.ts'
import { endExecution } from './endExecution.ts'
import { NOBODY, readTimeout } from './release.ts'
import type { SignerContext } from './signerContext.ts'

/** Intents for chains that this signer does not serve are refused, not left lying. */
export const refuseUnserved = async (
  context: SignerContext,
  served: readonly number[],
): Promise<void> => {
  const rows = await context.db
    .select()
    .from(tables.execution)
    .where(
      and(
        eq(tables.execution.status, 'requested'),
        notInArray(tables.execution.chainId, [...served]),
      ),
    )
    .limit(20)
  for (const row of rows) {
    const reason = `The signer has no endpoint for chain ${row.chainId}.`
    await endExecution(context, row, {
      from: ['requested'],
      status: 'refused',
      code: 'chain_unserved',
      reason,
    })
  }
}

/** What a finding has become that no answer is needed to any more. */
const OVER = ['retracted', 'landed', 'dropped'] as const

/** Proposals that nobody approved in time, or whose finding was retracted, end. */
export const endProposals = async (context: SignerContext): Promise<void> => {
  const rows = await context.db
    .select({ execution: tables.execution, finding: tables.finding.status })
    .from(tables.execution)
    .leftJoin(tables.finding, eq(tables.finding.id, tables.execution.findingId))
    .where(and(eq(tables.execution.status, 'proposed'), isNull(tables.execution.approvedBy)))
    .limit(50)
  for (const { execution, finding } of rows) {
    const policy = context.getPolicy(execution.actionId)
    const timeout = policy && readTimeout(context, execution, policy, Date.now())
    const isLate = timeout?.isLate ?? true
    const isOver = OVER.some((status) => status === finding)
    if (!isLate && !isOver) continue
    if (timeout?.executes && !isOver) {
      await context.db
        .update(tables.execution)
        .set({ approvedBy: NOBODY, approvedAt: new Date(), updatedAt: new Date() })
        .where(and(eq(tables.execution.id, execution.id), eq(tables.execution.status, 'proposed')))
      continue
    }
    const isRetracted = finding === 'retracted'
    const code = isLate ? 'approval_timeout' : isRetracted ? 'finding_retracted' : 'pending_over'
    const reason = isLate
      ? 'Nobody approved it in time.'
      : isRetracted
        ? 'The finding was retracted: its block is orphaned.'
        : 'The transaction that was seen pending is pending no more.'
    await endExecution(context, execution, { from: ['proposed'], status: 'refused', code, reason })
  }
}

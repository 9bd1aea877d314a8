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
    if (!isLate && finding !== 'retracted') continue
    if (timeout?.executes && finding !== 'retracted') {
      await context.db
        .update(tables.execution)
        .set({ approvedBy: NOBODY, approvedAt: new Date(), updatedAt: new Date() })
        .where(and(eq(tables.execution.id, execution.id), eq(tables.execution.status, 'proposed')))
      continue
    }
    const code = isLate ? 'approval_timeout' : 'finding_retracted'
    const reason = isLate
      ? 'Nobody approved it in time.'
      : 'The finding was retracted: its block is orphaned.'
    await endExecution(context, execution, { from: ['proposed'], status: 'refused', code, reason })
  }
}

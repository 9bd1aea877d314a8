import { and, eq } from 'drizzle-orm'
import { cleanText, TocsinError } from '../base/index.ts'
import { type Database, notify, tables } from '../store/index.ts'
import { appendExecutionLog } from './executionLog.ts'

/**
 * Records that a person approves a proposed execution; the signer re-validates everything and then sends it.
 * @throws TocsinError `execution.unknown`, `execution.not_proposed`
 */
export const approveExecution = async (db: Database, id: string, by: string): Promise<void> => {
  const who = cleanText(by, 200)
  if (!who)
    throw new TocsinError('execution.no_approver', 'An approval needs the name of who approves.', {
      exitCode: 2,
    })
  await db.transaction(async (tx) => {
    const moved = await tx
      .update(tables.execution)
      .set({ approvedBy: who, approvedAt: new Date(), updatedAt: new Date() })
      .where(and(eq(tables.execution.id, id), eq(tables.execution.status, 'proposed')))
      .returning({ id: tables.execution.id })
    if (moved.length > 0) {
      await appendExecutionLog(tx, id, 'approved', { by: who })
      await notify(tx, 'tocsin_execution', id)
      return
    }
    const [row] = await tx
      .select({ status: tables.execution.status })
      .from(tables.execution)
      .where(eq(tables.execution.id, id))
    if (!row)
      throw new TocsinError('execution.unknown', `There is no execution "${id.slice(0, 80)}".`, {
        hints: ['`tocsin actions list` shows them.'],
        exitCode: 2,
      })
    throw new TocsinError(
      'execution.not_proposed',
      `Execution ${id} is ${row.status}; only a proposed one can be approved.`,
    )
  })
}

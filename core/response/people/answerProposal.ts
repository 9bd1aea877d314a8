import { randomBytes } from 'node:crypto'
import { eq } from 'drizzle-orm'
import { cleanText, stableHash, TocsinError } from '../../base/index.ts'
import { type Database, type DatabaseTransaction, notify, tables } from '../../store/index.ts'
import { appendExecutionLog } from '../executionLog.ts'
import type { LoadedPolicy } from '../types.ts'
import { type ApprovalClaims, bytesHashOf } from './approvalClaims.ts'

const VALID_S = 900

export const createNonce = (): string => randomBytes(16).toString('hex')

/** What somebody says of a proposal here and now. @throws TocsinError `execution.no_approver` */
export const createClaims = (
  execution: { readonly id: string },
  policy: LoadedPolicy,
  answer: Pick<ApprovalClaims, 'who' | 'decision' | 'via'> & {
    readonly role?: string | undefined
    readonly nonce?: string
    readonly expiresS?: number
  },
): ApprovalClaims => {
  const who = cleanText(answer.who, 200).trim()
  if (!who)
    throw new TocsinError('execution.no_approver', 'An answer needs the name of who gives it.', {
      exitCode: 2,
    })
  return {
    execution: execution.id,
    bytesHash: bytesHashOf(execution.id, policy),
    who,
    role: cleanText(answer.role ?? '', 100),
    decision: answer.decision,
    nonce: answer.nonce ?? createNonce(),
    expiresS: answer.expiresS ?? Math.floor(Date.now() / 1000) + VALID_S,
    via: answer.via,
  }
}

/** Reads a proposal. @throws TocsinError `execution.unknown`, `execution.not_proposed` */
export const readProposal = async (
  db: Pick<Database, 'select'>,
  id: string,
): Promise<typeof tables.execution.$inferSelect> => {
  const [row] = await db.select().from(tables.execution).where(eq(tables.execution.id, id))
  if (!row)
    throw new TocsinError('execution.unknown', `There is no execution "${cleanText(id, 80)}".`, {
      hints: ['`tocsin actions list` shows them.'],
      exitCode: 2,
    })
  if (row.status !== 'proposed')
    throw new TocsinError(
      'execution.not_proposed',
      `Execution ${row.id} is ${row.status}; only a proposed one can be answered.`,
    )
  return row
}

/**
 * Records what a person said of a proposal, with its proof; the signer verifies the proof, counts the people, checks
 * everything else again and then sends, or ends the proposal at the first denial. Where `check` throws, having seen the
 * answer, nothing is recorded.
 * @throws TocsinError `execution.unknown`, `execution.not_proposed`, `approval.used`
 */
export const answerProposal = (
  db: Database,
  claims: ApprovalClaims,
  proof: string,
  check: (tx: DatabaseTransaction) => Promise<void> = async () => undefined,
): Promise<void> =>
  db.transaction(async (tx) => {
    await readProposal(tx, claims.execution)
    const { executionApproval } = tables
    const values = {
      id: `p_${stableHash('approval', claims.nonce).slice(0, 24)}`,
      executionId: claims.execution,
      who: claims.who,
      role: claims.role,
      decision: claims.decision,
      bytesHash: claims.bytesHash,
      at: new Date(),
      via: claims.via,
      nonce: claims.nonce,
      expiresAt: new Date(claims.expiresS * 1000),
      proof,
    }
    const [used] = await tx
      .select({ decision: executionApproval.decision })
      .from(executionApproval)
      .where(eq(executionApproval.nonce, claims.nonce))
    if (used)
      throw new TocsinError(
        'approval.used',
        `This link was used already (${used.decision === 'deny' ? 'denied' : 'approved'}).`,
      )
    // A row without a right proof may stand in the person's place: theirs replaces it.
    await tx
      .insert(executionApproval)
      .values(values)
      .onConflictDoUpdate({
        target: [executionApproval.executionId, executionApproval.who, executionApproval.decision],
        set: values,
      })
    await check(tx)
    await appendExecutionLog(
      tx,
      claims.execution,
      claims.decision === 'deny' ? 'denied' : 'approved',
      {
        by: claims.who,
        role: claims.role,
        via: claims.via,
        bytesHash: claims.bytesHash,
      },
    )
    await notify(tx, 'tocsin_execution', claims.execution)
  })

import { and, asc, desc, eq, gt, gte, inArray, isNotNull, isNull, or, sql } from 'drizzle-orm'
import type { PgUpdateSetSource } from 'drizzle-orm/pg-core'
import { z } from 'zod'
import type { Address, Hex, Json } from '../base/index.ts'
import {
  type Database,
  type DatabaseTransaction,
  inTransaction,
  notify,
  tables,
} from '../store/index.ts'
import { appendExecutionLog, holdLogTail } from './executionLog.ts'

export type ExecutionRow = typeof tables.execution.$inferSelect
export type ExecutionStatus = ExecutionRow['status']
export type FindingRow = typeof tables.finding.$inferSelect

/** One signed transaction of an execution, as stored. Amounts are decimal strings of wei. */
export type Attempt = {
  readonly hash: Hex
  readonly raw: Hex
  readonly maxFeePerGasWei: string
  readonly maxPriorityFeePerGasWei: string
  /** Head when it was signed. */
  readonly atBlock: number
}

const hex = z
  .string()
  .regex(/^0x[0-9a-fA-F]+$/)
  .transform((text) => text as Hex)
const attemptsSchema = z
  .array(
    z.object({
      hash: hex,
      raw: hex,
      maxFeePerGasWei: z.string().regex(/^\d{1,30}$/),
      maxPriorityFeePerGasWei: z.string().regex(/^\d{1,30}$/),
      atBlock: z.int().min(0),
    }),
  )
  .max(1_000)

/** The row's attempts, or undefined when somebody wrote rubbish into them. */
export const readAttempts = (row: ExecutionRow): readonly Attempt[] | undefined => {
  const parsed = attemptsSchema.safeParse(row.attempts)
  return parsed.success ? parsed.data : undefined
}

type Patch = PgUpdateSetSource<typeof tables.execution>

/**
 * Moves an execution from one of `from` and logs the decision, in one transaction.
 * Returns false, and changes nothing, when it is in another status by now.
 */
export const moveExecution = async (
  db: Database | DatabaseTransaction,
  row: Pick<ExecutionRow, 'id'>,
  move: {
    readonly from: readonly ExecutionStatus[]
    readonly patch: Patch
    readonly event: string
    readonly detail?: unknown
    /** Written in the same transaction. */
    readonly also?: (tx: DatabaseTransaction) => Promise<void>
    /** Also require that no attempt was added meanwhile. */
    readonly attempts?: number
  },
): Promise<boolean> =>
  inTransaction(db, async (tx) => {
    const moving = tx
      .update(tables.execution)
      .set({ ...move.patch, updatedAt: new Date() })
      .where(
        and(
          eq(tables.execution.id, row.id),
          inArray(tables.execution.status, [...move.from]),
          move.attempts === undefined
            ? undefined
            : sql`jsonb_array_length(${tables.execution.attempts}) = ${move.attempts}`,
        ),
      )
      .returning({ id: tables.execution.id })
      .execute()
    // The row's lock before the log's, here as everywhere.
    const [moved, tail] = await Promise.all([moving, holdLogTail(tx)])
    if (moved.length === 0) return false
    await Promise.all([
      appendExecutionLog(tx, row.id, move.event, move.detail ?? {}, tail),
      move.also?.(tx),
      notify(tx, 'tocsin_execution', row.id),
    ])
    return true
  })

/** As it stands now. */
export const readExecution = async (
  db: Database,
  id: string,
): Promise<ExecutionRow | undefined> => {
  const [row] = await db.select().from(tables.execution).where(eq(tables.execution.id, id)).limit(1)
  return row
}

/** Executions that wait for a decision: new ones and approved proposals, oldest first. */
export const listWaiting = (
  db: Database,
  chainId: number,
): Promise<readonly { execution: ExecutionRow; finding: FindingRow | null }[]> =>
  db
    .select({ execution: tables.execution, finding: tables.finding })
    .from(tables.execution)
    .leftJoin(tables.finding, eq(tables.finding.id, tables.execution.findingId))
    .where(
      and(
        eq(tables.execution.chainId, chainId),
        or(
          eq(tables.execution.status, 'requested'),
          and(eq(tables.execution.status, 'proposed'), isNotNull(tables.execution.approvedBy)),
        ),
      ),
    )
    .orderBy(asc(tables.execution.requestedAt), asc(tables.execution.id))
    .limit(20)
    .prepare('tocsin_waiting')
    .execute()

/** Whether an execution in flight occupies the signer's own key. Rows that claim more than they hold do, until they are failed. */
export const isKeyed = (row: Pick<ExecutionRow, 'nonce' | 'warrant'>): boolean =>
  row.nonce !== null || row.warrant === null

/** Executions whose transaction is signed and whose effect is not yet seen, in nonce order. */
export const listInFlight = (
  db: Database | DatabaseTransaction,
  signer: Address,
  chainId: number,
): Promise<readonly ExecutionRow[]> =>
  db
    .select()
    .from(tables.execution)
    .where(
      and(
        eq(tables.execution.chainId, chainId),
        inArray(tables.execution.status, ['sending', 'sent', 'mined']),
        or(eq(tables.execution.signerAddress, signer), isNull(tables.execution.signerAddress)),
      ),
    )
    .orderBy(asc(tables.execution.nonce))
    .limit(20)
    .prepare('tocsin_in_flight')
    .execute()

/** Executions whose effect stands but whose block is not final on chain, and those that may still land late. */
export const listUnsettled = (
  db: Database,
  signer: Address,
  chainId: number,
): Promise<readonly ExecutionRow[]> =>
  db
    .select()
    .from(tables.execution)
    .where(
      and(
        eq(tables.execution.chainId, chainId),
        eq(tables.execution.signerAddress, signer),
        isNull(tables.execution.finalAt),
        isNotNull(tables.execution.sendingAt),
        or(
          eq(tables.execution.status, 'succeeded'),
          and(
            eq(tables.execution.status, 'failed'),
            eq(tables.execution.reasonCode, 'deadline'),
            gt(tables.execution.updatedAt, sql`now() - interval '1 hour'`),
          ),
        ),
      ),
    )
    .orderBy(sql`${tables.execution.confirmedAt} is not null`, asc(tables.execution.sendingAt))
    .limit(20)

/**
 * True when a nonce was used by a transaction of ours whose block is not final: the chain that offers it again was
 * reorganised, or the endpoint lags, and the nonce belongs to that transaction.
 */
export const isNonceTaken = async (
  tx: DatabaseTransaction,
  signer: Address,
  chainId: number,
  nonce: number,
): Promise<boolean> => {
  const rows = await tx
    .select({ id: tables.execution.id })
    .from(tables.execution)
    .where(
      and(
        eq(tables.execution.signerAddress, signer),
        eq(tables.execution.chainId, chainId),
        eq(tables.execution.status, 'succeeded'),
        gte(tables.execution.nonce, nonce),
        isNotNull(tables.execution.minedTxHash),
        isNull(tables.execution.finalAt),
      ),
    )
    .limit(1)
  return rows.length > 0
}

/** Fees of whatever this key already signed for a nonce: a new transaction must outbid it. */
export const listAttemptsAt = async (
  db: Database,
  signer: Address,
  chainId: number,
  nonce: number,
): Promise<readonly Attempt[]> => {
  const rows = await db
    .select()
    .from(tables.execution)
    .where(
      and(
        eq(tables.execution.signerAddress, signer),
        eq(tables.execution.chainId, chainId),
        eq(tables.execution.nonce, nonce),
      ),
    )
  return rows.flatMap((row) => readAttempts(row) ?? [])
}

/** When the effect of an execution was last seen orphaned; the deadline counts anew from there. */
export const findOrphanedAt = async (db: Database, id: string): Promise<Date | undefined> => {
  const [row] = await db
    .select({ at: tables.executionLog.at })
    .from(tables.executionLog)
    .where(and(eq(tables.executionLog.executionId, id), eq(tables.executionLog.event, 'orphaned')))
    .orderBy(desc(tables.executionLog.seq))
    .limit(1)
  return row?.at
}

export const toStoredAttempts = (attempts: readonly Attempt[]): Json =>
  attempts.map((attempt): Json => ({ ...attempt }))

import { asc, desc, gt, sql } from 'drizzle-orm'
import { type Json, stableHash, toJson } from '../base/index.ts'
import { type Database, type DatabaseTransaction, tables } from '../store/index.ts'

const GENESIS = '0'.repeat(64)
const PAGE = 1_000

type Entry = {
  readonly executionId: string
  readonly at: Date
  readonly event: string
  readonly detail: Json
}

const hashOf = (previousHash: string, entry: Entry): string =>
  stableHash(previousHash, entry.executionId, entry.at.toISOString(), entry.event, entry.detail)

/** Appends one decision; each row carries the hash of the one before. Must run inside a transaction: one writer at a time. */
export const appendExecutionLog = async (
  tx: DatabaseTransaction,
  executionId: string,
  event: string,
  detail: unknown = {},
): Promise<string> => {
  await tx.execute(sql`select pg_advisory_xact_lock(hashtextextended('tocsin:execution_log', 0))`)
  const [last] = await tx
    .select({ hash: tables.executionLog.hash })
    .from(tables.executionLog)
    .orderBy(desc(tables.executionLog.seq))
    .limit(1)
  const previousHash = last?.hash ?? GENESIS
  const entry: Entry = { executionId, at: new Date(), event, detail: toJson(detail) }
  const hash = hashOf(previousHash, entry)
  await tx.insert(tables.executionLog).values({ ...entry, previousHash, hash })
  return hash
}

export type VerifyExecutionLogResult =
  | { readonly ok: true; readonly entries: number; readonly head: string }
  | { readonly ok: false; readonly entries: number; readonly seq: number; readonly message: string }

/** Walks the whole log and recomputes every hash. A changed, removed or inserted row shows; a cut-off end shows only beside a head noted elsewhere. */
export const verifyExecutionLog = async (db: Database): Promise<VerifyExecutionLogResult> => {
  let previous = GENESIS
  let seq = -1
  let entries = 0
  for (;;) {
    const rows = await db
      .select()
      .from(tables.executionLog)
      .where(gt(tables.executionLog.seq, seq))
      .orderBy(asc(tables.executionLog.seq))
      .limit(PAGE)
    for (const row of rows) {
      if (row.previousHash !== previous)
        return {
          ok: false,
          entries,
          seq: row.seq,
          message: `Row ${row.seq} does not follow the row before it: something was removed, inserted or changed.`,
        }
      if (row.hash !== hashOf(previous, row))
        return {
          ok: false,
          entries,
          seq: row.seq,
          message: `Row ${row.seq} was changed after it was written.`,
        }
      previous = row.hash
      seq = row.seq
      entries++
    }
    if (rows.length < PAGE) return { ok: true, entries, head: previous }
  }
}

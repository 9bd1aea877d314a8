import { asc, desc, gt, sql } from 'drizzle-orm'
import { z } from 'zod'
import { type Json, stableHash, toJson } from '../base/index.ts'
import { type Database, type DatabaseTransaction, tables } from '../store/index.ts'

/** What Postgres answers to two statements. */
const tailSchema = z.tuple([
  z.unknown(),
  z.object({ rows: z.array(z.object({ hash: z.string() })) }),
])
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

/**
 * Hash of the newest row, and the log is this transaction's alone to append to. Two statements in one exchange: the
 * second sees what was committed until the lock was had.
 */
export const holdLogTail = async (tx: DatabaseTransaction): Promise<string> => {
  const results: unknown = await tx.execute(
    sql.raw(`select pg_advisory_xact_lock(hashtextextended('tocsin:execution_log', 0));
      select hash from tocsin.execution_log order by seq desc limit 1`),
  )
  const { rows } = tailSchema.parse(results)[1]
  return rows[0]?.hash ?? GENESIS
}

/** Appends one decision; each row carries the hash of the one before. Must run inside a transaction: one writer at a time. */
export const appendExecutionLog = async (
  tx: DatabaseTransaction,
  executionId: string,
  event: string,
  detail: unknown = {},
  tail?: string,
): Promise<string> => {
  const previousHash = tail ?? (await holdLogTail(tx))
  const entry: Entry = { executionId, at: new Date(), event, detail: toJson(detail) }
  const hash = hashOf(previousHash, entry)
  await tx.insert(tables.executionLog).values({ ...entry, previousHash, hash })
  return hash
}

/** A place in the log that was noted elsewhere: what was written up to there cannot be cut off unseen. */
export type LogAnchor = { readonly seq: number; readonly hash: string }

export type VerifyExecutionLogResult =
  | {
      readonly ok: true
      readonly entries: number
      readonly head: string
      /** Of the newest row; 0 when there is none. */
      readonly seq: number
    }
  | { readonly ok: false; readonly entries: number; readonly seq: number; readonly message: string }

type VerifyOptions = {
  /** Verified up to here already: only what follows is walked. Default: from the beginning. */
  readonly after?: LogAnchor | undefined
  readonly anchors?: readonly LogAnchor[]
}

const faultOf = (
  row: typeof tables.executionLog.$inferSelect,
  previous: string,
  anchors: readonly LogAnchor[],
): string | undefined => {
  if (row.previousHash !== previous)
    return `Row ${row.seq} does not follow the row before it: something was removed, inserted or changed.`
  if (row.hash !== hashOf(previous, row)) return `Row ${row.seq} was changed after it was written.`
  return anchors.some(({ seq, hash }) => seq === row.seq && hash !== row.hash)
    ? `Row ${row.seq} is another than the one that was noted: the log was written anew.`
    : undefined
}

const explainLoss = (lost: LogAnchor, last: number): string =>
  lost.seq > last
    ? `The log ends at row ${Math.max(last, 0)}, but row ${lost.seq} was noted: its end was cut off.`
    : `Row ${lost.seq} was noted and is gone.`

/**
 * Walks the log and recomputes every hash. A changed, removed, inserted or reordered row shows; a cut-off end, or a log
 * written anew from the beginning, shows beside an anchor noted elsewhere.
 */
export const verifyExecutionLog = async (
  db: Database,
  options: VerifyOptions = {},
): Promise<VerifyExecutionLogResult> => {
  const anchors = options.anchors ?? []
  let previous = options.after?.hash ?? GENESIS
  let seq = options.after?.seq ?? -1
  let entries = 0
  const seen = new Set<number>(options.after ? [options.after.seq] : [])
  for (;;) {
    const rows = await db
      .select()
      .from(tables.executionLog)
      .where(gt(tables.executionLog.seq, seq))
      .orderBy(asc(tables.executionLog.seq))
      .limit(PAGE)
    for (const row of rows) {
      const message = faultOf(row, previous, anchors)
      if (message) return { ok: false, entries, seq: row.seq, message }
      if (anchors.some((anchor) => anchor.seq === row.seq)) seen.add(row.seq)
      previous = row.hash
      seq = row.seq
      entries++
    }
    if (rows.length < PAGE) break
  }
  const lost = anchors.find((anchor) => !seen.has(anchor.seq))
  if (lost) return { ok: false, entries, seq: lost.seq, message: explainLoss(lost, seq) }
  return { ok: true, entries, head: previous, seq: Math.max(seq, 0) }
}

/** The newest row. */
export const readLogHead = async (db: Database): Promise<LogAnchor | undefined> => {
  const [row] = await db
    .select({ seq: tables.executionLog.seq, hash: tables.executionLog.hash })
    .from(tables.executionLog)
    .orderBy(desc(tables.executionLog.seq))
    .limit(1)
  return row
}

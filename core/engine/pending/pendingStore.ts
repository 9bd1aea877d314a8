import { and, eq, inArray, sql } from 'drizzle-orm'
import type { Hex } from '../../base/index.ts'
import { type Database, type DatabaseTransaction, tables } from '../../store/index.ts'
import type { FindingRow } from '../engineStore.ts'

/**
 * Writes findings of pending transactions, and within the same transaction what they call for.
 * @returns those that are new, or back.
 */
export const commitPending = (
  db: Database,
  rows: readonly FindingRow[],
  latencyMs: number,
  hook: ((tx: DatabaseTransaction, fresh: readonly FindingRow[]) => Promise<void>) | undefined,
): Promise<readonly FindingRow[]> =>
  db.transaction(async (tx) => {
    const { finding } = tables
    const written = await tx
      .insert(finding)
      .values(
        rows.map((row) => ({
          ...row,
          metadata: { ...row.metadata },
          addresses: [...row.addresses],
          labels: row.labels.map((label) => ({ ...label })),
          latencyMs,
        })),
      )
      .onConflictDoUpdate({
        target: finding.id,
        set: {
          status: 'pending',
          blockNumber: sql`excluded.block_number`,
          blockHash: sql`excluded.block_hash`,
          blockTimestampS: sql`excluded.block_timestamp_s`,
          retractedAt: null,
          revision: sql`nextval('tocsin.finding_revision_seq')`,
        },
        setWhere: inArray(finding.status, ['landed', 'dropped']),
      })
      .returning({ id: finding.id })
    const ids = new Set(written.map(({ id }) => id))
    const fresh = rows.filter(({ id }) => ids.has(id))
    if (fresh.length > 0) await hook?.(tx, fresh)
    return fresh
  })

/** Closes the findings of transactions that are pending no more. Returns how many there were. */
export const closePending = async (
  db: Database,
  chainId: number,
  hashes: readonly Hex[],
  status: 'landed' | 'dropped',
): Promise<number> => {
  if (hashes.length === 0) return 0
  const { finding } = tables
  const closed = await db
    .update(finding)
    .set({
      status,
      retractedAt: new Date(),
      revision: sql`nextval('tocsin.finding_revision_seq')`,
    })
    .where(
      and(
        eq(finding.chainId, chainId),
        eq(finding.status, 'pending'),
        inArray(finding.txHash, [...hashes]),
      ),
    )
    .returning({ id: finding.id })
  return closed.length
}

/** A pending transaction with findings, as the database knows it. */
export type OpenPending = {
  readonly hash: Hex
  readonly from: string
  readonly nonce: number
  readonly sinceBlock: number
}

export const loadPending = async (
  db: Database,
  chainId: number,
): Promise<readonly OpenPending[]> => {
  const { finding } = tables
  const rows = await db
    .select({
      hash: finding.txHash,
      sinceBlock: finding.blockNumber,
      metadata: finding.metadata,
    })
    .from(finding)
    .where(and(eq(finding.chainId, chainId), eq(finding.status, 'pending')))
    .limit(1_000)
  return rows.flatMap(({ hash, sinceBlock, metadata }) =>
    hash === null
      ? []
      : {
          hash: hash as Hex,
          from: metadata['pendingFrom'] ?? '',
          nonce: Number(metadata['pendingNonce'] ?? 0),
          sinceBlock,
        },
  )
}

import { eq, sql } from 'drizzle-orm'
import { type Database, type DatabaseTransaction, tables } from '../store/index.ts'

export type CheckRow = typeof tables.crossCheck.$inferSelect

type Chain = { readonly id: number; readonly name: string }

/** The row of a chain; made when it is not there yet. */
export const loadProgress = async (db: Database, chain: Chain): Promise<CheckRow> => {
  await db
    .insert(tables.crossCheck)
    .values({ chainId: chain.id, chainName: chain.name })
    .onConflictDoNothing()
  const [row] = await db
    .select()
    .from(tables.crossCheck)
    .where(eq(tables.crossCheck.chainId, chain.id))
  if (!row) throw new Error(`the row of ${chain.name} went away`)
  return row
}

/**
 * Moves on to `to` and forgets the tallies up to there. False when somebody else did meanwhile: then nothing must be
 * written.
 */
export const advance = async (
  tx: DatabaseTransaction,
  row: Pick<CheckRow, 'chainId' | 'checked'>,
  step: {
    /** First block that was compared. */
    readonly from: number
    readonly to: number
    readonly skipped: number
    readonly differences: number
    readonly lastDifference: number | undefined
  },
): Promise<boolean> => {
  const moved = await tx.execute(sql`
    update tocsin.cross_check set checked = ${step.to}::bigint, from_block = coalesce(from_block, ${step.from}::bigint),
      skipped = skipped + ${step.skipped}::bigint, differences = differences + ${step.differences}::bigint,
      last_difference = coalesce(${step.lastDifference ?? null}::bigint, last_difference)
    where chain_id = ${row.chainId}::int and checked is not distinct from ${row.checked}::bigint`)
  if (moved.rowCount !== 1) return false
  await tx.execute(
    sql`delete from tocsin.block_tally where chain_id = ${row.chainId}::int and block_number <= ${step.to}::bigint`,
  )
  return true
}

/** Says how the comparison is doing: what waits, since when and why. */
export const noteProgress = async (
  db: Database,
  chainId: number,
  state: Pick<CheckRow, 'goal' | 'goalSince' | 'reason' | 'compared' | 'known'>,
): Promise<void> => {
  await db
    .update(tables.crossCheck)
    .set({ ...state, updatedAt: new Date() })
    .where(eq(tables.crossCheck.chainId, chainId))
}

import { and, inArray, isNull, sql } from 'drizzle-orm'
import { type DatabaseTransaction, tables } from '../../store/index.ts'

export type HeldInsert = typeof tables.heldNotice.$inferInsert

/** Remembers what people are not told yet; of each alert the newest counts. Wants the alert lock. */
export const holdNotices = async (
  tx: DatabaseTransaction,
  notices: readonly HeldInsert[],
): Promise<void> => {
  const newest = [...new Map(notices.map((notice) => [notice.alertId, notice])).values()]
  for (let from = 0; from < newest.length; from += 500) {
    await tx
      .insert(tables.heldNotice)
      .values(newest.slice(from, from + 500))
      .onConflictDoUpdate({
        target: tables.heldNotice.alertId,
        targetWhere: sql`released_at is null`,
        set: {
          reason: sql`excluded.reason`,
          heldBy: sql`excluded.held_by`,
          change: sql`excluded.change`,
          severity: sql`excluded.severity`,
          channels: sql`excluded.channels`,
          dueAt: sql`excluded.due_at`,
        },
      })
  }
}

/** Nothing waits for these alerts any more. */
export const releaseNotices = async (
  tx: DatabaseTransaction,
  alertIds: readonly string[],
  outcome: 'told' | 'digest' | 'over',
  now: Date,
): Promise<void> => {
  for (let from = 0; from < alertIds.length; from += 5_000) {
    await tx
      .update(tables.heldNotice)
      .set({ releasedAt: now, outcome })
      .where(
        and(
          inArray(tables.heldNotice.alertId, alertIds.slice(from, from + 5_000)),
          isNull(tables.heldNotice.releasedAt),
        ),
      )
  }
}

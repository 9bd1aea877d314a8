import { and, eq, lt, sql } from 'drizzle-orm'
import { type Database, tables } from '../store/index.ts'
import type { ThreadBook } from './types.ts'

/** So long somebody may still answer in a thread. */
const KEPT_DAYS = 90

/** The threads of one channel, in the database: they outlive the notifier. */
export const createThreadBook = (db: Database, channel: string): ThreadBook => ({
  find: async (lane) => {
    const [row] = await db
      .select({ reference: tables.channelThread.reference })
      .from(tables.channelThread)
      .where(and(eq(tables.channelThread.channel, channel), eq(tables.channelThread.lane, lane)))
    return row?.reference
  },
  keep: async (lane, reference) => {
    await db.insert(tables.channelThread).values({ channel, lane, reference }).onConflictDoNothing()
  },
})

/** Forgets threads that nobody will answer in any more. */
export const forgetThreads = async (db: Database): Promise<void> => {
  await db
    .delete(tables.channelThread)
    .where(lt(tables.channelThread.createdAt, sql`now() - ${KEPT_DAYS} * interval '1 day'`))
}

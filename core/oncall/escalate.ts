import { sql } from 'drizzle-orm'
import type { Database } from '../store/index.ts'
import { openEscalations, settleEscalations } from './openEscalations.ts'
import { type PagingConfig, takeStep } from './takeStep.ts'

/** Steps of one turn; what is left comes in the next. */
const MOST_STEPS = 500

/** The database's clock: the only one that timers go by. */
export const readNow = async (db: Database): Promise<Date> => {
  const { rows } = await db.execute<{ ms: number }>(
    sql`select (extract(epoch from clock_timestamp()) * 1000)::float8 as ms`,
  )
  return new Date(Math.floor(Number(rows[0]?.ms)))
}

/**
 * One turn of the pager: ends what is answered, begins what is new, and does every step that is due. Any number of
 * processes may do so at once.
 */
export const escalate = async (options: {
  readonly db: Database
  readonly config: PagingConfig
  /** Default: the database's now. */
  readonly now?: Date
}): Promise<{ readonly opened: number; readonly ended: number; readonly steps: number }> => {
  const { db, config } = options
  const now = options.now ?? (await readNow(db))
  const ended = await settleEscalations(db, config.onCall, now)
  const opened = await openEscalations(db, config.onCall, now)
  let steps = 0
  while (steps < MOST_STEPS && (await takeStep(db, config, now))) steps += 1
  return { opened, ended, steps }
}

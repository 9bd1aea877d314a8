import { sql } from 'drizzle-orm'
import type { DatabaseTransaction } from '../store/index.ts'

const ALERT_LOCK = 7_268_332

/**
 * Every change of alerts and every insert into the outbox happens under this lock, held to the end of the
 * transaction: so the outbox's sequence is the order of commits, and two notifiers never fold at once.
 */
export const lockAlerts = async (tx: DatabaseTransaction): Promise<void> => {
  await tx.execute(sql`select pg_advisory_xact_lock(${ALERT_LOCK})`)
}

/** As `lockAlerts`, without waiting: false when somebody else has it. */
export const tryLockAlerts = async (tx: DatabaseTransaction): Promise<boolean> => {
  const { rows } = await tx.execute<{ got: boolean }>(
    sql`select pg_try_advisory_xact_lock(${ALERT_LOCK}) as got`,
  )
  return rows[0]?.got === true
}

/** The database's clock, the only one that decides about alerts. */
export const databaseNow = async (tx: DatabaseTransaction): Promise<Date> => {
  const { rows } = await tx.execute<{ ms: number }>(
    sql`select (extract(epoch from clock_timestamp()) * 1000)::float8 as ms`,
  )
  return new Date(Math.floor(Number(rows[0]?.ms)))
}

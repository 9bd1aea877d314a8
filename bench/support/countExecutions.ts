import { eq, isNotNull } from 'drizzle-orm'
import { type Store, tables } from '../../core/store/index.ts'

/** Counted in Postgres: reading whole rows again and again would disturb what is measured. */
export const countExecutions = (
  { db }: Pick<Store, 'db'>,
  what: 'broadcast' | 'succeeded',
): Promise<number> => {
  const { execution } = tables
  return db.$count(
    execution,
    what === 'broadcast' ? isNotNull(execution.broadcastAt) : eq(execution.status, 'succeeded'),
  )
}

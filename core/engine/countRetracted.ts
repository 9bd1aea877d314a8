import { sql } from 'drizzle-orm'
import type { FeedEvent } from '../chain/index.ts'
import type { Database } from '../store/index.ts'

/** How many findings of each bot a rollback that is committed has retracted. */
export const countRetracted = async (
  db: Database,
  chainId: number,
  { to, orphaned }: Extract<FeedEvent, { kind: 'rollback' }>,
): Promise<ReadonlyMap<string, number>> => {
  if (orphaned.length === 0) return new Map()
  const hashes = sql.join(
    orphaned.map(({ hash }) => sql`${hash}`),
    sql`, `,
  )
  const { rows } = await db.execute<{ bot: string; count: number }>(sql`
    select bot_id as bot, count(*)::int as count from tocsin.finding
    where chain_id = ${chainId} and block_number > ${to.number} and status = 'retracted'
      and block_hash in (${hashes})
    group by bot_id`)
  return new Map(rows.map(({ bot, count }) => [bot, count]))
}

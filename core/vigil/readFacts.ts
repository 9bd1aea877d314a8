import { sql } from 'drizzle-orm'
import type { Config } from '../config/types.ts'
import type { Database } from '../store/index.ts'
import type { Facts } from './problems.ts'

type Known = Omit<Facts, 'canary' | 'missedPings'>

/** Reads how everything stands, in short queries on indexes. @throws when Postgres does not answer */
export const readFacts = async (db: Database, config: Pick<Config, 'chains'>): Promise<Known> => {
  const [processes, chains, channels, queue] = await Promise.all([
    db.execute<{
      name: string
      status: Known['processes'][number]['status']
      reason: string
      heartbeat_at: string
      now: string
    }>(sql`select name, status, reason, to_json(heartbeat_at)#>>'{}' as heartbeat_at, to_json(now())#>>'{}' as now
      from tocsin.process_status`),
    db.execute<{ id: number; name: string; number: string; head: string | null; at: string }>(sql`
      select chain_id as id, chain_name as name, number, head, to_json(updated_at)#>>'{}' as at
      from tocsin.chain_cursor`),
    db.execute<{ name: string; pending: number; oldest: number; page: number }>(sql`
      select channel as name, count(*)::int as pending,
        extract(epoch from now() - min(created_at))::float8 as oldest,
        coalesce(extract(epoch from now() - min(created_at) filter (where severity = 'SEV1')), 0)::float8 as page
      from tocsin.outbox where status = 'pending' group by channel`),
    db.execute<{ oldest: number | null; now: string }>(sql`
      select to_json(now())#>>'{}' as now, (
        select extract(epoch from now() - f.created_at)::float8
        from tocsin.finding_queue q join tocsin.finding f on f.id = q.finding_id
        order by q.seq limit 1) as oldest`),
  ])
  const byId = new Map(config.chains.map((chain) => [chain.id, chain]))
  return {
    now: new Date(queue.rows[0]?.now ?? Date.now()),
    processes: processes.rows.map(({ heartbeat_at, now: _, ...row }) => ({
      ...row,
      heartbeatAt: new Date(heartbeat_at),
    })),
    // Of a chain that the watchlist no longer names nothing is expected.
    chains: chains.rows.flatMap((row) => {
      const chain = byId.get(row.id)
      if (!chain) return []
      const number = Number(row.number)
      return [
        {
          name: chain.name,
          number,
          head: Math.max(number, Number(row.head ?? 0)),
          progressAt: new Date(row.at),
          blockTimeMs: chain.blockTimeMs,
        },
      ]
    }),
    channels: channels.rows.map(({ name, pending, oldest, page }) => ({
      name,
      pending,
      oldestS: Number(oldest),
      oldestPageS: Number(page),
    })),
    oldestUnfoldedS: Number(queue.rows[0]?.oldest ?? 0),
  }
}

import { drizzle, type NodePgDatabase } from 'drizzle-orm/node-postgres'
import pg from 'pg'
import { messageOf, sleep, TocsinError } from '../base/index.ts'
import * as schema from './schema.ts'

export type Database = NodePgDatabase<typeof schema>
export type DatabaseTransaction = Parameters<Parameters<Database['transaction']>[0]>[0]

export type Store = {
  readonly db: Database
  readonly pool: pg.Pool
  readonly url: string
  readonly stop: () => Promise<void>
}

export type ConnectOptions = {
  readonly url: string
  /** Shown in pg_stat_activity. */
  readonly name: string
  readonly poolSize?: number
  /** How long to keep trying to reach the server before giving up (ms). Default: 10000. */
  readonly patienceMs?: number
  readonly onError?: (error: unknown) => void
}

/**
 * Connects, and tries again with a pause until `patienceMs` is over.
 * @throws TocsinError `store.unreachable`
 */
export const connectDatabase = async (options: ConnectOptions): Promise<Store> => {
  const pool = new pg.Pool({
    connectionString: options.url,
    application_name: `tocsin-${options.name}`,
    max: options.poolSize ?? 5,
    connectionTimeoutMillis: 5_000,
    // A client whose server went away without a word must not hang a block for ever.
    query_timeout: 30_000,
    keepAlive: true,
  })
  // Idle clients emit errors when the server restarts; unhandled they would end the process.
  pool.on('error', (error) => options.onError?.(error))
  // So do clients that are cut off between two queries of a transaction; its next query then rejects.
  pool.on('connect', (client) => client.on('error', (error) => options.onError?.(error)))
  const deadline = Date.now() + (options.patienceMs ?? 10_000)
  for (;;) {
    try {
      await pool.query('select 1')
      break
    } catch (error) {
      if (Date.now() > deadline) {
        await pool.end()
        throw new TocsinError(
          'store.unreachable',
          `Postgres cannot be reached: ${messageOf(error)}`,
          {
            cause: error,
            retry: { afterMs: 1_000 },
            hints: [
              'Check that it runs and that DATABASE_URL names it.',
              'Without DATABASE_URL, `tocsin start` runs an embedded Postgres.',
            ],
          },
        )
      }
      await sleep(200)
    }
  }
  return { db: createDatabase(pool), pool, url: options.url, stop: () => pool.end() }
}

/**
 * Drizzle's own `transaction` keeps the pool's client for ever when `begin` fails, as it does after a server restart;
 * a handful of those and the pool is empty. This one gives it back, and drops it after any failure.
 */
const createDatabase = (pool: pg.Pool): Database => {
  const db: Database = drizzle(pool, { schema })
  const byClient = new WeakMap<pg.PoolClient, NodePgDatabase<typeof schema>>()
  db.transaction = async (work, config) => {
    const client = await pool.connect()
    const own = byClient.get(client) ?? drizzle(client, { schema })
    byClient.set(client, own)
    let failed = true
    try {
      const result = await own.transaction(work, config)
      failed = false
      return result
    } finally {
      client.release(failed)
    }
  }
  return db
}

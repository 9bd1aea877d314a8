import { drizzle, type NodePgDatabase } from 'drizzle-orm/node-postgres'
import pg from 'pg'
import { messageOf, sleep, TocsinError } from '../base/index.ts'
import { keepStatements } from './keptStatements.ts'
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

/** Runs in the transaction that is given, or in one of its own. */
export const inTransaction = <T>(
  db: Database | DatabaseTransaction,
  work: (tx: DatabaseTransaction) => Promise<T>,
): Promise<T> => ('rollback' in db ? work(db) : db.transaction(work))

const hostOf = (url: string): string => new URL(url).host || 'its socket'

const checkUrl = (url: string): void => {
  if (URL.canParse(url) && /^postgres(ql)?:$/.test(new URL(url).protocol)) return
  throw new TocsinError('store.bad_url', 'The address of the database is no postgres:// URL.', {
    exitCode: 2,
    hints: ['Check DATABASE_URL: postgresql://user:password@host:5432/database.'],
  })
}

/** What no waiting mends: the server answered, and will not have us. */
const REFUSALS: Readonly<Record<string, { readonly code: string; readonly hint: string }>> = {
  '28P01': { code: 'store.not_authorised', hint: 'Check user and password in DATABASE_URL.' },
  '28000': {
    code: 'store.not_authorised',
    hint: 'Check the user in DATABASE_URL and pg_hba.conf.',
  },
  '42501': {
    code: 'store.not_authorised',
    hint: 'Give the user of DATABASE_URL the right to connect and to create schemas: `grant connect, create on database …`.',
  },
  '3D000': {
    code: 'store.no_database',
    hint: 'Create it with `createdb`, or correct DATABASE_URL.',
  },
}

/** An error of Postgres by which it refuses us for good, in our words; undefined for any other. */
export const refusalOf = (error: unknown): TocsinError | undefined => {
  const cause = error instanceof Error && 'cause' in error && error.cause ? error.cause : error
  const sqlState =
    typeof cause === 'object' && cause !== null && 'code' in cause ? String(cause.code) : ''
  const known = REFUSALS[sqlState]
  return (
    known &&
    new TocsinError(known.code, `Postgres refuses: ${messageOf(cause)}.`, {
      cause: error,
      hints: [known.hint],
    })
  )
}

/**
 * Connects, and tries again with a pause until `patienceMs` is over; what no waiting mends ends it at once.
 * @throws TocsinError `store.bad_url`, `store.not_authorised`, `store.no_database`, `store.unreachable`
 */
export const connectDatabase = async (options: ConnectOptions): Promise<Store> => {
  checkUrl(options.url)
  const pool = new pg.Pool({
    connectionString: options.url,
    application_name: `tocsin-${options.name}`,
    max: options.poolSize ?? 5,
    connectionTimeoutMillis: 5_000,
    // A client whose server went away without a word must not hang a block for ever.
    query_timeout: 30_000,
    keepAlive: true,
    // A block every twelve seconds, or an answer after a quiet week, must not wait for a handshake.
    idleTimeoutMillis: 0,
    // What is asked together travels together; the server still answers in order.
    pipeline: true,
  })
  // Idle clients emit errors when the server restarts; unhandled they would end the process.
  pool.on('error', (error) => options.onError?.(error))
  // So do clients that are cut off between two queries of a transaction; its next query then rejects.
  pool.on('connect', (client) => {
    client.on('error', (error) => options.onError?.(error))
    keepStatements(client)
  })
  const deadline = Date.now() + (options.patienceMs ?? 10_000)
  for (;;) {
    try {
      await pool.query('select 1')
      break
    } catch (error) {
      const refusal = refusalOf(error)
      if (refusal) {
        await pool.end()
        throw refusal
      }
      if (Date.now() > deadline) {
        await pool.end()
        throw new TocsinError(
          'store.unreachable',
          `Postgres at ${hostOf(options.url)} cannot be reached: ${messageOf(error)}.`,
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

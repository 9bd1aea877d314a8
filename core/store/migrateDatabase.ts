import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { migrate } from 'drizzle-orm/node-postgres/migrator'
import { TocsinError } from '../base/index.ts'
import type { Store } from './connectDatabase.ts'

// The SQL files are not compiled: from dist/core/store the way leads back to the package's own folder.
const findMigrations = (): string => {
  for (const path of ['./migrations', '../../../core/store/migrations']) {
    const folder = fileURLToPath(new URL(path, import.meta.url))
    if (existsSync(folder)) return folder
  }
  throw new TocsinError(
    'store.no_migrations',
    'The SQL migrations are missing from this installation.',
  )
}

/** Brings the `tocsin` schema up to date. Safe to call from several processes at once (advisory lock). */
export const migrateDatabase = async (store: Store): Promise<void> => {
  const lockKey = 7_268_331
  const client = await store.pool.connect()
  try {
    await client.query('select pg_advisory_lock($1)', [lockKey])
    await migrate(store.db, {
      migrationsFolder: findMigrations(),
      migrationsSchema: 'tocsin_migrations',
    })
  } finally {
    await client.query('select pg_advisory_unlock($1)', [lockKey]).catch(() => undefined)
    client.release()
  }
}

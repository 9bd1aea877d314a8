import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { migrate } from 'drizzle-orm/node-postgres/migrator'
import type pg from 'pg'
import { z } from 'zod'
import { TocsinError } from '../base/index.ts'
import { refusalOf, type Store } from './connectDatabase.ts'

const SCHEMA = 'tocsin_migrations'
const journalSchema = z.object({ entries: z.array(z.object({ when: z.number() })).min(1) })

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

/** When the newest migration that this installation knows was made (ms). */
const newestKnown = (folder: string): number => {
  const journal = journalSchema.parse(
    JSON.parse(readFileSync(join(folder, 'meta', '_journal.json'), 'utf8')),
  )
  return Math.max(...journal.entries.map(({ when }) => when))
}

/**
 * Whether all is done already. A schema of a newer Tocsin may mean something else by the same names: it is not written
 * to.
 */
const isCurrent = async (client: pg.PoolClient, folder: string): Promise<boolean> => {
  const { rows: found } = await client.query<{ name: string | null }>(
    `select to_regclass('${SCHEMA}.__drizzle_migrations')::text as name`,
  )
  if (!found[0]?.name) return false
  const { rows } = await client.query<{ newest: string | null }>(
    `select max(created_at) as newest from ${SCHEMA}.__drizzle_migrations`,
  )
  const newest = Number(rows[0]?.newest ?? 0)
  const known = newestKnown(folder)
  if (newest <= known) return newest === known
  throw new TocsinError(
    'store.newer_schema',
    'The database was written by a newer version of Tocsin than this one.',
    {
      hints: ['Run that version, or name another database or dataDir.'],
      exitCode: 2,
    },
  )
}

/**
 * Brings the `tocsin` schema up to date. Safe to call from several processes at once (advisory lock).
 * @throws TocsinError `store.newer_schema` when a newer version of Tocsin has been there, `store.not_authorised`
 */
export const migrateDatabase = async (store: Store): Promise<void> => {
  const lockKey = 7_268_331
  const client = await store.pool.connect()
  try {
    await client.query('select pg_advisory_lock($1)', [lockKey])
    const migrationsFolder = findMigrations()
    // A process with few rights can see that nothing is left to do, and could do nothing.
    if (await isCurrent(client, migrationsFolder)) return
    await migrate(store.db, { migrationsFolder, migrationsSchema: SCHEMA })
  } catch (error) {
    throw refusalOf(error) ?? error
  } finally {
    await client.query('select pg_advisory_unlock($1)', [lockKey]).catch(() => undefined)
    client.release()
  }
}

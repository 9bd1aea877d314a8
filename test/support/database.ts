import { randomBytes } from 'node:crypto'
import pg from 'pg'
import { inject } from 'vitest'
import { connectDatabase, migrateDatabase, type Store } from '../../core/store/index.ts'

export type TestDatabase = Store & { readonly drop: () => Promise<void> }

/** A fresh, migrated database on the test run's own Postgres. Call `drop` when done. */
export const createTestDatabase = async (
  options: { readonly migrate?: boolean } = {},
): Promise<TestDatabase> => {
  const name = `t_${randomBytes(6).toString('hex')}`
  const isMigrated = options.migrate ?? true
  const base = inject('postgresUrl')
  const admin = async (query: string): Promise<void> => {
    const client = new pg.Client({ connectionString: base })
    await client.connect()
    await client.query(query)
    await client.end()
  }
  await admin(
    isMigrated
      ? `create database ${name} template ${inject('postgresTemplate')}`
      : `create database ${name}`,
  )
  const url = new URL(base)
  url.pathname = `/${name}`
  const store = await connectDatabase({ url: url.href, name: 'test', poolSize: 10 })
  // What a copy lacks belongs to the database itself, as rights on it.
  if (isMigrated) await migrateDatabase(store)
  return {
    ...store,
    drop: async () => {
      await store.stop()
      await admin(`drop database if exists ${name} with (force)`)
      await admin(`drop role if exists ${name}_intake`)
    },
  }
}

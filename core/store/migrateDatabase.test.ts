import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../test/support/database.ts'
import { startEmbeddedPostgres } from './embeddedPostgres.ts'
import { migrateDatabase } from './migrateDatabase.ts'

let database: TestDatabase
let folder: string
beforeAll(async () => {
  database = await createTestDatabase()
  folder = await mkdtemp(join(tmpdir(), 'tocsin-store-'))
  await chmod(folder, 0o755)
}, 120_000)
afterAll(async () => {
  await database?.drop()
  await rm(folder, { recursive: true, force: true })
})

test('error: a database of a newer version is refused, and nothing is written to it', async () => {
  await migrateDatabase(database)
  await database.pool.query(
    `insert into tocsin_migrations.__drizzle_migrations (hash, created_at) values ('later', 9000000000000)`,
  )
  await expect(migrateDatabase(database)).rejects.toMatchObject({
    code: 'store.newer_schema',
    exitCode: 2,
  })
  await database.pool.query(
    `delete from tocsin_migrations.__drizzle_migrations where hash = 'later'`,
  )
  await migrateDatabase(database)
})

test('error: a data folder of another Postgres is a fault of the configuration', async () => {
  const cluster = join(folder, 'data', 'postgres')
  await mkdir(cluster, { recursive: true })
  await writeFile(join(cluster, 'PG_VERSION'), '11\n')
  await expect(startEmbeddedPostgres({ dataDir: join(folder, 'data') })).rejects.toMatchObject({
    code: 'store.other_version',
    exitCode: 2,
  })
})

import { sql } from 'drizzle-orm'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../test/support/database.ts'
import { sleep } from '../base/index.ts'

let store: TestDatabase
beforeAll(async () => {
  store = await createTestDatabase({ migrate: false })
})
afterAll(() => store?.drop())

const cutAll = () =>
  store.pool.query(
    'select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()',
  )

test('behavior: transactions whose connection is cut between two queries give their client back', async () => {
  for (let round = 0; round < 30; round++) {
    await expect(
      store.db.transaction(async (tx) => {
        await tx.execute(sql`select 1`)
        await cutAll()
        await sleep(2)
        await tx.execute(sql`select 1`)
      }),
    ).rejects.toThrow()
  }
  await store.db.transaction((tx) => tx.execute(sql`select 1`))
  expect(store.pool.totalCount - store.pool.idleCount).toBe(0)
})

test('behavior: a transaction that cannot even begin gives its client back', async () => {
  const bad = { isolationLevel: 'no such level' as 'serializable' }
  for (let round = 0; round < 30; round++) {
    await expect(store.db.transaction(async () => undefined, bad)).rejects.toThrow()
  }
  expect(store.pool.totalCount - store.pool.idleCount).toBe(0)
})

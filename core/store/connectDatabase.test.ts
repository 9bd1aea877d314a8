import { sql } from 'drizzle-orm'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../test/support/database.ts'
import { sleep } from '../base/index.ts'
import { connectDatabase } from './connectDatabase.ts'
import { migrateDatabase } from './migrateDatabase.ts'

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

const faultOf = (url: string) =>
  connectDatabase({ url, name: 'test', patienceMs: 60_000 }).then(
    async ({ stop }) => {
      await stop()
      throw new Error('it connected')
    },
    (error: unknown) => error,
  )

test.each(['not a url', 'mysql://u:sekret@127.0.0.1/x', 'base'])(
  'error: the address %s is refused at once, and not shown',
  async (url) => {
    const error = await faultOf(url)
    expect(error).toMatchObject({ code: 'store.bad_url', exitCode: 2 })
    expect(String(error)).not.toContain('sekret')
  },
)

test('error: what no waiting mends ends at once: wrong password, no such database', async () => {
  const wrong = new URL(store.url)
  wrong.password = 'wrong'
  expect(await faultOf(wrong.href)).toMatchObject({ code: 'store.not_authorised' })
  const gone = new URL(store.url)
  gone.pathname = '/no_such_database'
  expect(await faultOf(gone.href)).toMatchObject({
    code: 'store.no_database',
    message: expect.stringContaining('no_such_database'),
  })
})

test('error: a user who may not create a schema is told so', async () => {
  const role = `r_${Date.now()}`
  await store.pool.query(`create role ${role} login password 'p'`)
  const poor = new URL(store.url)
  poor.username = role
  poor.password = 'p'
  const connected = await connectDatabase({ url: poor.href, name: 'test' })
  try {
    await expect(migrateDatabase(connected)).rejects.toMatchObject({
      code: 'store.not_authorised',
      hints: [expect.stringContaining('grant connect, create on database')],
    })
  } finally {
    await connected.stop()
    await store.pool.query(`drop role ${role}`)
  }
})

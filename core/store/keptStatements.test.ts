import { sql } from 'drizzle-orm'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../test/support/database.ts'
import { KEPT } from './keptStatements.ts'

let database: TestDatabase
beforeAll(async () => {
  database = await createTestDatabase()
})
afterAll(() => database.drop())

test('behavior: a marked statement is kept by its connection, also in a transaction, others are not', async () => {
  await database.db.transaction(async (tx) => {
    const answers = await Promise.all(
      [1, 2, 3].map((each) => tx.execute(sql`${KEPT} select ${each}::int as n`)),
    )
    expect(answers.map(({ rows }) => rows)).toEqual([[{ n: 1 }], [{ n: 2 }], [{ n: 3 }]])
    await tx.execute(sql`select ${4}::int as other`)
    const { rows } = await tx.execute(
      sql.raw('select statement, generic_plans + custom_plans as uses from pg_prepared_statements'),
    )
    expect(rows).toEqual([{ statement: '/* kept */ select $1::int as n', uses: '3' }])
  })
})

test('error: one that fails is an error, and can be asked again', async () => {
  const { db } = database
  const divide = (by: number) => db.execute(sql`${KEPT} select 6 / ${by}::int as n`)
  await expect(divide(0)).rejects.toThrow('division by zero')
  expect((await divide(3)).rows).toEqual([{ n: 2 }])
  await expect(db.execute(sql`${KEPT} select ${1} from tocsin.nothing`)).rejects.toThrow('nothing')
  await expect(db.execute(sql`${KEPT} select ${1} from tocsin.nothing`)).rejects.toThrow('nothing')
})

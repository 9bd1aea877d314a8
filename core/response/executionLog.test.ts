import { eq } from 'drizzle-orm'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../test/support/database.ts'
import { tables } from '../store/index.ts'
import { appendExecutionLog, verifyExecutionLog } from './executionLog.ts'

let database: TestDatabase
beforeAll(async () => {
  database = await createTestDatabase()
})
afterAll(() => database?.drop())
beforeEach(async () => {
  await database.db.delete(tables.executionLog)
  for (let i = 0; i < 5; i++) await append(`x_${i}`)
})

const append = (id: string) =>
  database.db.transaction((tx) =>
    appendExecutionLog(tx, id, 'refused', { costWei: 10n ** 30n, code: 'stale', list: [1, null] }),
  )
const seqs = async (): Promise<number[]> =>
  (
    await database.db
      .select({ seq: tables.executionLog.seq })
      .from(tables.executionLog)
      .orderBy(tables.executionLog.seq)
  ).map(({ seq }) => seq)

test('default: a log that nobody touched is whole', async () => {
  expect(await verifyExecutionLog(database.db)).toMatchObject({ ok: true, entries: 5 })
})

test('behavior: writers at once still make one chain', async () => {
  await Promise.all(Array.from({ length: 9 }, (_, i) => append(`y_${i}`)))
  expect(await verifyExecutionLog(database.db)).toMatchObject({ ok: true, entries: 14 })
})

const second = async (): Promise<number> => (await seqs())[1] ?? 0
const tamperings: readonly (readonly [string, (seq: number) => Promise<unknown>])[] = [
  [
    'a changed event',
    (seq) =>
      database.db
        .update(tables.executionLog)
        .set({ event: 'sent' })
        .where(eq(tables.executionLog.seq, seq)),
  ],
  [
    'a changed detail',
    (seq) =>
      database.db
        .update(tables.executionLog)
        .set({ detail: {} })
        .where(eq(tables.executionLog.seq, seq)),
  ],
  [
    'a changed execution',
    (seq) =>
      database.db
        .update(tables.executionLog)
        .set({ executionId: 'x_9' })
        .where(eq(tables.executionLog.seq, seq)),
  ],
  [
    'a changed time',
    (seq) =>
      database.db
        .update(tables.executionLog)
        .set({ at: new Date(0) })
        .where(eq(tables.executionLog.seq, seq)),
  ],
  [
    'a removed row',
    (seq) => database.db.delete(tables.executionLog).where(eq(tables.executionLog.seq, seq)),
  ],
  [
    'a removed first row',
    async () =>
      database.db
        .delete(tables.executionLog)
        .where(eq(tables.executionLog.seq, (await seqs())[0] ?? 0)),
  ],
]
test.each(tamperings)('error: %s shows', async (_, tamper) => {
  await tamper(await second())
  expect((await verifyExecutionLog(database.db)).ok).toBe(false)
})

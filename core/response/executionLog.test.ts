import { eq, gt, sql } from 'drizzle-orm'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../test/support/database.ts'
import { tables } from '../store/index.ts'
import { appendExecutionLog, readLogHead, verifyExecutionLog } from './executionLog.ts'

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
const tamperings: (readonly [string, (seq: number) => Promise<unknown>])[] = [
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
tamperings.push([
  'a swap of two rows',
  async (seq) => {
    const all = await seqs()
    const other = all[3] ?? 0
    await database.db.execute(sql`update tocsin.execution_log
      set seq = case seq when ${seq} then -1 else -2 end where seq in (${seq}, ${other})`)
    await database.db.execute(sql`update tocsin.execution_log
      set seq = case seq when -1 then ${other}::bigint else ${seq}::bigint end where seq < 0`)
  },
])
test.each(tamperings)('error: %s shows', async (_, tamper) => {
  await tamper(await second())
  expect((await verifyExecutionLog(database.db)).ok).toBe(false)
})

test('error: a cut-off end shows beside the head that was noted', async () => {
  const head = await readLogHead(database.db)
  if (!head) throw new Error('no head')
  expect(await verifyExecutionLog(database.db, { anchors: [head] })).toMatchObject({ ok: true })
  await database.db
    .delete(tables.executionLog)
    .where(gt(tables.executionLog.seq, (await seqs())[2] ?? 0))
  expect(await verifyExecutionLog(database.db)).toMatchObject({ ok: true, entries: 3 })
  expect(await verifyExecutionLog(database.db, { anchors: [head] })).toMatchObject({
    ok: false,
    message: expect.stringContaining('cut off'),
  })
})

test('error: a log that was written anew is not the one that was noted', async () => {
  const head = await readLogHead(database.db)
  if (!head) throw new Error('no head')
  const all = await seqs()
  await database.db.delete(tables.executionLog)
  for (const [at] of all.entries()) await append(`z_${at}`)
  const fresh = await seqs()
  for (const [at, seq] of fresh.entries())
    await database.db.execute(
      sql`update tocsin.execution_log set seq = ${all[at] ?? 0} where seq = ${seq}`,
    )
  expect((await verifyExecutionLog(database.db)).ok).toBe(true)
  expect(await verifyExecutionLog(database.db, { anchors: [head] })).toMatchObject({
    ok: false,
    message: expect.stringContaining('written anew'),
  })
})

test('behavior: what was verified once need not be walked again', async () => {
  const head = await readLogHead(database.db)
  await append('later')
  expect(await verifyExecutionLog(database.db, { after: head })).toMatchObject({
    ok: true,
    entries: 1,
  })
})

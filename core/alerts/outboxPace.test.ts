import { sql } from 'drizzle-orm'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../test/support/database.ts'
import { toJson } from '../base/index.ts'
import { tables } from '../store/index.ts'
import { sampleMessage } from './channelConformance.ts'
import { claimMessages } from './outbox.ts'
import { createThreadBook, forgetThreads } from './threads.ts'

let store: TestDatabase
beforeAll(async () => {
  store = await createTestDatabase()
})
afterAll(() => store?.drop())

const PACE = { perMinute: 60, burst: 5 }

beforeEach(async () => {
  await store.db.delete(tables.outbox)
  await store.db.delete(tables.channelSlot)
  const rows = ['paced', 'other'].flatMap((channel) =>
    Array.from({ length: 20 }, (_, index) => ({
      dedupKey: `${channel}.${index}`,
      channel,
      alertId: `a_${index}`,
      lane: `a_${index}`,
      severity: index === 19 ? ('SEV1' as const) : ('SEV3' as const),
      payload: toJson(
        sampleMessage({ alert: `a_${index}`, severity: index === 19 ? 'SEV1' : 'SEV3' }),
      ),
    })),
  )
  await store.db.insert(tables.outbox).values(rows)
})

const claim = async (
  by: number,
  options: { channel?: string; limit?: number; pace?: typeof PACE } = {},
) =>
  (
    await claimMessages(store.db, {
      channel: 'paced',
      by,
      limit: 8,
      leaseMs: 60_000,
      pace: PACE,
      ...options,
    })
  ).map(({ message }) => message.alert)

/** As though so much time had passed since the last message. */
const wait = (seconds: number): Promise<unknown> =>
  store.db.update(tables.channelSlot).set({
    dueAt: sql`${tables.channelSlot.dueAt} - ${seconds} * interval '1 second'`,
  })

test('behavior: a channel with a pace gives a burst, then one message per step, the gravest first, however many ask', async () => {
  expect(await claim(1)).toEqual(['a_19', 'a_0', 'a_1', 'a_2', 'a_3'])
  expect(await claim(2)).toEqual([])
  await wait(2.5)
  expect(await claim(2)).toEqual(['a_4', 'a_5'])
  expect(await claim(1)).toEqual([])
  await wait(3_600)
  expect(await claim(1)).toHaveLength(5)
  expect(await claim(1)).toEqual([])
})

test('behavior: two notifiers that ask at once share one pace', async () => {
  const claimed = await Promise.all([claim(1), claim(2), claim(3)])
  // The first turn of all has no row to wait for.
  const first = claimed.flat()
  expect(new Set(first).size).toBe(first.length)
  await wait(1_000)
  const again = await Promise.all([claim(1), claim(2), claim(3), claim(1)])
  expect(again.flat()).toHaveLength(5)
})

test('behavior: a channel without a pace is not held back, and a paced one holds back no other', async () => {
  await claim(1)
  const all = await claimMessages(store.db, { channel: 'other', by: 1, limit: 20, leaseMs: 60_000 })
  expect(all).toHaveLength(20)
  expect(await store.db.select().from(tables.channelSlot)).toHaveLength(1)
})

test('behavior: threads are kept by channel and lane, the first stands, old ones are forgotten', async () => {
  const [slack, other] = [createThreadBook(store.db, 'slack'), createThreadBook(store.db, 'other')]
  await slack.keep('i_1', 'first')
  await slack.keep('i_1', 'second')
  expect([await slack.find('i_1'), await slack.find('i_2'), await other.find('i_1')]).toEqual([
    'first',
    undefined,
    undefined,
  ])
  await forgetThreads(store.db)
  expect(await slack.find('i_1')).toBe('first')
  await store.db.update(tables.channelThread).set({ createdAt: sql`now() - interval '91 days'` })
  await forgetThreads(store.db)
  expect(await slack.find('i_1')).toBeUndefined()
})

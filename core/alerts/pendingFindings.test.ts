import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../test/support/database.ts'
import { PENDING_PREFIX } from '../base/index.ts'
import { tables } from '../store/index.ts'
import { foldFindings } from './foldFindings.ts'
import { findingOf, record, routingConfig, toldMessages } from './testSupport.ts'

let store: TestDatabase
beforeAll(async () => {
  store = await createTestDatabase()
})
afterAll(() => store?.drop())
beforeEach(async () => {
  await store.pool.query(
    'truncate tocsin.finding, tocsin.finding_queue, tocsin.alert, tocsin.alert_finding, tocsin.incident, tocsin.outbox',
  )
})

const fold = async (): Promise<void> => {
  while ((await foldFindings({ db: store.db, config: routingConfig() })) > 0);
}
const alerts = () => store.db.select().from(tables.alert)
const told = async () => (await toldMessages(store)).map(({ change }) => change)
const seen = () =>
  findingOf({
    blockNumber: 4,
    uniqueKey: 'pending',
    status: 'pending',
    description: `${PENDING_PREFIX}it would happen.`,
  })

test('behavior: the mined finding takes the alert over, in whatever batches they come', async () => {
  for (const isOneBatch of [false, true]) {
    await store.pool.query(
      'truncate tocsin.finding, tocsin.finding_queue, tocsin.alert, tocsin.alert_finding, tocsin.outbox',
    )
    const pending = seen()
    await record(store, pending)
    await fold()
    await record(store, findingOf({ blockNumber: 5 }))
    if (!isOneBatch) await fold()
    await record(store, { ...pending, status: 'landed' })
    await fold()
    expect(await alerts()).toMatchObject([
      { status: 'open', findings: 1, summary: 'It happened.', lastBlock: 5 },
    ])
    expect(await told()).toEqual(['opened'])
  }
})

test.each([
  ['dropped', 'never mined'],
  ['landed', 'shows nothing of the kind'],
] as const)(
  'behavior: one that is %s without more is called off, and says why',
  async (status, why) => {
    const pending = seen()
    await record(store, pending)
    await fold()
    await record(store, { ...pending, status })
    await fold()
    expect(await alerts()).toMatchObject([{ status: 'retracted', findings: 0 }])
    expect(await told()).toEqual(['opened', 'retracted'])
    expect(JSON.stringify((await toldMessages(store)).at(-1))).toContain(why)
  },
)

test('behavior: seen again, it is taken up again', async () => {
  const pending = seen()
  await record(store, pending)
  await fold()
  await record(store, { ...pending, status: 'dropped' })
  await fold()
  await record(store, pending)
  await fold()
  expect(await alerts()).toMatchObject([{ status: 'open', findings: 1 }])
})

import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../test/support/database.ts'
import type { Answer } from '../config/types.ts'
import { tables } from '../store/index.ts'
import { type RequestingFinding, requestExecutions } from './requestExecutions.ts'
import type { LoadedPolicy } from './types.ts'

let database: TestDatabase
beforeAll(async () => {
  database = await createTestDatabase()
})
afterAll(() => database?.drop())
beforeEach(async () => {
  await database.db.delete(tables.execution)
})

// What a request reads of a policy; the rest is the signer's business.
const policy = {
  id: 'pause-vault',
  hash: 'h1',
  target: `0x${'11'.repeat(20)}`,
  calldata: '0x8456cb59',
  chain: 1,
  mode: 'auto',
  cooldownS: 600,
} as unknown as LoadedPolicy
const answers: readonly Answer[] = [
  {
    when: { bot: ['tvl-drop'], alertId: ['TVL-DROP'], thing: ['vault'], minSeverity: 'High' },
    action: 'pause-vault',
  },
]
const finding = (id: string, changes: Partial<RequestingFinding> = {}): RequestingFinding => ({
  id,
  botId: 'tvl-drop',
  alertId: 'TVL-DROP',
  severity: 'Critical',
  thing: 'vault',
  chainId: 1,
  blockTimestampS: 1_000,
  ...changes,
})
const request = (...findings: readonly RequestingFinding[]): Promise<readonly string[]> =>
  database.db.transaction((tx) => requestExecutions(tx, findings, { answers, policies: [policy] }))
const setAll = (values: Partial<typeof tables.execution.$inferInsert>) =>
  database.db.update(tables.execution).set(values)

test('default: a fitting finding gives one intent, which names the action', async () => {
  expect(await request(finding('f1'))).toHaveLength(1)
  const [row] = await database.db.select().from(tables.execution)
  expect(row).toMatchObject({
    actionId: 'pause-vault',
    policyHash: 'h1',
    findingId: 'f1',
    status: 'requested',
    epoch: 1,
    triggeredAtS: 1_000,
  })
})

test('behavior: what does not fit asks for nothing', async () => {
  expect(
    await request(
      finding('a', { botId: 'other' }),
      finding('b', { alertId: 'OTHER' }),
      finding('c', { thing: null }),
      finding('d', { severity: 'Medium' }),
      finding('e', { condition: 'ended' }),
      finding('f', { condition: 'unknown' }),
      finding('g', { severity: 'constructor' }),
    ),
  ).toEqual([])
})

test('behavior: several findings of one incident give one execution', async () => {
  expect(
    await request(finding('f1'), finding('f2'), finding('f3', { blockTimestampS: 1_001 })),
  ).toHaveLength(1)
  expect(await request(finding('f4', { blockTimestampS: 1_599 }))).toEqual([])
})

test('behavior: re-detected in another block after a reorg, it is the same incident', async () => {
  await request(finding('f1'))
  await setAll({ status: 'succeeded' })
  expect(await request(finding('f1-moved', { blockTimestampS: 1_012 }))).toEqual([])
  expect(await request(finding('f1-moved-back', { blockTimestampS: 990 }))).toEqual([])
})

test('behavior: the cooldown ends exactly when it says', async () => {
  await request(finding('f1'))
  await setAll({ status: 'succeeded' })
  expect(await request(finding('f2', { blockTimestampS: 1_599 }))).toEqual([])
  expect(await request(finding('f3', { blockTimestampS: 1_600 }))).toHaveLength(1)
  const rows = await database.db.select().from(tables.execution).orderBy(tables.execution.epoch)
  expect(rows.map(({ epoch }) => epoch)).toEqual([1, 2])
})

test('behavior: a refusal does not use up the incident, but the same finding does not ask again', async () => {
  await request(finding('f1'))
  await setAll({ status: 'refused', reasonCode: 'stale' })
  expect(await request(finding('f1'))).toEqual([])
  expect(await request(finding('f2', { blockTimestampS: 1_001 }))).toHaveLength(1)
})

test('behavior: an open intent whose finding was retracted does not stand in the way of the re-detection', async () => {
  const values = {
    botVersion: '1',
    alertKind: 'event',
    blockNumber: 1,
    blockHash: '0x1',
    uniqueKey: 'u',
    name: 'n',
    description: 'd',
    type: 'Exploit',
    status: 'retracted',
  } as const
  await database.db
    .insert(tables.finding)
    .values({ ...finding('gone'), ...values, condition: null })
  await request(finding('gone'))
  expect(await request(finding('moved', { blockTimestampS: 1_012 }))).toHaveLength(1)
  expect(await request(finding('moved-too', { blockTimestampS: 1_012 }))).toEqual([])
})

test('behavior: a finding whose block came back asks again', async () => {
  await request(finding('f1'))
  await setAll({ status: 'refused', reasonCode: 'finding_retracted' })
  expect(await request(finding('f1'))).toHaveLength(1)
})

test('behavior: many watchers at once give one execution', async () => {
  const all = await Promise.all(Array.from({ length: 8 }, (_, i) => request(finding(`f${i}`))))
  expect(all.flat()).toHaveLength(1)
  expect(await database.db.select().from(tables.execution)).toHaveLength(1)
})

test('behavior: a block that does not commit leaves no intent', async () => {
  const failing = database.db.transaction(async (tx) => {
    await requestExecutions(tx, [finding('f1')], { answers, policies: [policy] })
    throw new Error('no commit')
  })
  await expect(failing).rejects.toThrow('no commit')
  expect(await database.db.select().from(tables.execution)).toEqual([])
})

test('behavior: an answer without a policy file is passed over', async () => {
  const ids = await database.db.transaction((tx) =>
    requestExecutions(tx, [finding('f1')], { answers, policies: [] }),
  )
  expect(ids).toEqual([])
})

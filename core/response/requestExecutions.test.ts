import { afterAll, beforeAll, beforeEach, expect, test, vi } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../test/support/database.ts'
import type { Answer } from '../config/types.ts'
import { tables } from '../store/index.ts'
import { createLogger } from '../telemetry/index.ts'
import { startAnsweringOutside } from './answerOutside.ts'
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

test('behavior: what is told from outside asks for its answers by itself, and holds up no bot that found it', async () => {
  const outside: readonly Answer[] = [
    { when: { bot: ['external-feed', 'tvl-drop'], minSeverity: 'High' }, action: 'pause-vault' },
  ]
  const nowS = Math.floor(Date.now() / 1_000)
  const store = (id: string, changes: Partial<typeof tables.finding.$inferInsert> = {}) =>
    database.db.insert(tables.finding).values({
      ...finding(id),
      condition: null,
      status: 'final',
      botId: 'external-feed',
      botVersion: '1.0.0',
      alertKind: 'event',
      blockNumber: 5,
      blockHash: `0x${'ab'.repeat(32)}`,
      blockTimestampS: nowS,
      uniqueKey: id,
      name: 'told',
      description: 'told',
      type: 'Exploit',
      ...changes,
    })
  const rows = () => database.db.select().from(tables.execution).orderBy(tables.execution.epoch)
  await store('old', { createdAt: new Date(Date.now() - 3_600_000) })
  await store('nowhere', { blockHash: '' })
  await store('mild', { severity: 'Low' })
  await store('other', { botId: 'external-other' })
  const answering = startAnsweringOutside({
    store: database,
    answers: () => outside,
    policies: () => [policy],
    log: createLogger({ service: 'test', level: 'silent' }),
  })
  try {
    await store('told')
    await vi.waitFor(async () => expect(await rows()).toHaveLength(1), { timeout: 10_000 })
    await store('told-again', { blockTimestampS: nowS + 1 })
    await store('found', { botId: 'tvl-drop', blockTimestampS: nowS - 5 })
    const found = finding('found', { blockTimestampS: nowS - 5 })
    expect(await request(found)).toHaveLength(1)
    expect(await request(finding('found-too', { blockTimestampS: nowS }))).toEqual([])
    expect((await rows()).map(({ findingId }) => findingId)).toEqual(['told', 'found'])
  } finally {
    await answering?.stop()
    await database.db.delete(tables.finding)
  }
  const none = { store: database, policies: () => [policy], log: createLogger({ service: 'test' }) }
  expect(startAnsweringOutside({ ...none, answers: () => answers })).toBeUndefined()
})

import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../test/support/database.ts'
import { tables } from '../store/index.ts'
import { acknowledgeAlert, closeQuietAlerts, resolveAlert } from './changeAlert.ts'
import { foldFindings } from './foldFindings.ts'
import { findingOf, record, retracted, routingConfig, toldMessages } from './testSupport.ts'

let store: TestDatabase
const config = routingConfig()

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
  while ((await foldFindings({ db: store.db, config })) > 0);
}
const alerts = () =>
  store.db.select().from(tables.alert).orderBy(tables.alert.openedAt, tables.alert.firstBlock)
const incidents = () => store.db.select().from(tables.incident).orderBy(tables.incident.openedAt)
const told = async (): Promise<string[]> =>
  (await toldMessages(store)).map(({ change, severity }) => `${change} ${severity}`)

const holds = (blockNumber: number, facts = {}) =>
  findingOf({ alertKind: 'condition', condition: 'holds', blockNumber, ...facts })

describe('folding', () => {
  test('behavior: findings of one key become one alert, told once', async () => {
    await record(store, findingOf({ blockNumber: 5 }), findingOf({ blockNumber: 6 }))
    await fold()
    await record(store, findingOf({ blockNumber: 7 }))
    await fold()
    const [alert, ...more] = await alerts()
    expect(more).toEqual([])
    expect(alert).toMatchObject({
      findings: 3,
      firstBlock: 5,
      lastBlock: 7,
      severity: 'SEV2',
      status: 'open',
    })
    expect(await told()).toEqual(['opened SEV2'])
  })

  test('behavior: other things, alertIds, bots and chains are other alerts', async () => {
    await record(
      store,
      findingOf(),
      findingOf({ thing: 'pool', uniqueKey: 'p' }),
      findingOf({ alertId: 'OTHER' }),
      findingOf({ botId: 'other' }),
      findingOf({ chainId: 2 }),
    )
    await fold()
    expect(await alerts()).toHaveLength(5)
  })

  test('behavior: without a thing the first address, else the unique key tells them apart', async () => {
    const bare = { thing: null }
    await record(
      store,
      findingOf({ ...bare, addresses: ['0xa'], uniqueKey: '1' }),
      findingOf({ ...bare, addresses: ['0xa'], uniqueKey: '2' }),
      findingOf({ ...bare, addresses: ['0xb'], uniqueKey: '3' }),
      findingOf({ ...bare, uniqueKey: '4' }),
      findingOf({ ...bare, uniqueKey: '5' }),
    )
    await fold()
    expect((await alerts()).map(({ findings }) => findings).sort()).toEqual([1, 1, 1, 2])
  })

  test('behavior: a graver finding raises the alert and is told, a milder one is not', async () => {
    await record(store, findingOf({ severity: 'Medium' }))
    await fold()
    await record(store, findingOf({ blockNumber: 2, severity: 'Low' }))
    await fold()
    await record(store, findingOf({ blockNumber: 3, severity: 'Critical', description: 'Worse.' }))
    await fold()
    expect(await told()).toEqual(['opened SEV3', 'raised SEV1'])
    expect((await alerts())[0]).toMatchObject({ severity: 'SEV1', summary: 'Worse.', changes: 2 })
    expect(
      (await toldMessages(store)).map(({ dedupKey, alert }) => dedupKey.replace(alert, 'a')),
    ).toEqual(['a.opened.1.one', 'a.raised.2.one'])
  })

  test('behavior: finality is no news', async () => {
    const finding = findingOf()
    await record(store, finding)
    await fold()
    await record(store, { ...finding, status: 'final' })
    await fold()
    expect(await told()).toEqual(['opened SEV2'])
    expect((await alerts())[0]?.findings).toBe(1)
  })

  test("behavior: a stranger's text reaches people bounded and on one line", async () => {
    await record(
      store,
      findingOf({
        name: 'a\u202Eb\nc',
        description: 'x'.repeat(5000),
        metadata: { ['k\n']: 'v\u2028w' },
      }),
    )
    await fold()
    const [message] = await toldMessages(store)
    expect(message?.title).toBe('a b c')
    expect(message?.summary).toHaveLength(1000)
    expect(message?.evidence).toEqual({ k: 'v w' })
  })

  test('behavior: a transaction that commits late is not skipped', async () => {
    const late = await store.pool.connect()
    const insert = async (
      client: { query: (text: string, values: unknown[]) => Promise<unknown> },
      thing: string,
    ) => {
      const row = findingOf({ thing, uniqueKey: thing })
      await client.query(
        `insert into tocsin.finding (id, bot_id, bot_version, alert_id, alert_kind, chain_id, block_number, block_hash,
          block_timestamp_s, unique_key, name, description, severity, type, thing, status)
         values ($1, 'b', '1', 'A', 'event', 1, 1, 'h', 1, $2, 'n', 'd', 'High', 'Info', $2, 'provisional')`,
        [row.id, thing],
      )
    }
    await late.query('begin')
    await insert(late, 'early-revision')
    await insert(store.pool, 'late-revision')
    await fold()
    expect((await alerts()).map(({ thing }) => thing)).toEqual(['late-revision'])
    await late.query('commit')
    late.release()
    await fold()
    expect((await alerts()).map(({ thing }) => thing)).toEqual(['late-revision', 'early-revision'])
  })
})

describe('retraction', () => {
  test('behavior: an alert lives while one of its findings does', async () => {
    const first = findingOf({ blockNumber: 5 })
    const second = findingOf({ blockNumber: 6 })
    await record(store, first, second)
    await fold()
    await record(store, retracted(second))
    await fold()
    expect((await alerts())[0]).toMatchObject({ status: 'open', findings: 1, lastBlock: 5 })
    await record(store, retracted(first))
    await fold()
    expect((await alerts())[0]).toMatchObject({ status: 'retracted', findings: 0 })
    expect((await incidents())[0]).toMatchObject({ status: 'resolved' })
    expect(await told()).toEqual(['opened SEV2', 'retracted SEV2'])
    expect((await toldMessages(store))[1]?.summary).toContain('orphaned')
  })

  test('behavior: seen again in another block, the same alert opens again', async () => {
    const finding = findingOf({ blockHash: '0xa' })
    await record(store, finding)
    await fold()
    await record(store, retracted(finding))
    await fold()
    await record(store, findingOf({ blockHash: '0xb' }))
    await fold()
    expect(await alerts()).toHaveLength(1)
    expect((await alerts())[0]).toMatchObject({ status: 'open', findings: 1, closedAt: null })
    expect((await incidents())[0]).toMatchObject({ status: 'open', closedAt: null })
    expect(await told()).toEqual(['opened SEV2', 'retracted SEV2', 'reopened SEV2'])
  })

  test('behavior: taken back and given again at once is not told', async () => {
    const finding = findingOf({ blockHash: '0xa' })
    await record(store, finding)
    await fold()
    await record(store, retracted(finding), findingOf({ blockHash: '0xb' }))
    await fold()
    expect((await alerts())[0]).toMatchObject({ status: 'open', findings: 1, changes: 1 })
    expect(await told()).toEqual(['opened SEV2'])
  })

  test('behavior: taken back before anybody was told is silence', async () => {
    const finding = findingOf()
    await record(store, finding, retracted(finding))
    await fold()
    expect(await alerts()).toEqual([])
  })

  test('behavior: the same block returns', async () => {
    const finding = findingOf()
    await record(store, finding)
    await fold()
    await record(store, retracted(finding))
    await fold()
    await record(store, finding)
    await fold()
    expect((await alerts())[0]).toMatchObject({ status: 'open', findings: 1 })
    expect(await told()).toEqual(['opened SEV2', 'retracted SEV2', 'reopened SEV2'])
  })
})

describe('conditions', () => {
  test('behavior: ended resolves, and what comes later is another alert', async () => {
    await record(store, holds(5))
    await fold()
    await record(
      store,
      holds(6, { condition: 'ended', severity: 'Info', description: 'Back to normal.' }),
    )
    await fold()
    await record(store, holds(7))
    await fold()
    expect(
      (await alerts()).map(({ status, severity, closedBy }) => [status, severity, closedBy]),
    ).toEqual([
      ['resolved', 'SEV2', 'condition'],
      ['open', 'SEV2', null],
    ])
    expect(await told()).toEqual(['opened SEV2', 'resolved SEV2', 'opened SEV2'])
    expect((await toldMessages(store))[1]?.summary).toBe('Back to normal.')
  })

  test('behavior: the whole life in one batch is told in order', async () => {
    await record(store, holds(5), holds(6, { condition: 'ended' }), holds(7))
    await fold()
    expect(await told()).toEqual(['opened SEV2', 'resolved SEV2', 'opened SEV2'])
  })

  test('behavior: unknown is told, is not the end, and silence does not end it', async () => {
    await record(store, holds(5))
    await fold()
    await record(store, holds(6, { condition: 'unknown' }))
    await fold()
    await store.pool.query("update tocsin.alert set last_finding_at = now() - interval '9 days'")
    await closeQuietAlerts({ db: store.db, config })
    expect((await alerts())[0]?.status).toBe('unknown')
    await record(store, holds(7))
    await fold()
    expect((await alerts())[0]?.status).toBe('open')
    expect(await told()).toEqual(['opened SEV2', 'unknown SEV2', 'reopened SEV2'])
  })

  test('behavior: a condition that cannot be told from the start is visible', async () => {
    await record(store, holds(5, { condition: 'unknown' }))
    await fold()
    expect((await alerts())[0]?.status).toBe('unknown')
    expect(await told()).toEqual(['unknown SEV2'])
  })

  test('behavior: the end of what nobody was told of is silence', async () => {
    await record(store, holds(5, { condition: 'ended' }))
    await fold()
    expect(await alerts()).toEqual([])
  })

  test('behavior: when the block of the end is orphaned, the alert is open again', async () => {
    await record(store, holds(5))
    await fold()
    const end = holds(6, { condition: 'ended' })
    await record(store, end)
    await fold()
    await record(store, retracted(end))
    await fold()
    expect((await alerts())[0]).toMatchObject({ status: 'open', closedBy: null })
    expect(await told()).toEqual(['opened SEV2', 'resolved SEV2', 'reopened SEV2'])
  })

  for (const together of [true, false]) {
    test(`behavior: an end and a later alert orphaned ${together ? 'together' : 'one by one'} leave the earlier one open`, async () => {
      const end = holds(6, { condition: 'ended' })
      const again = holds(7)
      await record(store, holds(5), end, again)
      await fold()
      await record(store, retracted(end))
      if (!together) await fold()
      await record(store, retracted(again))
      await fold()
      expect((await alerts()).map(({ status }) => status).sort()).toEqual(['open', 'retracted'])
      expect((await alerts())[0]).toMatchObject({ findings: 1, lastBlock: 5 })
    })
  }
})

describe('events', () => {
  test('behavior: quiet for a day closes, a minute less does not', async () => {
    await record(store, findingOf())
    await fold()
    const age = (interval: string) =>
      store.pool.query(`update tocsin.alert set last_finding_at = now() - interval '${interval}'`)
    await age('23 hours 59 minutes')
    expect(await closeQuietAlerts({ db: store.db, config })).toBe(0)
    await age('24 hours 1 second')
    expect(await closeQuietAlerts({ db: store.db, config })).toBe(1)
    expect((await alerts())[0]).toMatchObject({ status: 'resolved', closedBy: 'quiet' })
    expect(await told()).toEqual(['opened SEV2', 'resolved SEV2'])
    expect((await incidents())[0]?.status).toBe('resolved')
  })

  test('behavior: resolved by hand is told, and the next finding opens another', async () => {
    await record(store, findingOf())
    await fold()
    const [first] = await alerts()
    await resolveAlert({ db: store.db, config, id: first?.id ?? '', by: 'ada' })
    await record(store, findingOf({ blockNumber: 2 }))
    await fold()
    expect((await alerts()).map(({ status, closedBy }) => [status, closedBy])).toEqual([
      ['resolved', 'by:ada'],
      ['open', null],
    ])
    expect(await told()).toEqual(['opened SEV2', 'resolved SEV2', 'opened SEV2'])
  })

  test('behavior: acknowledged stays open, once', async () => {
    await record(store, findingOf())
    await fold()
    const id = (await alerts())[0]?.id ?? ''
    await acknowledgeAlert({ db: store.db, id, by: 'ada' })
    await acknowledgeAlert({ db: store.db, id, by: 'bob' })
    expect((await alerts())[0]).toMatchObject({ status: 'open', acknowledgedBy: 'ada' })
  })

  test('error: unknown and closed alerts are refused', async () => {
    await record(store, findingOf())
    await fold()
    const id = (await alerts())[0]?.id ?? ''
    await resolveAlert({ db: store.db, config, id, by: 'ada' })
    await expect(resolveAlert({ db: store.db, config, id, by: 'ada' })).rejects.toMatchObject({
      code: 'alert.closed',
    })
    await expect(acknowledgeAlert({ db: store.db, id: 'a_x', by: 'ada' })).rejects.toMatchObject({
      code: 'alert.unknown',
    })
  })
})

describe('incidents', () => {
  test('behavior: alerts of one protocol join, and the incident is as grave as the gravest', async () => {
    await record(store, findingOf({ protocol: 'acme', severity: 'Medium' }))
    await fold()
    await record(
      store,
      findingOf({ protocol: 'acme', thing: 'pool', uniqueKey: 'p', severity: 'Critical' }),
    )
    await fold()
    expect(await incidents()).toHaveLength(1)
    expect((await incidents())[0]).toMatchObject({
      subject: 'acme',
      severity: 'SEV1',
      status: 'open',
    })
    for (const { id } of await alerts()) {
      expect((await incidents())[0]?.status).toBe('open')
      await resolveAlert({ db: store.db, config, id, by: 'ada' })
    }
    expect((await incidents())[0]).toMatchObject({ status: 'resolved', severity: 'SEV1' })
    expect((await incidents())[0]?.closedAt).not.toBeNull()
  })

  test('behavior: an hour later it is another incident', async () => {
    await record(store, findingOf())
    await fold()
    await store.pool.query("update tocsin.incident set updated_at = now() - interval '61 minutes'")
    await record(store, findingOf({ alertId: 'OTHER' }))
    await fold()
    expect(await incidents()).toHaveLength(2)
    expect(new Set((await alerts()).map(({ incidentId }) => incidentId)).size).toBe(2)
  })
})

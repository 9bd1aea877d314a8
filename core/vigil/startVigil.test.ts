import { createServer, type Server } from 'node:http'
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../test/support/database.ts'
import { type AlertMessage, type Notifier, startNotifier } from '../alerts/index.ts'
import { findingOf, record, routingConfig } from '../alerts/testSupport.ts'
import type { Channel } from '../alerts/types.ts'
import { tables } from '../store/index.ts'
import { createLogger } from '../telemetry/index.ts'
import { readCanary } from './canary.ts'
import { directMessage } from './directMessage.ts'
import { startVigil, type Vigil } from './startVigil.ts'

const log = createLogger({ service: 'test', level: 'fatal' })
let store: TestDatabase
let notifier: Notifier
let outside: Server
let heartbeatUrl = ''
const pings: string[] = []
const told: Record<string, AlertMessage[]> = { one: [], two: [] }
/** What the receiver of channel `one` says. */
let answer: 'sent' | 'retry' = 'sent'
const running: Vigil[] = []
/** The machine may have more to do. */
const SLOW = { timeout: 20_000 }

const channelOf = (name: string): Channel => ({
  name,
  kind: 'test',
  timeoutMs: 1_000,
  send: async (message) => {
    if (name === 'one' && answer === 'retry') return { kind: 'retry', reason: 'away' }
    told[name]?.push(message)
    return { kind: 'sent' }
  },
})

beforeAll(async () => {
  store = await createTestDatabase()
  outside = createServer((request, response) => {
    pings.push(request.url ?? '')
    response.writeHead(200).end()
  })
  await new Promise<void>((resolve) => outside.listen(0, '127.0.0.1', resolve))
  const address = outside.address()
  heartbeatUrl = `http://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}/ping/1`
  notifier = await startNotifier({
    config: routingConfig(),
    store,
    log,
    createChannel: ({ name }) => channelOf(name),
    backoffBaseMs: 20,
  })
})

afterEach(async () => {
  for (const vigil of running.splice(0)) await vigil.stop()
})

afterAll(async () => {
  await notifier?.stop()
  outside?.close()
  await store?.drop()
})

const start = (lateAfterS: number, everyS: number): Vigil => {
  const config = {
    ...routingConfig(),
    name: 'acme',
    chains: [],
    signer: undefined,
    vigil: {
      alarm: 'two',
      canary: { channel: 'one', everyS, lateAfterS },
      heartbeat: {
        url: heartbeatUrl,
        style: 'healthchecks' as const,
        everyS: 60,
        timeoutMs: 1_000,
      },
      silence: { blocks: 10, leastS: 60 },
      lagBlocks: 20,
      outbox: { oldestS: 120, pending: 2_000 },
    },
  }
  const vigil = startVigil({ config, store, log, graceMs: 0, lookMs: 50 })
  running.push(vigil)
  return vigil
}

test('behavior: a canary flies from the finding table to its channel alone, and leaves no trace in any figure', async () => {
  const vigil = start(30, 3_600)
  start(30, 3_600)
  await vi.waitFor(
    async () =>
      expect(await readCanary(store.db)).toMatchObject({ status: 'delivered', channel: 'one' }),
    SLOW,
  )
  expect(told['one']).toMatchObject([{ alertId: 'CANARY', severity: 'SEV4', incident: null }])
  expect(told['two']).toEqual([])
  expect((await readCanary(store.db))?.tookMs).toBeGreaterThan(0)
  for (const table of [
    tables.finding,
    tables.alert,
    tables.outbox,
    tables.incident,
    tables.findingEvent,
  ])
    expect(await store.db.select().from(table)).toEqual([])
  expect(await store.db.select().from(tables.vigilCanary)).toHaveLength(1)
  await vi.waitFor(
    async () =>
      expect((await vigil.report()).detail).toMatchObject({
        canary: { status: 'delivered', late: false },
      }),
    SLOW,
  )
  // No watcher ever ran: the outside is told so, and never that all is well.
  await vi.waitFor(() => expect(pings).toContain('/ping/1/fail'), SLOW)
  expect(pings).not.toContain('/ping/1')
})

test('behavior: a canary that is late is told by another channel, and called off when it arrives', async () => {
  await store.pool.query('truncate tocsin.vigil_canary')
  for (const list of Object.values(told)) list.length = 0
  answer = 'retry'
  start(1, 3_600)
  await vi.waitFor(
    () => expect(told['two']?.map(({ alertId }) => alertId)).toEqual(['CANARY-LATE']),
    SLOW,
  )
  answer = 'sent'
  await vi.waitFor(
    () =>
      expect(told['two']?.map(({ alertId, change }) => [alertId, change])).toEqual([
        ['CANARY-LATE', 'opened'],
        ['CANARY-LATE', 'resolved'],
      ]),
    SLOW,
  )
  expect(told['one']?.map(({ alertId }) => alertId)).toEqual(['CANARY'])
  const [canary] = await store.db.select().from(tables.vigilCanary)
  expect(canary).toMatchObject({ status: 'delivered', lateAt: expect.any(Date) })
})

test('behavior: what is paged directly has the key that the usual way gives', async () => {
  for (const list of Object.values(told)) list.length = 0
  const finding = findingOf({ severity: 'Critical', uniqueKey: 'direct' })
  await record(store, finding)
  await vi.waitFor(() => expect(told['one']).toHaveLength(1), SLOW)
  const row = (await store.db.select().from(tables.finding)).find(({ id }) => id === finding.id)
  if (!row) throw new Error('no finding')
  const direct = directMessage(row, {
    channel: 'one',
    severity: 'SEV1',
    chains: [],
    now: new Date(),
  })
  const [usual] = told['one'] ?? []
  expect(direct.alert).toBe(usual?.alert)
  expect(direct.dedupKey).toBe(usual?.dedupKey)
})

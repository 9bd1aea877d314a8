import { createServer, type IncomingHttpHeaders, type Server } from 'node:http'
import { Webhook } from 'standardwebhooks'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest'
import { WebSocket } from 'ws'
import { createTestDatabase, type TestDatabase } from '../../test/support/database.ts'
import { findingOf, record, retracted } from '../alerts/testSupport.ts'
import type { SubscriptionConfig } from '../config/types.ts'
import { tables } from '../store/index.ts'
import { createLogger } from '../telemetry/index.ts'
import { createStreams } from './createStreams.ts'
import { encodeEventStream } from './eventStream.ts'
import { readEvents, sequenceEvents } from './events.ts'
import { listDeliveries, listSubscriptions } from './readLog.ts'
import { serveSockets } from './serveSockets.ts'
import { startSubscriptions } from './startSubscriptions.ts'
import { enableSubscription, requestReplay } from './subscriptionStore.ts'

const SECRET = `whsec_${Buffer.alloc(32, 7).toString('base64')}`
const FORMER = `whsec_${Buffer.alloc(32, 8).toString('base64')}`
const log = createLogger({ service: 'test', level: 'fatal' })
type Got = { readonly id: string; readonly type: string; readonly body: Record<string, unknown> }
type Body = { type: string; seq: number; replay?: true; data: { id: string; status: string } }

let store: TestDatabase
let sink: Server
let url = ''
/** What the receiver answers to its n-th request (from 1). */
let answer: (request: number, id: string) => number = () => 204
let got: Got[] = []
let requests: { readonly headers: IncomingHttpHeaders; readonly body: string }[] = []
/** The machine may have more to do. */
const SLOW = { timeout: 20_000 }
const running: (() => Promise<unknown> | undefined)[] = []

beforeAll(async () => {
  store = await createTestDatabase()
  sink = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const body = Buffer.concat(chunks).toString()
      requests.push({ headers: request.headers, body })
      const id = String(request.headers['webhook-id'])
      const status = answer(requests.length, id)
      if (status >= 200 && status < 300) {
        const parsed = JSON.parse(body) as Record<string, unknown>
        got.push({ id, type: String(parsed['type']), body: parsed })
      }
      response.writeHead(status, { location: 'http://127.0.0.1:1/' }).end()
    })
  })
  await new Promise<void>((resolve) => sink.listen(0, '127.0.0.1', resolve))
  const address = sink.address()
  url = `http://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}/in`
})

beforeEach(async () => {
  await store.pool.query(
    'truncate tocsin.finding, tocsin.finding_event, tocsin.subscription, tocsin.subscription_delivery, tocsin.subscription_replay',
  )
  got = []
  requests = []
  answer = () => 204
})

afterEach(async () => {
  for (const stop of running.splice(0).reverse()) await stop()
})

afterAll(async () => {
  sink?.closeAllConnections()
  sink?.close()
  await store?.drop()
})

type Webhook_ = Extract<SubscriptionConfig, { kind: 'webhook' }>
const webhook = (more: Partial<Webhook_> = {}): SubscriptionConfig => ({
  kind: 'webhook',
  name: 'desk',
  url,
  secret: SECRET,
  formerSecret: undefined,
  format: 'tocsin',
  filter: {},
  allowPrivate: true,
  timeoutMs: 2_000,
  giveUpAfterH: 72,
  ...more,
})
const CHAINS = [{ id: 1, name: 'mainnet', explorer: 'https://etherscan.io' }]
const serve = async (...subscriptions: SubscriptionConfig[]) => {
  const served = await startSubscriptions({
    config: { subscriptions, chains: CHAINS },
    store,
    log,
    backoffBaseMs: 5,
  })
  running.push(served.stop)
  return served
}
const types = () => got.map(({ type }) => type)
const ids = () => got.map(({ body }) => (body as unknown as Body).data.id)

test('behavior: events come signed, filtered, in order, with stable ids; what becomes of findings is told too', async () => {
  await serve(webhook({ formerSecret: FORMER, filter: { minSeverity: 'High', bot: ['test-bot'] } }))
  const a = findingOf({ uniqueKey: 'a', description: 'a <b>\u202Etxt' })
  const b = findingOf({ uniqueKey: 'b', severity: 'Critical' })
  await record(store, a, findingOf({ uniqueKey: 'low', severity: 'Low' }), b)
  await record(store, findingOf({ uniqueKey: 'other', botId: 'tocsin' }))
  await vi.waitFor(() => expect(got).toHaveLength(2), SLOW)
  await record(store, retracted(a))
  await record(store, { ...b, status: 'final' })
  await record(store, a)
  await vi.waitFor(() => expect(got).toHaveLength(5), SLOW)
  expect(types()).toEqual([
    'finding.detected',
    'finding.detected',
    'finding.retracted',
    'finding.finalized',
    'finding.restored',
  ])
  expect(ids()).toEqual([a.id, b.id, a.id, b.id, a.id])
  expect(new Set(got.map(({ id }) => id)).size).toBe(5)
  for (const { headers, body } of requests)
    for (const secret of [SECRET, FORMER])
      expect(() =>
        new Webhook(secret).verify(
          body,
          Object.fromEntries(Object.entries(headers).map(([key, value]) => [key, String(value)])),
        ),
      ).not.toThrow()
  expect(got[0]?.body).toMatchObject({
    data: {
      schema: 'tocsin.finding.v1',
      chain: { id: 1, name: 'mainnet' },
      description: expect.not.stringContaining('\u202E'),
    },
  })
  const rows = await listDeliveries(store.db, { name: 'desk', limit: 10 })
  expect(rows).toHaveLength(5)
  expect(
    rows.every(
      ({ status, attempts, tookMs }) => status === 'delivered' && attempts === 1 && tookMs !== null,
    ),
  ).toBe(true)
})

test('behavior: a failing receiver gets the same event again, with the same id, and nothing overtakes it', async () => {
  answer = (request) => (request % 3 === 0 ? 204 : request % 3 === 1 ? 503 : 302)
  await serve(webhook())
  const findings = Array.from({ length: 4 }, (_, i) => findingOf({ uniqueKey: `f${i}` }))
  await record(store, ...findings)
  await vi.waitFor(() => expect(got).toHaveLength(4), SLOW)
  expect(ids()).toEqual(findings.map(({ id }) => id))
  const sent = requests.map(({ headers }) => headers['webhook-id'])
  expect(sent).toEqual(got.flatMap(({ id }) => [id, id, id]))
  const rows = await listDeliveries(store.db, { limit: 10 })
  expect(rows.map(({ attempts, httpStatus }) => [attempts, httpStatus])).toEqual(
    Array.from({ length: 4 }, () => [3, 204]),
  )
})

test('behavior: what is refused for good is given up and told; 410 ends it until somebody enables it', async () => {
  const findings = ['bad', 'good', 'gone'].map((uniqueKey) => findingOf({ uniqueKey }))
  let mode = 'bad'
  let bad: string | undefined
  answer = (_, id) => {
    bad ??= id
    return id === bad ? 422 : mode === 'gone' ? 410 : 204
  }
  await serve(webhook())
  await record(store, ...findings.slice(0, 2))
  await vi.waitFor(() => expect(got).toHaveLength(1), SLOW)
  expect(ids()).toEqual([findings[1]?.id])
  // Written down after it was sent.
  await vi.waitFor(async () => {
    const [, dead] = await listDeliveries(store.db, { limit: 10 })
    expect(dead).toMatchObject({ status: 'dead', attempts: 5, httpStatus: 422 })
  }, SLOW)
  mode = 'gone'
  await record(store, ...findings.slice(2))
  await vi.waitFor(async () =>
    expect(await listSubscriptions(store.db)).toMatchObject([{ status: 'disabled', dead: 1 }]),
  )
  const own = await store.db.select().from(tables.finding)
  expect(
    own
      .map(({ alertId }) => alertId)
      .filter((id) => id.startsWith('SUB'))
      .sort(),
  ).toEqual(['SUBSCRIPTION-DEAD', 'SUBSCRIPTION-DISABLED'])
  mode = 'good'
  expect(await enableSubscription(store.db, 'desk')).toBe(true)
  await vi.waitFor(() => expect(got).toHaveLength(2), SLOW)
  expect(ids()[1]).toBe(findings[2]?.id)
})

test('behavior: a replay sends what was sent, marked, with the same ids, and holds up nothing live', async () => {
  await serve(webhook({ filter: { minSeverity: 'High' } }))
  await record(store, ...[0, 1, 2].map((i) => findingOf({ uniqueKey: `r${i}` })))
  await record(store, findingOf({ uniqueKey: 'low', severity: 'Low' }))
  await vi.waitFor(() => expect(got).toHaveLength(3), SLOW)
  const before = got.map(({ id }) => id)
  const { events } = await requestReplay(store.db, {
    name: 'desk',
    from: new Date(Date.now() - 60_000),
    to: new Date(Date.now() + 60_000),
    by: 'somebody',
  })
  expect(events).toBe(4)
  await vi.waitFor(() => expect(got).toHaveLength(6), SLOW)
  expect(got.slice(3).map(({ id }) => id)).toEqual(before)
  expect(got.slice(3).every(({ body }) => (body as unknown as Body).replay === true)).toBe(true)
  await vi.waitFor(async () => {
    const [replay] = await store.db.select().from(tables.subscriptionReplay)
    expect(replay).toMatchObject({ status: 'done', sent: 3 })
  })
})

test('behavior: a finding whose transaction commits late is not passed over', async () => {
  await serve(webhook())
  const client = await store.pool.connect()
  await client.query('begin')
  const late = findingOf({ uniqueKey: 'late' })
  await client.query(
    `insert into tocsin.finding (id, bot_id, bot_version, alert_id, alert_kind, chain_id, block_number, block_hash,
      block_timestamp_s, unique_key, name, description, severity, type, status)
     values ($1, 'late', '1', 'A', 'event', 1, 1, '0x', 1, 'k', 'n', 'd', 'High', 'Info', 'provisional')`,
    [late.id],
  )
  const early = findingOf({ uniqueKey: 'early' })
  await record(store, early)
  await vi.waitFor(() => expect(ids()).toEqual([early.id]), SLOW)
  await client.query('commit')
  client.release()
  await vi.waitFor(() => expect(ids()).toEqual([early.id, late.id]), SLOW)
})

test('behavior: two processes serve a subscriber once; the second goes on when the first is gone', async () => {
  const first = await serve(webhook())
  await serve(webhook())
  const findings = Array.from({ length: 30 }, (_, i) => findingOf({ uniqueKey: `p${i}` }))
  await record(store, ...findings.slice(0, 15))
  await vi.waitFor(() => expect(got.length).toBeGreaterThan(5), SLOW)
  await first.stop()
  await record(store, ...findings.slice(15))
  await vi.waitFor(() => expect(new Set(ids()).size).toBe(30), SLOW)
  expect([...new Set(ids())]).toEqual(findings.map(({ id }) => id))
})

test('error: a private address is not called unless that is allowed', async () => {
  const refused = await serve(webhook({ allowPrivate: false }))
  expect(await refused.report()).toMatchObject({
    status: 'degraded',
    reason: expect.stringContaining('cannot be used'),
  })
  await serve(webhook({ allowPrivate: false, url: 'https://127.0.0.1:1/x' }))
  await record(store, findingOf())
  await vi.waitFor(async () => {
    const [row] = await listDeliveries(store.db, { limit: 1 })
    expect(row).toMatchObject({ status: 'pending', lastError: 'the address is private' })
  })
})

const TOKEN = 'a-token-of-more-than-24-characters'
const stream = (more: object = {}): SubscriptionConfig => ({
  kind: 'stream',
  name: 'reader',
  token: TOKEN,
  filter: {},
  maxReaders: 2,
  ...more,
})
const openStreams = (...subscriptions: SubscriptionConfig[]) => {
  const streams = createStreams({
    config: { subscriptions, chains: CHAINS },
    store,
    log,
    idleMs: 50,
  })
  running.push(streams.stop)
  return streams
}

test('behavior: a stream of server-sent events resumes where its reader stood, and is filtered twice', async () => {
  const streams = openStreams(stream({ filter: { minSeverity: 'High' } }))
  expect(streams.readerOf('Bearer wrong-wrong-wrong-wrong-wrong')).toBeUndefined()
  const reader = streams.readerOf(`Bearer ${TOKEN}`)
  if (!reader) throw new Error('no reader')
  await record(
    store,
    ...['a', 'b', 'c'].map((uniqueKey) => findingOf({ uniqueKey })),
    findingOf({ uniqueKey: 'low', severity: 'Low' }),
    findingOf({ uniqueKey: 'other', botId: 'other' }),
  )
  await sequenceEvents(store.db)
  const events = await readEvents(store.db, { after: 0, limit: 10 })
  expect(events).toHaveLength(5)
  const opened = await streams.open(reader, {
    filter: { bot: ['test-bot'] },
    after: events[0]?.seq,
  })
  if (!opened) throw new Error('not opened')
  const body = encodeEventStream(opened, { stallMs: 10_000, cut: () => undefined })
  const text = body.pipeThrough(new TextDecoderStream()).getReader()
  let heard = ''
  while (!heard.includes(`id: ${events[4]?.seq}`) && heard.length < 50_000)
    heard += (await text.read()).value ?? ''
  const seqs = [...heard.matchAll(/id: (\d+)\nevent: finding.detected/g)].map(([, seq]) =>
    Number(seq),
  )
  expect(seqs).toEqual(events.slice(1, 3).map(({ seq }) => seq))
  await text.cancel()
  expect(streams.readers()).toBe(0)
})

test('behavior: a reader that takes nothing is cut off, and nothing is read ahead of it', async () => {
  const streams = openStreams(stream())
  const reader = streams.readerOf(`Bearer ${TOKEN}`)
  if (!reader) throw new Error('no reader')
  const big = {
    note: 'x'.repeat(400),
    ...Object.fromEntries(Array.from({ length: 20 }, (_, i) => [`k${i}`, 'y'.repeat(400)])),
  }
  await record(
    store,
    ...Array.from({ length: 120 }, (_, i) => findingOf({ uniqueKey: `s${i}`, metadata: big })),
  )
  await sequenceEvents(store.db)
  const opened = await streams.open(reader, { filter: {}, after: 0 })
  if (!opened) throw new Error('not opened')
  let cut = 0
  const body = encodeEventStream(opened, { stallMs: 100, cut: () => (cut += 1) })
  await vi.waitFor(() => expect(cut).toBe(1), SLOW)
  expect(streams.readers()).toBe(0)
  await expect(body.getReader().read()).rejects.toThrow('too slow')
})

test('behavior: a WebSocket tells the same, knows gaps, and refuses strangers and too many', async () => {
  const streams = openStreams(stream({ maxReaders: 1 }))
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const stop = serveSockets({ server, path: '/socket', streams, log, isOwnHost: () => true })
  running.push(async () => {
    stop()
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  })
  const address = server.address()
  const base = `ws://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}`
  await record(store, findingOf({ uniqueKey: 'w1' }))
  await sequenceEvents(store.db)
  const connect = (path: string, token = TOKEN): WebSocket =>
    new WebSocket(`${base}${path}`, { headers: { authorization: `Bearer ${token}` } })
  const statusOf = (socket: WebSocket): Promise<number> =>
    new Promise((resolve) => {
      socket.on('error', () => undefined)
      socket.once('unexpected-response', (_, response) => resolve(response.statusCode ?? 0))
    })
  expect(await statusOf(connect('/socket', 'x'.repeat(30)))).toBe(401)
  expect(await statusOf(connect('/socket?colour=red'))).toBe(400)
  expect(await statusOf(connect('/other'))).toBe(404)
  const heard: { type: string; seq: number }[] = []
  const socket = connect('/socket?cursor=0&minSeverity=High')
  socket.on('message', (data) => heard.push(JSON.parse(String(data)) as (typeof heard)[number]))
  await vi.waitFor(() => expect(heard.map(({ type }) => type)).toContain('finding.detected'), SLOW)
  expect(await statusOf(connect('/socket'))).toBe(429)
  await record(store, findingOf({ uniqueKey: 'w2' }))
  await vi.waitFor(() =>
    expect(heard.filter(({ type }) => type === 'finding.detected')).toHaveLength(2),
  )
  socket.close()
  await vi.waitFor(() => expect(streams.readers()).toBe(0), SLOW)
  const later = connect('/socket?cursor=999')
  const first = await new Promise<string>((resolve) =>
    later.once('message', (data) => resolve(String(data))),
  )
  expect(JSON.parse(first)).toMatchObject({ type: 'gap', asked: 999 })
  later.close()
})

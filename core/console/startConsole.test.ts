import { createServer, request, type Server } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../test/support/database.ts'
import type { Config } from '../config/types.ts'
import { tables } from '../store/index.ts'
import { createLogger } from '../telemetry/index.ts'
import { startConsole } from './index.ts'

const log = createLogger({ service: 'test', level: 'silent' })
const config = {
  name: 'test',
  env: undefined,
  // Nothing lies there.
  dataDir: join(tmpdir(), 'tocsin-no-data'),
  chains: [{ id: 1, name: 'main' }],
  console: { host: '127.0.0.1', port: 0 },
} as unknown as Config
const HOSTILE = '<script>alert(1)</script>\u202Eevil'

let database: TestDatabase
let console_: Awaited<ReturnType<typeof startConsole>>
let indexer: Server

beforeAll(async () => {
  database = await createTestDatabase()
  await database.db.insert(tables.finding).values({
    id: 'f1',
    botId: 'large-transfer',
    botVersion: '1.0.0',
    alertId: 'LARGE-TRANSFER',
    alertKind: 'event',
    chainId: 1,
    blockNumber: 7,
    blockHash: '0x07',
    blockTimestampS: 1_700_000_000,
    uniqueKey: 'x',
    name: HOSTILE,
    description: HOSTILE,
    severity: 'High',
    type: 'Suspicious',
    status: 'provisional',
  })
  await database.db.insert(tables.processStatus).values([
    { name: 'watcher', pid: 1, status: 'ok', heartbeatAt: new Date(Date.now() - 60_000) },
    { name: 'notifier', pid: 2, status: 'ok' },
  ])
  indexer = createServer((message, response) => {
    const chunks: Buffer[] = []
    message.on('data', (chunk: Buffer) => chunks.push(chunk))
    message.on('end', () => {
      const heard = {
        auth: message.headers.authorization ?? null,
        body: Buffer.concat(chunks).toString(),
      }
      response
        .writeHead(200, { 'content-type': 'application/json' })
        .end(JSON.stringify({ data: heard }))
    })
  })
  await new Promise<void>((resolve) => indexer.listen(0, '127.0.0.1', resolve))
  const address = indexer.address()
  const port = address && typeof address === 'object' ? address.port : 0
  console_ = await startConsole({
    config,
    store: database,
    log,
    graphqlUrl: `http://127.0.0.1:${port}/graphql`,
  })
})

afterAll(async () => {
  await console_?.stop()
  indexer?.close()
  await database?.drop()
})

const createOwn = async () => {
  const own = await createTestDatabase()
  return { database: own, stop: () => own.drop() }
}

const get = (path: string): Promise<Response> => fetch(`${console_.url}${path}`)

test('behavior: the page escapes what strangers wrote and carries a strict content security policy', async () => {
  const answer = await get('/')
  const body = await answer.text()
  expect(answer.status).toBe(200)
  expect(body).toContain('&lt;script&gt;alert(1)')
  expect(body).not.toContain('<script>alert')
  expect(body).not.toContain('\u202E')
  const policy = answer.headers.get('content-security-policy') ?? ''
  expect(policy).toContain("default-src 'none'")
  const nonce = /script-src 'nonce-([^']+)'/.exec(policy)?.[1]
  expect(body).toContain(`<script nonce="${nonce}">`)
  expect((await get('/')).headers.get('content-security-policy')).not.toBe(policy)
})

test('behavior: a process without a heartbeat is lost, not well', async () => {
  const rows = (await (await get('/api/processes')).json()) as { name: string; state: string }[]
  expect(Object.fromEntries(rows.map(({ name, state }) => [name, state]))).toEqual({
    watcher: 'lost',
    notifier: 'ok',
  })
  const status = (await (await get('/api/status')).json()) as { verdict: string; reasons: string[] }
  expect(status.verdict).not.toBe('ok')
})

test('behavior: the figures count every open alert, also those that are not shown', async () => {
  const { database: own, stop } = await createOwn()
  const rows = Array.from({ length: 230 }, (_, i) => ({
    id: `a_${i}`,
    key: `k${i}`,
    kind: 'event' as const,
    status: 'open' as const,
    severity: 'SEV2' as const,
    title: HOSTILE,
    summary: HOSTILE,
    botId: 'b',
    alertId: 'A',
    chainId: 1,
    firstBlock: 1,
    lastBlock: 1,
  }))
  await own.db.insert(tables.alert).values(rows)
  const page = await startConsole({ config, store: own, log })
  const status = (await (await fetch(`${page.url}/api/status`)).json()) as { counts: object }
  const body = await (await fetch(page.url)).text()
  await page.stop()
  await stop()
  expect(status.counts).toEqual({ SEV1: 0, SEV2: 230, SEV3: 0, SEV4: 0 })
  expect(body).toContain('230 SEV2 alerts are open')
  expect(body).not.toContain('<script>alert')
})

test('behavior: a database that is gone is told, not shown as well', async () => {
  const { database: own, stop } = await createOwn()
  const page = await startConsole({ config, store: own, log })
  expect((await fetch(`${page.url}/ready`)).status).toBe(200)
  await own.pool.query('drop schema tocsin cascade')
  await new Promise((resolve) => setTimeout(resolve, 1_600))
  const answers = await Promise.all(
    ['/', '/ready', '/api/status', '/api/findings'].map((path) => fetch(page.url + path)),
  )
  expect(answers.map(({ status }) => status)).toEqual([503, 503, 503, 503])
  expect((await fetch(`${page.url}/health`)).status).toBe(200)
  expect((await page.report()).status).toBe('degraded')
  await page.stop()
  await stop()
})

test('behavior: the API filters and bounds', async () => {
  const all = (await (await get('/api/findings?limit=5')).json()) as unknown[]
  expect(all).toHaveLength(1)
  expect(await (await get('/api/findings?status=final')).json()).toEqual([])
  expect(await (await get('/api/findings?bot=other')).json()).toEqual([])
  for (const path of ['/api/alerts', '/api/incidents', '/api/executions', '/api/chains'])
    expect((await get(path)).status).toBe(200)
  expect((await get('/api/nothing')).status).toBe(404)
})

test('behavior: live events bring every section to a newcomer', async () => {
  const gone = new AbortController()
  const answer = await fetch(`${console_.url}/api/events`, { signal: gone.signal })
  const reader = answer.body?.getReader()
  let text = ''
  while (!/^data: .*\n\n/m.test(text))
    text += new TextDecoder().decode((await reader?.read())?.value)
  gone.abort()
  const data = JSON.parse(/^data: (.*)$/m.exec(text)?.[1] ?? '{}') as {
    sections: Record<string, string>
  }
  expect(Object.keys(data.sections)).toContain('findings')
  expect(data.sections['findings']).not.toContain('<script>')
})

const statusFor = (
  headers: Record<string, string>,
  path = '/',
  method = 'GET',
): Promise<number | undefined> =>
  new Promise((resolve, reject) => {
    const { port } = new URL(console_.url)
    request({ host: '127.0.0.1', port, path, method, headers }, (response) => {
      response.resume()
      resolve(response.statusCode)
    })
      .once('error', reject)
      .end()
  })

test('behavior: only a section that changed is sent again', async () => {
  const gone = new AbortController()
  const answer = await fetch(`${console_.url}/api/events`, { signal: gone.signal })
  const reader = answer.body?.getReader()
  let text = ''
  const events = (): { sections: Record<string, string> }[] =>
    [...text.matchAll(/^data: (.*)\n\n/gm)].map(([, data]) => JSON.parse(data ?? '{}'))
  const readUntil = async (done: () => boolean): Promise<void> => {
    while (!done()) text += new TextDecoder().decode((await reader?.read())?.value)
  }
  await readUntil(() => events().length > 0)
  await database.db.insert(tables.configChange).values({
    process: 'watcher',
    who: HOSTILE,
    file: 'watchlist.yaml',
    path: 'bots.x',
    oldValue: 1,
    newValue: HOSTILE,
  })
  await readUntil(() =>
    events()
      .slice(1)
      .some(({ sections }) => 'changes' in sections),
  )
  gone.abort()
  const later = events().slice(1)
  expect(later.some(({ sections }) => 'incidents' in sections)).toBe(false)
  const changes = later.find(({ sections }) => 'changes' in sections)?.sections['changes']
  expect(changes).toContain('bots.x')
  expect(changes).not.toContain('<script>')
})

test('error: another host name is refused', async () => {
  for (const host of ['evil.example', 'evil.example:4680', '127.0.0.1.evil.example']) {
    expect(await statusFor({ host })).toBe(421)
  }
  for (const host of ['localhost', 'LOCALHOST:4680', '127.0.0.1:1', '[::1]:4680', '10.0.0.7']) {
    expect(await statusFor({ host })).toBe(200)
  }
})

test('behavior: a host that the watchlist names is answered', async () => {
  const named = { ...config, console: { host: '127.0.0.1', port: 0, hosts: ['Ops.Example'] } }
  const second = await startConsole({ config: named, store: database, log })
  const { port } = new URL(second.url)
  const status = await new Promise((resolve) =>
    request({ host: '127.0.0.1', port, headers: { host: 'ops.example' } }, (response) => {
      response.resume()
      resolve(response.statusCode)
    }).end(),
  )
  await second.stop()
  expect(status).toBe(200)
})

test('error: writes and requests of other sites are refused', async () => {
  const host = 'localhost'
  expect(await statusFor({ host }, '/', 'POST')).toBe(405)
  expect(await statusFor({ host }, '/api/alerts', 'DELETE')).toBe(405)
  expect(await statusFor({ host }, '/graphql', 'GET')).toBe(405)
  expect(await statusFor({ host, 'content-type': 'text/plain' }, '/graphql', 'POST')).toBe(415)
  const foreign = { host, 'sec-fetch-site': 'cross-site' }
  expect(await statusFor({ ...foreign, 'sec-fetch-mode': 'no-cors' }, '/api/alerts')).toBe(403)
  expect(await statusFor({ ...foreign, 'sec-fetch-mode': 'navigate' })).toBe(200)
})

test('error: a query that makes no sense is 400 with what is wrong', async () => {
  for (const query of [
    'limit=0',
    'limit=5000',
    'limit=x',
    'status=odd',
    'severity=SEV9',
    'since=soon',
  ]) {
    const answer = await get(`/api/findings?${query}`)
    expect(answer.status).toBe(400)
    expect(await answer.text()).toContain(query.split('=')[0])
  }
})

test('behavior: GraphQL is handed on without the headers of the client, and bounded', async () => {
  const post = (body: string): Promise<Response> =>
    fetch(`${console_.url}/graphql`, {
      method: 'POST',
      headers: { authorization: 'Bearer x', 'content-type': 'application/json' },
      body,
    })
  expect(await (await post('{"query":"{a}"}')).json()).toEqual({
    data: { auth: null, body: '{"query":"{a}"}' },
  })
  expect((await post('x'.repeat(70_000))).status).toBe(413)
})

test('error: a port in use is told with exit code 4', async () => {
  const port = Number(new URL(console_.url).port)
  const second = startConsole({
    config: { ...config, console: { host: '127.0.0.1', port } },
    store: database,
    log,
  })
  await expect(second).rejects.toMatchObject({ code: 'port.in_use', exitCode: 4 })
})

test('error: GraphQL without an indexer is 503 with a reason', async () => {
  const alone = await startConsole({
    config,
    store: database,
    log,
    graphqlUrl: 'http://127.0.0.1:9/graphql',
  })
  const answer = await fetch(`${alone.url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: '{}',
  })
  await alone.stop()
  expect(answer.status).toBe(503)
  expect(await answer.text()).toContain('indexer does not answer')
})

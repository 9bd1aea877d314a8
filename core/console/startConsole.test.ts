import { createServer, request, type Server } from 'node:http'
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
  while (!text.includes('\n\n')) text += new TextDecoder().decode((await reader?.read())?.value)
  gone.abort()
  const data = JSON.parse(/^data: (.*)$/m.exec(text)?.[1] ?? '{}') as {
    sections: Record<string, string>
  }
  expect(Object.keys(data.sections)).toContain('findings')
  expect(data.sections['findings']).not.toContain('<script>')
})

test('error: another host name is refused', async () => {
  const { port } = new URL(console_.url)
  const status = await new Promise<number | undefined>((resolve, reject) => {
    request(
      { host: '127.0.0.1', port, path: '/', headers: { host: 'evil.example' } },
      (response) => {
        response.resume()
        resolve(response.statusCode)
      },
    )
      .once('error', reject)
      .end()
  })
  expect(status).toBe(421)
})

test('behavior: GraphQL is handed on without the headers of the client, and bounded', async () => {
  const post = (body: string): Promise<Response> =>
    fetch(`${console_.url}/graphql`, {
      method: 'POST',
      headers: { authorization: 'Bearer x' },
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
  const answer = await fetch(`${alone.url}/graphql`, { method: 'POST', body: '{}' })
  await alone.stop()
  expect(answer.status).toBe(503)
  expect(await answer.text()).toContain('indexer does not answer')
})

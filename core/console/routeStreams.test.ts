import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { WebSocket } from 'ws'
import { createTestDatabase, type TestDatabase } from '../../test/support/database.ts'
import { findingOf, record } from '../alerts/testSupport.ts'
import type { Config } from '../config/types.ts'
import { createLogger } from '../telemetry/index.ts'
import { startConsole } from './index.ts'

const TOKEN = 'a-token-of-more-than-24-characters'
const SLOW = { timeout: 20_000 }
let database: TestDatabase
let console_: Awaited<ReturnType<typeof startConsole>>

beforeAll(async () => {
  database = await createTestDatabase()
  console_ = await startConsole({
    config: {
      name: 'test',
      env: undefined,
      chains: [{ id: 1, name: 'main' }],
      console: { host: '127.0.0.1', port: 0 },
      subscriptions: [
        {
          kind: 'stream',
          name: 'desk',
          token: TOKEN,
          filter: { minSeverity: 'High' },
          maxReaders: 2,
        },
      ],
    } as unknown as Config,
    store: database,
    log: createLogger({ service: 'test', level: 'silent' }),
  })
})

afterAll(async () => {
  await console_?.stop()
  await database?.drop()
})

const authorization = `Bearer ${TOKEN}`

test('behavior: findings come by server-sent events and by WebSocket to whoever holds a token, and go on at a place', async () => {
  await record(
    database,
    findingOf({ uniqueKey: 'one' }),
    findingOf({ uniqueKey: 'low', severity: 'Low' }),
  )
  const stopping = new AbortController()
  const response = await fetch(`${console_.url}/stream?cursor=0`, {
    headers: { authorization },
    signal: stopping.signal,
  })
  expect(response.headers.get('content-type')).toContain('text/event-stream')
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader()
  let heard = ''
  const read = async (until: RegExp): Promise<void> => {
    while (!until.test(heard)) heard += (await reader?.read())?.value ?? ''
  }
  await read(/event: finding\.detected\ndata: .*\n\n/)
  await record(database, findingOf({ uniqueKey: 'two' }))
  await read(/(finding\.detected[\s\S]*){4}/)
  expect(heard).not.toContain('"severity":"Low"')
  stopping.abort()

  const got: { seq: number; type: string }[] = []
  const socket = new WebSocket(`${console_.url.replace('http', 'ws')}/stream/socket?cursor=0`, {
    headers: { authorization },
  })
  socket.on('message', (data) => got.push(JSON.parse(String(data)) as (typeof got)[number]))
  await vi.waitFor(
    () => expect(got.filter(({ type }) => type === 'finding.detected')).toHaveLength(2),
    SLOW,
  )
  socket.terminate()
})

test('error: without a token that is known nobody reads, and a query that is not understood is refused', async () => {
  const status = async (path: string, token?: string): Promise<number> => {
    const stopping = new AbortController()
    const response = await fetch(`${console_.url}${path}`, {
      headers: token ? { authorization: `Bearer ${token}` } : {},
      signal: stopping.signal,
    })
    stopping.abort()
    return response.status
  }
  expect(await status('/stream')).toBe(401)
  expect(await status('/stream', 'x'.repeat(30))).toBe(401)
  expect(await status('/stream?colour=red', TOKEN)).toBe(400)
  expect(await status('/api/stream')).toBe(200)
})

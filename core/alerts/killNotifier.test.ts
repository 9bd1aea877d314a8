import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import { Webhook } from 'standardwebhooks'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../test/support/database.ts'
import { programArgs } from '../../test/support/program.ts'
import { sleep } from '../base/index.ts'
import { tables } from '../store/index.ts'
import { findingOf, record } from './testSupport.ts'
import type { AlertMessage } from './types.ts'

const SECRET = `whsec_${Buffer.alloc(32, 7).toString('base64')}`
const KILLS = process.env['TOCSIN_LONG'] ? 100 : 3
let store: TestDatabase
let sink: Server
let url = ''
const received: AlertMessage[] = []
const children = new Set<ChildProcess>()

beforeAll(async () => {
  store = await createTestDatabase()
  const checker = new Webhook(SECRET)
  let requests = 0
  sink = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      requests += 1
      // Every fifth is refused before it is taken, every seventh is taken and then not answered for.
      if (requests % 5 === 0) return response.writeHead(503).end()
      const headers = Object.fromEntries(
        Object.entries(request.headers).map(([k, v]) => [k, String(v)]),
      )
      const { data } = checker.verify(Buffer.concat(chunks), headers) as { data: AlertMessage }
      expect(headers['webhook-id']).toBe(data.dedupKey)
      received.push(data)
      return requests % 7 === 0 ? request.socket.destroy() : response.writeHead(204).end()
    })
  })
  await new Promise<void>((resolve) => sink.listen(0, '127.0.0.1', resolve))
  const address = sink.address()
  url = `http://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}/hook`
})

afterAll(async () => {
  for (const child of children) child.kill('SIGKILL')
  sink?.closeAllConnections()
  sink?.close()
  await store?.drop()
})

const startChild = async (): Promise<ChildProcess> => {
  const program = programArgs('test/support/notifierChild')
  const child = fork(program.at(-1) ?? '', [store.url, url, SECRET], {
    execArgv: program.slice(0, -1),
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  })
  children.add(child)
  child.once('exit', () => children.delete(child))
  await once(child, 'message')
  return child
}

test(`behavior: ${KILLS} kills of a notifier under load lose nothing, double nothing and disorder nothing`, {
  timeout: 900_000,
}, async () => {
  let made = 0
  for (let round = 0; round <= KILLS; round++) {
    const child = await startChild()
    for (let n = 0; n < 6; n++) {
      const at = made++
      await record(
        store,
        ...Array.from({ length: 5 }, (_, i) =>
          findingOf({
            alertId: `A${at}-${i}`,
            uniqueKey: `${at}-${i}`,
            protocol: `p${i % 3}`,
            blockNumber: at,
          }),
        ),
      )
    }
    if (round === KILLS) break
    await sleep(20 + ((23 * round) % 400))
    child.kill('SIGKILL')
    await once(child, 'exit')
  }
  await vi.waitFor(
    async () => {
      const rows = await store.db.select().from(tables.outbox)
      expect(rows).toHaveLength(made * 5)
      expect(rows.filter(({ status }) => status !== 'sent')).toEqual([])
    },
    { timeout: 300_000, interval: 100 },
  )
  const rows = await store.db.select().from(tables.outbox).orderBy(tables.outbox.seq)
  expect(new Set(received.map(({ dedupKey }) => dedupKey))).toEqual(
    new Set(rows.map(({ dedupKey }) => dedupKey)),
  )
  for (const lane of new Set(rows.map((row) => row.lane))) {
    const inOrder = rows.filter((row) => row.lane === lane).map(({ dedupKey }) => dedupKey)
    // A repeat may come, but nothing is new to the receiver out of its turn.
    const firsts = [...new Set(received.map(({ dedupKey }) => dedupKey))].filter((key) =>
      inOrder.includes(key),
    )
    expect(firsts).toEqual(inOrder)
  }
  // What came twice came as the same message.
  const first = new Map<string, AlertMessage>()
  for (const message of received) {
    const before = first.get(message.dedupKey)
    if (before) expect(message).toEqual(before)
    else first.set(message.dedupKey, message)
  }
  const alerts = await store.db.select().from(tables.alert)
  expect(alerts).toHaveLength(made * 5)
  expect(alerts.every(({ findings }) => findings === 1)).toBe(true)
})

import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises'
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Webhook } from 'standardwebhooks'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { type Behaviour, sampleMessage, testChannel } from '../channelConformance.ts'
import { createConsoleChannel } from './consoleChannel.ts'
import { createWebhookChannel } from './webhookChannel.ts'

const SECRET = `whsec_${Buffer.from('0123456789abcdef0123456789abcdef').toString('base64')}`
const servers: Server[] = []
let folder = ''

beforeAll(async () => {
  // The first request of a process loads the HTTP client, which can take longer than a channel waits.
  await fetch('http://127.0.0.1:2/').catch(() => undefined)
  folder = await mkdtemp(join(tmpdir(), 'tocsin-channels-'))
})
afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections()
    server.close()
  }
})
afterAll(() => rm(folder, { recursive: true, force: true }))

type Received = { readonly headers: IncomingHttpHeaders; readonly body: string }

const serve = async (behaviour: Behaviour): Promise<{ port: number; received: Received[] }> => {
  const received: Received[] = []
  const server = createServer((request, response) => {
    let body = ''
    request.on('data', (chunk: Buffer) => {
      body += chunk.toString()
    })
    request.on('end', () => {
      received.push({ headers: request.headers, body })
      switch (behaviour.kind) {
        case 'accept':
          return response.writeHead(200).end('ok')
        case 'unavailable':
          return response.writeHead(503).end()
        case 'status':
          return response
            .writeHead(behaviour.status, {
              location: 'http://127.0.0.1:1/elsewhere',
              ...(behaviour.retryAfter ? { 'retry-after': behaviour.retryAfter } : {}),
            })
            .end()
        case 'huge-answer': {
          response.writeHead(200)
          const chunk = Buffer.alloc(64 * 1024)
          const pour = (): void => {
            while (!response.destroyed && response.write(chunk));
            response.once('drain', pour)
          }
          return pour()
        }
        default:
          return undefined
      }
    })
  })
  servers.push(server)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  const port = typeof address === 'object' && address ? address.port : 0
  if (behaviour.kind === 'refuse-connection') await new Promise((resolve) => server.close(resolve))
  return { port, received }
}

const webhookTo = async (behaviour: Behaviour) => {
  const { port, received } = await serve(behaviour)
  const channel = createWebhookChannel({
    name: 'test',
    url: `http://127.0.0.1:${port}/services/T0KEN?key=T0KEN`,
    secret: SECRET,
    timeoutMs: 1_000,
  })
  return { channel, received }
}

describe('webhook', () => {
  testChannel({
    kind: 'http',
    maxBytes: 20_000,
    secrets: ['T0KEN', SECRET, SECRET.slice(6), '127.0.0.1'],
    create: async (behaviour) => {
      const { channel, received } = await webhookTo(behaviour)
      return { channel, received: async () => received.map(({ body }) => body) }
    },
  })

  test("behavior: the Standard Webhooks library's own check accepts it, and refuses a changed one", async () => {
    const { channel, received } = await webhookTo({ kind: 'accept' })
    await channel.send(sampleMessage(), new AbortController().signal)
    const [request] = received
    if (!request) throw new Error('nothing arrived')
    const headers = Object.fromEntries(
      Object.entries(request.headers).map(([k, v]) => [k, String(v)]),
    )
    const checker = new Webhook(SECRET)
    expect(checker.verify(request.body, headers)).toMatchObject({
      type: 'alert.opened',
      data: sampleMessage(),
    })
    expect(headers['webhook-id']).toBe('a_1.opened.1.test')
    expect(() => checker.verify(request.body.replace('SEV1', 'SEV4'), headers)).toThrow()
  })

  test('behavior: a redirect is not followed', async () => {
    const target = await serve({ kind: 'accept' })
    const server = createServer((_, response) =>
      response.writeHead(307, { location: `http://127.0.0.1:${target.port}/` }).end(),
    )
    servers.push(server)
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const address = server.address()
    const port = typeof address === 'object' && address ? address.port : 0
    const channel = createWebhookChannel({
      name: 'r',
      url: `http://127.0.0.1:${port}/`,
      secret: SECRET,
      timeoutMs: 1_000,
    })
    expect(await channel.send(sampleMessage(), new AbortController().signal)).toMatchObject({
      kind: 'retry',
    })
    expect(target.received).toEqual([])
  })

  test('error: settings that cannot work are refused without quoting them', () => {
    const make = (url: string, secret: string) => () =>
      createWebhookChannel({ name: 'ops', url, secret, timeoutMs: 1_000 })
    expect(make('ftp://host/T0KEN', SECRET)).toThrow(
      expect.objectContaining({ code: 'channel.bad_url' }),
    )
    expect(make('https://user:pw@host/', SECRET)).toThrow(
      expect.objectContaining({ code: 'channel.bad_url' }),
    )
    for (const secret of ['', 'whsec_c2hvcnQ=', 'not base64 at all, but long enough to be one']) {
      expect(make('https://host/', secret)).toThrow(
        expect.objectContaining({
          code: 'channel.bad_secret',
          message: expect.not.stringContaining('whsec'),
        }),
      )
    }
  })
})

describe('console', () => {
  testChannel({
    kind: 'local',
    maxBytes: 60_000,
    secrets: [],
    create: async (behaviour) => {
      const file = join(await mkdtemp(join(folder, 'log-')), 'alerts.log')
      // A folder in the file's place cannot be appended to, whoever tries.
      if (behaviour.kind === 'unavailable') await mkdir(file)
      const channel = createConsoleChannel({ name: 'console', file, write: () => undefined })
      return { channel, received: async () => [await readFile(file, 'utf8')] }
    },
  })

  test('behavior: people see one readable line per message', async () => {
    const lines: string[] = []
    const file = join(folder, 'lines.log')
    const channel = createConsoleChannel({
      name: 'console',
      file,
      write: (line) => lines.push(line),
    })
    await channel.send(sampleMessage(), new AbortController().signal)
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({
      level: 'alert',
      message: 'SEV1 opened: Vault drained (vault)',
    })
  })
})

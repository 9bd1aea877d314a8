import { SMTPServer, type SMTPServerOptions } from 'smtp-server'
import { afterEach, expect, test } from 'vitest'
import { sampleMessage, testChannel } from '../channelConformance.ts'
import type { Channel } from '../types.ts'
import { createEmailChannel } from './emailChannel.ts'

const servers: SMTPServer[] = []
afterEach(async () => {
  await Promise.all(
    servers
      .splice(0)
      .map((server) => new Promise<void>((resolve) => server.close(() => resolve()))),
  )
})

const refusal = (code: number, words: string): Error =>
  Object.assign(new Error(words), { responseCode: code })

type Mail = { readonly to: readonly string[]; readonly raw: string }

/** A mail server on this machine: the mail library's own server side. */
const startServer = async (
  options: SMTPServerOptions = {},
): Promise<{ readonly port: number; readonly mails: Mail[] }> => {
  const mails: Mail[] = []
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ['STARTTLS'],
    disableReverseLookup: true,
    onData: (stream, session, done) => {
      let raw = ''
      stream.setEncoding('utf8')
      stream.on('data', (part: string) => {
        raw += part
      })
      stream.on('end', () => {
        mails.push({ to: session.envelope.rcptTo.map(({ address }) => address), raw })
        done()
      })
    },
    ...options,
  })
  server.on('error', () => undefined)
  servers.push(server)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.server.address()
  return { port: typeof address === 'object' && address ? address.port : 0, mails }
}

const channelTo = (
  port: number,
  overrides: Partial<Parameters<typeof createEmailChannel>[0]> = {},
): Channel =>
  createEmailChannel({
    name: 'mail',
    host: '127.0.0.1',
    port,
    from: 'tocsin@example.org',
    to: ['ops@example.org'],
    tls: 'opportunistic',
    perMinute: 600,
    timeoutMs: 8_000,
    ...overrides,
  })

const header = (mail: Mail | undefined, name: string): string | undefined =>
  new RegExp(`^${name}: (.*)$`, 'im').exec(mail?.raw.replace(/\r\n[ \t]+/g, ' ') ?? '')?.[1]?.trim()

const idle = new AbortController().signal

testChannel({
  kind: 'local',
  json: false,
  maxBytes: 80_000,
  secrets: ['127.0.0.1', 'pa55word'],
  parts: [
    'SEV1 opened: Vault drained',
    'a_1.opened.1.test',
    'Total value fell by 42 % within one block.',
  ],
  create: async (behaviour) => {
    const { port, mails } = await startServer(
      behaviour.kind === 'unavailable'
        ? { onMailFrom: (_, __, done) => done(refusal(451, 'try later')) }
        : {},
    )
    return {
      channel: channelTo(port),
      // Line ends belong to the format.
      received: async () =>
        mails.map(({ raw }) => raw.replace(/=\r\n/g, '').replace(/[\r\n\t]+/g, ' ')),
    }
  },
})

test('behavior: a message and its repeat have one id, and what belongs together is one thread', async () => {
  const { port, mails } = await startServer()
  const channel = channelTo(port, { to: ['a@example.org', 'b@example.org'] })
  await channel.send(sampleMessage(), idle)
  await channel.send(sampleMessage(), idle)
  await channel.send(sampleMessage({ alert: 'a_2', dedupKey: 'a_2.opened.1.mail' }), idle)
  const ids = mails.map((mail) => header(mail, 'Message-ID'))
  expect(ids[0]).toBe(ids[1])
  expect(ids[2]).not.toBe(ids[0])
  expect(new Set(mails.map((mail) => header(mail, 'References'))).size).toBe(1)
  expect(mails[0]?.to).toEqual(['a@example.org', 'b@example.org'])
  expect(header(mails[0], 'Auto-Submitted')).toBe('auto-generated')
})

test('behavior: a stranger cannot add headers, receivers or marks', async () => {
  const { port, mails } = await startServer()
  await channelTo(port).send(
    sampleMessage({
      title: 'x\r\nBcc: thief@example.org\r\n\r\n<img src=x>',
      summary: '<script>1</script>',
    }),
    idle,
  )
  expect(mails[0]?.to).toEqual(['ops@example.org'])
  expect(header(mails[0], 'Bcc')).toBeUndefined()
  expect(mails[0]?.raw).not.toMatch(/<script>1<\/script><\/p>/)
  expect(mails[0]?.raw).toContain('&lt;script&gt;')
})

test('error: no encryption where it is required, a wrong password, a refused sender, nobody there', async () => {
  const { port } = await startServer({
    authMethods: ['PLAIN'],
    allowInsecureAuth: true,
    onAuth: (_, __, done) => done(refusal(535, 'no')),
  })
  expect(await channelTo(port, { tls: 'required' }).send(sampleMessage(), idle)).toMatchObject({
    kind: expect.stringMatching(/retry|dead/),
  })
  const wrong = await channelTo(port, { user: 'tocsin', password: 'pa55word' }).send(
    sampleMessage(),
    idle,
  )
  expect(wrong).toEqual({ kind: 'dead', reason: 'the mail server answered 535' })
  const strict = await startServer({
    onRcptTo: (_, __, done) => done(refusal(550, 'no such user')),
  })
  expect(await channelTo(strict.port).send(sampleMessage(), idle)).toEqual({
    kind: 'dead',
    reason: 'the mail server answered 550',
  })
  expect(await channelTo(1).send(sampleMessage(), idle)).toMatchObject({
    kind: 'retry',
    reason: expect.stringMatching(/^no connection \([A-Z]+\)$/),
  })
})

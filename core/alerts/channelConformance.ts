import { expect, test } from 'vitest'
import type { AlertMessage, Channel, SendResult } from './types.ts'

/** How a stand-in at the far end of a channel behaves. */
export type Behaviour =
  | { readonly kind: 'accept' }
  /** The far end is there and cannot take messages now. */
  | { readonly kind: 'unavailable' }
  /** Answers with this HTTP status; only asked of channels of kind `http`. */
  | { readonly kind: 'status'; readonly status: number; readonly retryAfter?: string }
  | { readonly kind: 'hang' }
  | { readonly kind: 'refuse-connection' }
  | { readonly kind: 'huge-answer' }

/** A channel under test with its far end. */
export type ChannelHarness = {
  readonly kind: 'http' | 'local'
  /** Makes a fresh channel whose far end behaves so. `timeoutMs` of the channel must be at most 1000. */
  readonly create: (behaviour: Behaviour) => Promise<{
    readonly channel: Channel
    /** Texts exactly as they reached the far end. */
    readonly received: () => Promise<readonly string[]>
  }>
  /** Largest text that may reach the far end (bytes). */
  readonly maxBytes: number
  /** What must never be seen in a result: secrets, and paths of URLs. */
  readonly secrets: readonly string[]
  /** What of `sampleMessage` must arrive. Default: key, severity, title and schema. */
  readonly parts?: readonly string[]
  /** Whether what arrives is a line of JSON. Default: true. */
  readonly json?: boolean
  /** Whether only the body of an answer tells that it is a success. Default: false. */
  readonly bodyDecides?: boolean
}

const PARTS = ['a_1.opened.1.test', 'SEV1', 'Vault drained', 'tocsin.alert.v1']

/** A message as the notifier writes it. */
export const sampleMessage = (overrides: Partial<AlertMessage> = {}): AlertMessage => ({
  schema: 'tocsin.alert.v1',
  dedupKey: 'a_1.opened.1.test',
  change: 'opened',
  ordinal: 1,
  alert: 'a_1',
  incident: 'i_1',
  status: 'open',
  kind: 'event',
  severity: 'SEV1',
  title: 'Vault drained',
  summary: 'Total value fell by 42 % within one block.',
  bot: 'tvl-drop',
  alertId: 'TVL-DROP',
  chain: { id: 1, name: 'mainnet' },
  thing: 'vault',
  owner: 'onchain',
  protocol: 'acme',
  blocks: { first: 1, last: 2 },
  transactions: [`0x${'1'.repeat(64)}`],
  addresses: [`0x${'2'.repeat(40)}`],
  evidence: { before: '100', after: '58' },
  findings: 2,
  final: false,
  runbook: 'bots/tvl-drop/runbook.md',
  times: { opened: '2026-01-01T00:00:00.000Z', changed: '2026-01-01T00:00:00.000Z', closed: null },
  ...overrides,
})

const RETRIED = [
  301, 302, 307, 308, 402, 405, 406, 408, 409, 415, 422, 425, 429, 451, 500, 501, 502, 503, 504,
  599,
]
const REFUSED = [400, 401, 403, 404, 410, 413]
const ACCEPTED = [200, 201, 202, 204, 299]

/** The suite that every channel must pass whole. Call it inside a `describe`. */
export const testChannel = (harness: ChannelHarness): void => {
  const idle = new AbortController().signal
  const attempt = async (behaviour: Behaviour, message = sampleMessage()): Promise<SendResult> => {
    const { channel } = await harness.create(behaviour)
    const result = await channel.send(message, idle)
    const text = JSON.stringify(result)
    for (const secret of harness.secrets) expect(text).not.toContain(secret)
    return result
  }

  test('behavior: a message arrives once, whole, with its key', async () => {
    const { channel, received } = await harness.create({ kind: 'accept' })
    expect(await channel.send(sampleMessage(), idle)).toEqual({ kind: 'sent' })
    const texts = await received()
    expect(texts).toHaveLength(1)
    for (const part of harness.parts ?? PARTS) expect(texts[0]).toContain(part)
  })

  test('behavior: a far end that is away delays the message', async () => {
    expect(await attempt({ kind: 'unavailable' })).toMatchObject({ kind: 'retry' })
  })

  test('behavior: the largest message there can be fits', async () => {
    const { channel, received } = await harness.create({ kind: 'accept' })
    const long = '\u{1F600}'.repeat(1_000)
    const message = sampleMessage({
      title: long.slice(0, 400),
      summary: long,
      addresses: Array.from({ length: 10 }, () => long.slice(0, 200)),
      transactions: Array.from({ length: 10 }, () => '"'.repeat(100)),
      evidence: Object.fromEntries(
        Array.from({ length: 20 }, (_, i) => [`${i}${long.slice(0, 100)}`, long.slice(0, 400)]),
      ),
      runbook: long,
    })
    expect(await channel.send(message, idle)).toEqual({ kind: 'sent' })
    const [text = ''] = await received()
    expect(Buffer.byteLength(text)).toBeLessThanOrEqual(harness.maxBytes)
    if (harness.json === false) return
    expect(text.trimEnd()).not.toContain('\n')
    expect(() => JSON.parse(text) as unknown).not.toThrow()
  })

  test('behavior: control and bidi characters do not reach the far end raw', async () => {
    const { channel, received } = await harness.create({ kind: 'accept' })
    await channel.send(
      sampleMessage({ title: 'a\u001B[31m\u0000\n\r\u2028b', summary: '</script>\u202Etxt' }),
      idle,
    )
    const text = (await received()).join('').trimEnd()
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
    expect(text).not.toMatch(/[\u0000-\u001F\u007F-\u009F\u202A-\u202E\u2066-\u2069\u2028\u2029]/)
  })

  test('behavior: an aborted attempt is neither sent nor lost', async () => {
    const { channel } = await harness.create({ kind: 'accept' })
    expect(await channel.send(sampleMessage(), AbortSignal.abort())).toMatchObject({
      kind: 'retry',
    })
  })

  if (harness.kind !== 'http') return

  for (const status of harness.bodyDecides ? [] : ACCEPTED) {
    test(`behavior: ${status} is success`, async () => {
      expect(await attempt({ kind: 'status', status })).toEqual({ kind: 'sent' })
    })
  }
  for (const status of RETRIED) {
    test(`behavior: ${status} is tried again`, async () => {
      expect(await attempt({ kind: 'status', status })).toMatchObject({ kind: 'retry' })
    })
  }
  for (const status of REFUSED) {
    test(`behavior: ${status} is a refusal`, async () => {
      expect(await attempt({ kind: 'status', status })).toMatchObject({ kind: 'dead' })
    })
  }

  test('behavior: the pause that the far end asks for is passed on, as seconds or as a date, and bounded', async () => {
    const after = (retryAfter: string) => attempt({ kind: 'status', status: 429, retryAfter })
    expect(await after('7')).toMatchObject({ kind: 'retry', afterMs: 7_000 })
    expect(await after('99999999')).toMatchObject({ kind: 'retry', afterMs: 3_600_000 })
    expect(await after('soon')).not.toHaveProperty('afterMs')
    const dated = await after(new Date(Date.now() + 60_000).toUTCString())
    expect(dated.kind === 'retry' && dated.afterMs).toBeGreaterThan(50_000)
    expect(await after(new Date(0).toUTCString())).toMatchObject({ afterMs: 0 })
  })

  test('error: a far end that hangs, refuses connections or never stops answering', async () => {
    expect(await attempt({ kind: 'hang' })).toMatchObject({ kind: 'retry' })
    expect(await attempt({ kind: 'refuse-connection' })).toMatchObject({ kind: 'retry' })
    expect(await attempt({ kind: 'huge-answer' })).toMatchObject({
      kind: harness.bodyDecides ? 'retry' : 'sent',
    })
  })
}

import { afterEach, beforeAll, describe, expect, test } from 'vitest'
import {
  createDiscord,
  createSlack,
  createTelegram,
  SLACK_CHANNEL,
  SLACK_TOKEN,
  slackWebhook,
  TELEGRAM_CHAT,
  TELEGRAM_TOKEN,
} from '../../../test/support/channels/chats.ts'
import {
  createAlertmanager,
  createJira,
  createPagerduty,
  GENIE_KEY,
  ROUTING_KEY,
  TWILIO_SID,
  TWILIO_TOKEN,
  twilio,
} from '../../../test/support/channels/pagers.ts'
import {
  startVendor,
  type Vendor,
  type VendorServer,
} from '../../../test/support/channels/vendorServer.ts'
import type { ChannelConfig } from '../../config/types.ts'
import { type Behaviour, sampleMessage, testChannel } from '../channelConformance.ts'
import type { AlertMessage, Channel, ThreadBook } from '../types.ts'
import { createChannel } from './createChannel.ts'

const servers: VendorServer[] = []
beforeAll(async () => {
  // The first request of a process loads the HTTP client, which can take longer than a channel waits.
  const server = await startVendor(() => ({ status: 200 }), { kind: 'accept' })
  await fetch(server.url).then((response) => response.text())
  await server.stop()
})
afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.stop()))
})

const memoryThreads = (): ThreadBook => {
  const kept = new Map<string, string>()
  return {
    find: async (lane) => kept.get(lane),
    keep: async (lane, reference) => void kept.set(lane, kept.get(lane) ?? reference),
  }
}

type Settings = ChannelConfig extends infer T
  ? T extends { name: string }
    ? Omit<T, 'name'>
    : never
  : never

/** A channel with the vendor's stand-in at its far end. */
const connect = async (
  vendor: Vendor,
  settings: (url: string) => Settings,
  behaviour: Behaviour = { kind: 'accept' },
): Promise<{ readonly channel: Channel; readonly server: VendorServer }> => {
  const server = await startVendor(vendor, behaviour)
  servers.push(server)
  const config = { ...settings(server.url), name: 'test' } as ChannelConfig
  const channel = createChannel(config, { dataDir: '/nonexistent', threads: memoryThreads() })
  return { channel, server }
}

const idle = new AbortController().signal
const say = (channel: Channel, overrides: Partial<AlertMessage>) =>
  channel.send(
    sampleMessage({ dedupKey: `a_1.${overrides.change ?? 'opened'}.1.test`, ...overrides }),
    idle,
  )

const PAGERDUTY = (url: string): Settings => ({
  kind: 'pagerduty',
  minSeverity: 'SEV4',
  url,
  routingKey: ROUTING_KEY,
  perMinute: 120,
  timeoutMs: 1_000,
})
const SLACK = (url: string): Settings => ({
  kind: 'slack',
  minSeverity: 'SEV4',
  url,
  token: SLACK_TOKEN,
  channel: SLACK_CHANNEL,
  perMinute: 60,
  timeoutMs: 1_000,
})
const SLACK_HOOK = (url: string): Settings => ({
  kind: 'slack-webhook',
  minSeverity: 'SEV4',
  url: `${url}/services/T0KEN`,
  perMinute: 60,
  timeoutMs: 1_000,
})
const DISCORD = (url: string): Settings => ({
  kind: 'discord',
  minSeverity: 'SEV4',
  url: `${url}/api/webhooks/1/T0KEN`,
  perMinute: 30,
  timeoutMs: 1_000,
})
const TELEGRAM = (url: string): Settings => ({
  kind: 'telegram',
  minSeverity: 'SEV4',
  url,
  token: TELEGRAM_TOKEN,
  chat: TELEGRAM_CHAT,
  perMinute: 20,
  timeoutMs: 1_000,
})
const TWILIO = (url: string): Settings => ({
  kind: 'twilio',
  minSeverity: 'SEV4',
  url,
  accountSid: TWILIO_SID,
  authToken: TWILIO_TOKEN,
  from: '+15005550006',
  to: ['+15005550001'],
  perMinute: 60,
  timeoutMs: 1_000,
})
const JIRA = (url: string): Settings => ({
  kind: 'jira',
  minSeverity: 'SEV4',
  url,
  apiKey: GENIE_KEY,
  perMinute: 300,
  timeoutMs: 1_000,
})
const ALERTMANAGER = (url: string): Settings => ({
  kind: 'alertmanager',
  minSeverity: 'SEV4',
  urls: [url],
  holdS: 3_600,
  timeoutMs: 1_000,
})

type Case = {
  readonly name: string
  readonly vendor: () => Vendor
  readonly settings: (url: string) => Settings
  readonly maxBytes: number
  readonly parts: readonly string[]
  readonly secrets: readonly string[]
  readonly json?: boolean
  readonly bodyDecides?: boolean
}

/** Every kind speaks its vendor's format; the stand-in judges form, limits and credentials as the vendor does. */
const CASES: readonly Case[] = [
  {
    name: 'pagerduty',
    vendor: () => createPagerduty().vendor,
    settings: PAGERDUTY,
    maxBytes: 512_000,
    parts: ['SEV1', 'Vault drained', 'critical'],
    secrets: [ROUTING_KEY],
  },
  {
    name: 'slack',
    vendor: () => createSlack().vendor,
    settings: SLACK,
    maxBytes: 40_000,
    parts: ['SEV1', 'Vault drained', 'a_1.opened.1.test'],
    secrets: [SLACK_TOKEN],
    bodyDecides: true,
  },
  {
    name: 'slack-webhook',
    vendor: () => slackWebhook,
    settings: SLACK_HOOK,
    maxBytes: 40_000,
    parts: ['SEV1', 'Vault drained', 'a_1.opened.1.test'],
    secrets: ['T0KEN'],
  },
  {
    name: 'discord',
    vendor: () => createDiscord().vendor,
    settings: DISCORD,
    maxBytes: 40_000,
    parts: ['SEV1', 'Vault drained', 'a_1.opened.1.test'],
    secrets: ['T0KEN'],
  },
  {
    name: 'telegram',
    vendor: () => createTelegram().vendor,
    settings: TELEGRAM,
    maxBytes: 20_000,
    parts: ['SEV1', 'Vault drained', 'a_1.opened.1.test'],
    secrets: [TELEGRAM_TOKEN, 'T0KEN'],
  },
  {
    name: 'twilio',
    vendor: () => twilio,
    settings: TWILIO,
    maxBytes: 4_000,
    parts: ['SEV1', 'Vault+drained', 'i_1'],
    secrets: [TWILIO_TOKEN],
    json: false,
  },
  {
    name: 'jira',
    vendor: () => createJira().vendor,
    settings: JIRA,
    maxBytes: 60_000,
    parts: ['SEV1', 'Vault drained', 'a_1.opened.1.test', 'P1'],
    secrets: [GENIE_KEY],
  },
  {
    name: 'alertmanager',
    vendor: () => createAlertmanager().vendor,
    settings: ALERTMANAGER,
    maxBytes: 60_000,
    parts: ['SEV1', 'Vault drained', 'a_1.opened.1.test', 'TVL-DROP'],
    secrets: [],
  },
]

describe.each(CASES)('$name', ({ vendor, settings, ...harness }) => {
  testChannel({
    kind: 'http',
    ...harness,
    secrets: [...harness.secrets, '127.0.0.1'],
    create: async (behaviour) => {
      const { channel, server } = await connect(vendor(), settings, behaviour)
      // What the vendor refused has not arrived.
      return { channel, received: async () => server.accepted.map(({ body }) => body) }
    },
  })
})

test('behavior: PagerDuty folds what is sent twice into one incident, closes it, and opens another afterwards', async () => {
  const { vendor, incidents } = createPagerduty()
  const { channel } = await connect(vendor, PAGERDUTY)
  await say(channel, {})
  await say(channel, {})
  await say(channel, { change: 'raised', severity: 'SEV1' })
  expect(incidents).toMatchObject([{ open: true, entries: 3, severity: 'critical' }])
  await say(channel, { change: 'resolved', status: 'resolved' })
  expect(incidents).toMatchObject([{ open: false }])
  await say(channel, { change: 'reopened' })
  await say(channel, { change: 'opened', alert: 'a_2', severity: 'SEV2' })
  expect(incidents).toMatchObject([
    { open: false },
    { open: true },
    { open: true, severity: 'error' },
  ])
})

test('behavior: what somebody has in hand is acknowledged at the pager and rings no more; given back, it rings as another', async () => {
  const { vendor, incidents } = createPagerduty()
  const pd = await connect(vendor, PAGERDUTY)
  await say(pd.channel, {})
  await say(pd.channel, { change: 'answered' })
  expect(incidents).toMatchObject([{ open: true, acknowledged: true, entries: 1 }])
  await say(pd.channel, { round: 1 })
  expect(incidents).toMatchObject([{ entries: 1 }, { open: true, acknowledged: false }])
  await say(pd.channel, { change: 'resolved' })
  await say(pd.channel, { change: 'resolved', round: 1 })
  expect(incidents).toMatchObject([{ open: false }, { open: false }])
  const jira = createJira()
  const { channel } = await connect(jira.vendor, JIRA)
  await say(channel, {})
  await say(channel, { change: 'answered' })
  expect([...jira.alerts.values()]).toMatchObject([{ open: true, acknowledged: true }])
  const alertmanager = createAlertmanager()
  const am = await connect(alertmanager.vendor, ALERTMANAGER)
  await say(am.channel, { severity: 'SEV2' })
  await say(am.channel, { severity: 'SEV2', change: 'answered' })
  expect(alertmanager.firing()).toHaveLength(1)
})

test('behavior: a Slack incident is one thread; a graver turn is shown to all, the end is written into the first message', async () => {
  const { vendor, messages } = createSlack()
  const { channel } = await connect(vendor, SLACK)
  await say(channel, {})
  await say(channel, { alert: 'a_2', title: 'Owner changed' })
  await say(channel, { change: 'raised' })
  await say(channel, { change: 'resolved', status: 'resolved' })
  await say(channel, { incident: null, alert: 'a_3' })
  const root = messages[0]?.ts
  expect(messages.map(({ thread }) => thread)).toEqual([undefined, root, root, root, undefined])
  expect(messages.map(({ broadcast }) => broadcast)).toEqual([false, false, true, false, false])
  expect(messages[0]).toMatchObject({ edits: 1, text: expect.stringContaining('resolved') })
})

test('behavior: text of strangers mentions nobody and makes no link in any chat', async () => {
  const hostile = {
    title: '<!channel> @everyone <https://evil.example|here> [x](https://evil.example) <b>',
    summary: '<a href="https://evil.example">free</a> **bold** `code` & <script>',
    evidence: { '<!here>': '"><img src=x>' },
  }
  const slack = await connect(createSlack().vendor, SLACK)
  expect(await say(slack.channel, hostile)).toEqual({ kind: 'sent' })
  const said = slack.server.accepted[0]?.body ?? ''
  expect(said).not.toMatch(/<!|<https/)
  const discord = await connect(createDiscord().vendor, DISCORD)
  expect(await say(discord.channel, hostile)).toEqual({ kind: 'sent' })
  expect(JSON.parse(discord.server.accepted[0]?.body ?? '')).toMatchObject({
    allowed_mentions: { parse: [] },
    embeds: [{ title: expect.stringContaining('\\@everyone') }],
  })
  const telegram = createTelegram()
  const { channel } = await connect(telegram.vendor, TELEGRAM)
  expect(await say(channel, hostile)).toEqual({ kind: 'sent' })
})

test('behavior: what follows answers the first message in Telegram, without a sound when it is over; Discord edits it', async () => {
  const telegram = createTelegram()
  const first = await connect(telegram.vendor, TELEGRAM)
  await say(first.channel, {})
  await say(first.channel, { change: 'retracted', status: 'retracted' })
  expect(telegram.messages).toMatchObject([
    { replyTo: undefined, silent: false },
    { replyTo: 1, silent: true },
  ])
  const discord = createDiscord()
  const second = await connect(discord.vendor, DISCORD)
  await say(second.channel, {})
  await say(second.channel, { change: 'resolved', status: 'resolved' })
  expect(discord.messages).toMatchObject([
    { edits: 1, title: expect.stringContaining('resolved') },
    { edits: 0 },
  ])
})

test('behavior: an alert of Jira is closed by the alias it was opened by', async () => {
  const { vendor, alerts } = createJira()
  const { channel } = await connect(vendor, JIRA)
  await say(channel, {})
  await say(channel, { change: 'raised' })
  expect([...alerts.values()]).toMatchObject([{ priority: 'P1', open: true, count: 2 }])
  await say(channel, { change: 'resolved', status: 'resolved' })
  expect([...alerts.values()]).toMatchObject([{ open: false }])
})

test('behavior: in Alertmanager a graver turn ends the milder alert, the end ends all, and every instance must take it', async () => {
  const { vendor, firing } = createAlertmanager()
  const { channel } = await connect(vendor, ALERTMANAGER)
  await say(channel, { severity: 'SEV3' })
  expect(firing()).toMatchObject([{ severity: 'SEV3', alertname: 'TVL-DROP' }])
  await say(channel, { change: 'raised', severity: 'SEV1' })
  expect(firing()).toMatchObject([{ severity: 'SEV1' }])
  await say(channel, { change: 'resolved', severity: 'SEV1', status: 'resolved' })
  expect(firing()).toEqual([])
  const well = await startVendor(createAlertmanager().vendor, { kind: 'accept' })
  const ill = await startVendor(createAlertmanager().vendor, { kind: 'unavailable' })
  servers.push(well, ill)
  const both = createChannel(
    {
      kind: 'alertmanager',
      minSeverity: 'SEV4',
      name: 'test',
      urls: [well.url, ill.url],
      token: undefined,
      holdS: 600,
      timeoutMs: 1_000,
    },
    { dataDir: '/nonexistent', threads: memoryThreads() },
  )
  expect(await say(both, {})).toMatchObject({ kind: 'retry' })
})

test("error: a vendor's own word for wrong credentials, a missing chat or a rate limit is told, without the secret", async () => {
  const wrongSlack = await connect(
    createSlack().vendor,
    (url) => ({ ...SLACK(url), token: 'xoxb-0ther' }) as Settings,
  )
  expect(await say(wrongSlack.channel, {})).toEqual({
    kind: 'dead',
    reason: 'Slack answered invalid_auth',
  })
  const limited = await connect(
    () => ({ status: 200, body: { ok: false, error: 'ratelimited' } }),
    SLACK,
  )
  expect(await say(limited.channel, {})).toMatchObject({ kind: 'retry' })
  const wrongChat = await connect(
    createTelegram().vendor,
    (url) => ({ ...TELEGRAM(url), chat: '-1' }) as Settings,
  )
  expect(await say(wrongChat.channel, {})).toMatchObject({
    kind: 'dead',
    reason: expect.stringContaining('chat not found'),
  })
  const slow = await connect(
    () => ({ status: 429, body: { ok: false, parameters: { retry_after: 7 } } }),
    TELEGRAM,
  )
  expect(await say(slow.channel, {})).toMatchObject({ kind: 'retry', afterMs: 7_000 })
  const global = await connect(
    () => ({ status: 429, body: { message: 'x', retry_after: 1.5, global: true } }),
    DISCORD,
  )
  expect(await say(global.channel, {})).toMatchObject({ kind: 'retry', afterMs: 1_500 })
})

test('behavior: an SMS that one of two numbers did not get is sent again', async () => {
  let calls = 0
  const flaky: Vendor = (request) => (calls++ === 0 ? { status: 500 } : twilio(request))
  const { channel } = await connect(
    flaky,
    (url) => ({ ...TWILIO(url), to: ['+15005550001', '+15005550002'] }) as Settings,
  )
  expect(await say(channel, {})).toMatchObject({ kind: 'retry' })
  expect(await say(channel, {})).toEqual({ kind: 'sent' })
})

import { afterEach, expect, test } from 'vitest'
import {
  createDiscord,
  createSlack,
  createTelegram,
  SLACK_CHANNEL,
  SLACK_TOKEN,
  TELEGRAM_CHAT,
  TELEGRAM_TOKEN,
} from '../../../test/support/channels/chats.ts'
import { TWILIO_SID, TWILIO_TOKEN, twilio } from '../../../test/support/channels/pagers.ts'
import {
  startVendor,
  type Vendor,
  type VendorServer,
} from '../../../test/support/channels/vendorServer.ts'
import type { ChannelConfig } from '../../config/types.ts'
import { sampleMessage } from '../channelConformance.ts'
import type { AlertMessage } from '../types.ts'
import { createChannel } from './createChannel.ts'
import { describeMessage } from './describeMessage.ts'

const servers: VendorServer[] = []
afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.stop()))
})

const word = (letter: string): string => letter.repeat(32)
const buttons = { acknowledge: word('a'), approve: word('b'), deny: word('c') }

/** Sends one message to a vendor's stand-in; answers what came there. */
const send = async (
  vendor: Vendor,
  settings: (url: string) => ChannelConfig,
  message: Partial<AlertMessage>,
) => {
  const server = await startVendor(vendor, { kind: 'accept' })
  servers.push(server)
  const kept = new Map<string, string>()
  const channel = createChannel(settings(server.url), {
    dataDir: '/nonexistent',
    threads: {
      find: async (lane) => kept.get(lane),
      keep: async (lane, reference) => void kept.set(lane, reference),
    },
  })
  const result = await channel.send(sampleMessage(message), new AbortController().signal)
  return { result, requests: server.requests, kept }
}

const slackTo = (url: string): ChannelConfig => ({
  kind: 'slack',
  name: 'test',
  minSeverity: 'SEV4',
  token: SLACK_TOKEN,
  channel: SLACK_CHANNEL,
  url,
  perMinute: 60,
  timeoutMs: 5_000,
})
const twilioTo =
  (voice: boolean) =>
  (url: string): ChannelConfig => ({
    kind: 'twilio',
    name: 'test',
    minSeverity: 'SEV4',
    url,
    accountSid: TWILIO_SID,
    authToken: TWILIO_TOKEN,
    from: '+15005550006',
    to: ['+15005550001', '+15005550002'],
    voice,
    perMinute: 60,
    timeoutMs: 5_000,
  })

test('behavior: Slack takes three buttons, and a person has a thread of their own', async () => {
  const slack = createSlack()
  const { result, kept } = await send(slack.vendor, slackTo, { buttons, to: 'U0ADA' })
  expect(result).toEqual({ kind: 'sent' })
  expect(slack.messages[0]).toMatchObject({
    channel: 'U0ADA',
    buttons: [
      { action_id: 'tocsin_acknowledge', value: word('a') },
      { action_id: 'tocsin_approve', value: word('b') },
      { action_id: 'tocsin_deny', value: word('c') },
    ],
  })
  expect([...kept.keys()]).toEqual(['i_1@U0ADA'])
})

test('behavior: Telegram takes a row of buttons', async () => {
  const settings = (url: string): ChannelConfig => ({
    kind: 'telegram',
    name: 'test',
    minSeverity: 'SEV4',
    url,
    token: TELEGRAM_TOKEN,
    chat: TELEGRAM_CHAT,
    perMinute: 20,
    timeoutMs: 5_000,
  })
  const { result, requests } = await send(createTelegram().vendor, settings, { buttons })
  expect(result).toEqual({ kind: 'sent' })
  expect(JSON.parse(requests[0]?.body ?? '')).toMatchObject({
    reply_markup: {
      inline_keyboard: [[{ text: 'Acknowledge', callback_data: word('a') }, {}, {}]],
    },
  })
})

test('behavior: Discord takes buttons of a webhook that an application owns', async () => {
  const settings = (url: string): ChannelConfig => ({
    kind: 'discord',
    name: 'test',
    minSeverity: 'SEV4',
    url: `${url}/api/webhooks/1/T0KEN`,
    perMinute: 30,
    timeoutMs: 5_000,
  })
  const { result, requests } = await send(createDiscord().vendor, settings, { buttons })
  expect(result).toEqual({ kind: 'sent' })
  expect(requests[0]?.body).toContain(`"custom_id":"${word('b')}"`)
})

test('behavior: an SMS says what to reply, and a SEV1 calls the one number where calls are wished for', async () => {
  const call = 'https://tocsin.example/in/sms/x?b=1&c=2'
  const message = { buttons: { reply: '4711', call }, to: '+15005550009', title: 'A <b> & "c"' }
  const loud = await send(twilio, twilioTo(true), message)
  expect(loud.result).toEqual({ kind: 'sent' })
  expect(loud.requests.map(({ url }) => url.pathname.split('/').at(-1)).sort()).toEqual([
    'Calls.json',
    'Messages.json',
  ])
  for (const { body } of loud.requests)
    expect(new URLSearchParams(body).get('To')).toBe('+15005550009')
  const texts = loud.requests.map(({ body }) => new URLSearchParams(body))
  expect(texts.map((form) => form.get('Body')).join()).toContain('Reply ACK 4711 to acknowledge')
  const twiml = texts.map((form) => form.get('Twiml')).join('')
  expect(twiml).toContain('action="https://tocsin.example/in/sms/x?b=1&amp;c=2"')
  expect(twiml).toContain('A &lt;b&gt; &amp; &quot;c&quot;'.replaceAll('&quot;', '"'))
  const quiet = await send(twilio, twilioTo(true), { ...message, severity: 'SEV2' })
  const silent = await send(twilio, twilioTo(false), message)
  expect([quiet.requests.length, silent.requests.length]).toEqual([1, 1])
})

test('behavior: the first line says what, where, how much and what is done; an SMS fits three parts whatever is in it', async () => {
  const evidence = {
    lost: '1234567890000000000000000',
    decimals: '18',
    unit: 'dUSD',
    dropBps: '4250',
    priceUsd: '0.99',
  }
  const doing = [{ execution: 'x_1', action: 'pause-vault', status: 'sent', link: null }]
  const headline = (more: Partial<AlertMessage>) =>
    describeMessage(sampleMessage({ evidence, doing, ...more })).headline
  expect(headline({})).toBe(
    'SEV1 opened: Vault drained (vault) on mainnet: 1.2M dUSD, $1.2M lost (42 %). pause-vault: sent',
  )
  expect(headline({ change: 'resolved', title: 'vault drained' })).toBe(
    'SEV1 resolved: vault drained on mainnet',
  )
  expect(headline({ change: 'digest', more: { alerts: 12, incidents: 3 }, doing: [] })).toContain(
    'SEV1 12 more alerts, first: Vault drained',
  )
  expect(headline({ title: 'x'.repeat(200), thing: 'y'.repeat(120) }).length).toBeLessThan(201)
  expect(headline({ evidence: { lost: '5', decimals: '99' }, doing: [] })).toBe(
    'SEV1 opened: Vault drained (vault) on mainnet',
  )
  const summary = `Überweisung – ${'Ω~'.repeat(400)}`
  const { requests } = await send(twilio, twilioTo(false), { summary, buttons: { reply: '4711' } })
  const text = new URLSearchParams(requests[0]?.body).get('Body') ?? ''
  expect(text).toMatch(
    /^SEV1 opened: Vault drained \(vault\) on mainnet\. Reply ACK 4711 to acknowledge\. block 2\. i_1\. Uberweisung - \?~/,
  )
  expect(text).toMatch(/^[\x20-\x7e]*\.\.\.$/)
  // A tilde counts twice.
  expect(text.length + text.split('~').length - 1).toBeLessThanOrEqual(459)
})

import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { type AnswerScene, startAnswerScene, until } from '../../test/support/answerScene.ts'
import {
  createDiscordApplication,
  pagerdutyEvent,
  telegramPress,
} from '../../test/support/channels/answers.ts'
import {
  createDiscord,
  createTelegram,
  TELEGRAM_CHAT,
  TELEGRAM_TOKEN,
} from '../../test/support/channels/chats.ts'
import {
  createPagerduty,
  createPagerdutyApi,
  PAGERDUTY_TOKEN,
  ROUTING_KEY,
} from '../../test/support/channels/pagers.ts'
import { unacknowledgeIncident } from '../alerts/index.ts'
import { alertKey } from '../alerts/light.ts'
import { findingOf, record } from '../alerts/testSupport.ts'
import { tables } from '../store/index.ts'
import { closeAnswered } from './openEscalations.ts'
import { onCallConfig } from './testSupport.ts'

const SECRET = 'a-secret-that-is-long-enough'
const telegram = createTelegram()
const discord = createDiscord()
const pager = createPagerduty()
const api = createPagerdutyApi()
const application = createDiscordApplication()
let scene: AnswerScene

beforeAll(async () => {
  const shared = { minSeverity: 'SEV4', perMinute: 600, timeoutMs: 4_000 }
  scene = await startAnswerScene({
    vendors: {
      telegram: telegram.vendor,
      discord: discord.vendor,
      pager: pager.vendor,
      api: api.vendor,
    },
    url: 'https://tocsin.example',
    people: {
      ada: {
        contacts: ['pager', { channel: 'tg', to: '4711' }],
        accounts: { telegram: '4711', discord: '80351110224678912', pagerduty: 'PADA001' },
      },
      bo: { contacts: ['dc'], accounts: { telegram: '4712', discord: '80351110224678913' } },
      cy: { contacts: ['dc'] },
      di: { contacts: ['dc'] },
    },
    configure: (urls) => ({
      channels: [
        {
          ...shared,
          kind: 'telegram',
          name: 'tg',
          token: TELEGRAM_TOKEN,
          chat: TELEGRAM_CHAT,
          url: urls['telegram'],
        },
        { ...shared, kind: 'discord', name: 'dc', url: `${urls['discord']}/api/webhooks/1/T0KEN` },
        {
          ...shared,
          kind: 'pagerduty',
          name: 'pager',
          routingKey: ROUTING_KEY,
          url: urls['pager'],
        },
      ],
      routes: [{ match: {}, channels: ['tg', 'dc'], continue: false }],
      receivers: [
        { kind: 'telegram', name: 'tg', secret: SECRET, token: TELEGRAM_TOKEN },
        { kind: 'discord', name: 'dc', publicKey: application.publicKey },
        { kind: 'pagerduty', name: 'pd', secret: SECRET, token: PAGERDUTY_TOKEN, api: urls['api'] },
      ],
    }),
  })
}, 120_000)
afterAll(() => scene?.stop())
beforeEach(async () => {
  await scene.reset()
  telegram.messages.length = 0
  discord.messages.length = 0
  pager.incidents.length = 0
  api.grouped.clear()
})

const first = <T>(messages: readonly T[]): Promise<T> =>
  until(() => {
    const [message] = messages
    if (message === undefined) throw new Error('no message')
    return message
  })

describe('telegram', () => {
  const press = (user: number, update: number, secret = SECRET) =>
    first(telegram.messages).then((message) =>
      scene.call('tg', telegramPress({ message, text: 'Acknowledge', user, secret, update })),
    )

  test('behavior: the message goes out with its button, is pressed, and says who has it in hand', async () => {
    await scene.happen()
    const message = await first(telegram.messages)
    expect(message.text).toContain('SEV1')
    const pressed = { ...message }
    const answer = await press(4_712, 1)
    expect(await answer.json()).toEqual({
      method: 'answerCallbackQuery',
      callback_query_id: 'q1',
      text: expect.stringContaining('bo has incident'),
    })
    expect((await scene.incident()).acknowledgedBy).toBe('bo')
    await until(() => expect(message).toMatchObject({ edits: 1, buttons: [] }))
    expect(message.text).toContain('bo has incident')
    // Telegram sends an update again whose answer it missed: nothing happens twice.
    const again = telegramPress({
      message: pressed,
      text: 'Acknowledge',
      user: 4_711,
      secret: SECRET,
      update: 1,
    })
    expect((await scene.call('tg', again)).status).toBe(200)
    expect((await scene.incident()).acknowledgedBy).toBe('bo')
    expect(message.edits).toBe(1)
  })

  test('error: another secret, a stranger', async () => {
    await scene.happen()
    expect((await press(4_712, 2, 'another-secret')).status).toBe(401)
    const stranger = await press(666, 3)
    expect(await stranger.json()).toMatchObject({ text: expect.stringContaining('who you are') })
    expect((await scene.incident()).acknowledgedAt).toBeNull()
    expect(telegram.messages[0]?.buttons).toHaveLength(1)
  })
})

describe('discord', () => {
  const press = async (user: string, id: string) => {
    const message = await first(discord.messages)
    return scene.call('dc', application.press({ message, label: 'Acknowledge', user, id }))
  }

  test('behavior: a ping is answered; a button is pressed, and the answer takes its place', async () => {
    const ping = await scene.call('dc', application.interaction({ id: '1', type: 1 }))
    expect(await ping.json()).toEqual({ type: 1 })
    await scene.happen()
    const stranger = await press('1', '10')
    expect(await stranger.json()).toMatchObject({
      type: 4,
      data: { flags: 64, content: expect.stringContaining('who you are') },
    })
    const answer = await press('80351110224678913', '11')
    expect(await answer.json()).toMatchObject({
      type: 7,
      data: { components: [], content: expect.stringContaining('bo has incident') },
    })
    expect((await scene.incident()).acknowledgedBy).toBe('bo')
  })

  test('error: signed by another application, or too long ago', async () => {
    await scene.happen()
    const message = await first(discord.messages)
    const facts = { message, label: 'Acknowledge', user: '80351110224678913', id: '12' }
    const foreign = createDiscordApplication().press(facts)
    expect((await scene.call('dc', foreign)).status).toBe(401)
    const { body } = application.press(facts)
    const old = application.interaction(JSON.parse(body), Date.now() - 301_000)
    expect((await scene.call('dc', old)).status).toBe(401)
    expect((await scene.incident()).acknowledgedAt).toBeNull()
  })
})

describe('pagerduty', () => {
  const START = new Date('2026-01-08T10:00:00Z')
  const tell = (type: string, key: string | null, id: string, incident = 'Q1') =>
    scene.call('pd', pagerdutyEvent({ type, key, secret: SECRET, id, incident }))
  const alerts = () => scene.store.db.select().from(tables.alert).orderBy(tables.alert.openedAt)
  const holders = async () =>
    (await scene.store.db.select().from(tables.incident)).map(
      ({ acknowledgedBy }) => acknowledgedBy,
    )

  test('behavior: an answer counts for every alert that was grouped, also where the webhook names none', async () => {
    await scene.happen()
    await record(
      scene.store,
      findingOf({ severity: 'Critical', thing: 'other', protocol: 'p', uniqueKey: 'o' }),
      findingOf({ severity: 'Critical', thing: 'third', protocol: 'q', uniqueKey: 't' }),
    )
    await until(async () => expect(await alerts()).toHaveLength(3))
    const [a, b] = (await alerts()).filter(({ thing }) => thing !== 'third')
    const keys = Array.from({ length: 120 }, (_, at) => `foreign-${at}`)
    api.grouped.set('Q2', [...keys, alertKey(a?.id ?? ''), alertKey(b?.id ?? '')])
    expect((await tell('incident.acknowledged', null, 'g1', 'Q2')).status).toBe(202)
    expect((await holders()).toSorted()).toEqual(['ada', 'ada', null])
    // The vendor does not say: the alert that the webhook names is answered all the same.
    const third = (await alerts()).find(({ thing }) => thing === 'third')
    expect(
      (await tell('incident.acknowledged', alertKey(third?.id ?? ''), 'g2', 'Q404')).status,
    ).toBe(202)
    expect(await holders()).toEqual(['ada', 'ada', 'ada'])
  })

  test('behavior: what is in hand is acknowledged at the pager; given back, it rings anew, and all close', async () => {
    const incident = await scene.happen()
    await scene.turn(START)
    await until(() => expect(pager.incidents).toHaveLength(1))
    const message = await first(telegram.messages)
    await scene.call(
      'tg',
      telegramPress({ message, text: 'Acknowledge', user: 4_712, secret: SECRET, update: 20 }),
    )
    await scene.turn(new Date(+START + 60_000))
    await until(() => expect(pager.incidents).toMatchObject([{ acknowledged: true, open: true }]))
    await unacknowledgeIncident(scene.store.db, { incidentId: incident.id, by: 'bo', via: 'cli' })
    await scene.turn(new Date(+START + 120_000))
    await until(() => expect(pager.incidents).toHaveLength(2))
    const key = pager.incidents[1]?.key ?? ''
    expect(key).toMatch(/\.1$/)
    expect((await tell('incident.resolved', key, 'g3', 'Q404')).status).toBe(202)
    expect((await scene.incident()).status).toBe('resolved')
    await scene.turn(new Date(+START + 180_000))
    await closeAnswered(scene.store.db, onCallConfig())
    await until(() => expect(pager.incidents.map(({ open }) => open)).toEqual([false, false]))
  })
})

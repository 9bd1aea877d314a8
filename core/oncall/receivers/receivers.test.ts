import { generateKeyPairSync, sign } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { macOf } from '../../intake/light.ts'
import type { IntakeRequest, ReceiverKind, Verdict } from '../../intake/types.ts'
import { discordKind } from './discord.ts'
import { pagerdutyKind } from './pagerduty.ts'
import { slackKind } from './slack.ts'
import { telegramKind } from './telegram.ts'
import { twilioKind, twilioSignature } from './twilio.ts'

const NOW = Date.parse('2026-11-21T12:00:00Z')
const BUTTON = '0123456789abcdef0123456789abcdef'

const ask = <S>(
  kind: ReceiverKind<S>,
  settings: S,
  body: string,
  headers: Record<string, string>,
  rest: Partial<IntakeRequest> = {},
): Promise<Verdict> =>
  kind.read(
    {
      method: 'POST',
      raw: Buffer.from(body),
      headers,
      path: '',
      query: new URLSearchParams(),
      url: 'https://tocsin.example/in/x',
      atMs: NOW,
      ...rest,
    },
    settings,
  )

const refusal = async (verdict: Promise<Verdict>): Promise<string> => {
  const found = await verdict
  return found.verdict === 'refused' ? `${found.status} ${found.reason}` : 'accepted'
}
const eventsOf = async (verdict: Promise<Verdict>) => {
  const found = await verdict
  return found.verdict === 'accepted' ? found.events : []
}
const answerOf = async (verdict: Promise<Verdict>, text?: string) => {
  const found = await verdict
  if (found.verdict !== 'accepted') return undefined
  const [event] = found.events
  const { answer } = found
  return typeof answer === 'function' ? answer(event ? [{ event, text }] : []) : answer
}

describe('slack', () => {
  test('behavior: the signature of Slack’s own example is right', () => {
    const body =
      'token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c'
    const headers = {
      'x-slack-request-timestamp': '1531420618',
      'x-slack-signature': 'v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503',
    }
    const settings = { secret: '8f742231b10e8888abcd99yyyzzz85a5' }
    return expect(
      refusal(ask(slackKind, settings, body, headers, { atMs: 1_531_420_618_000 })),
    ).resolves.toBe('accepted')
  })

  const settings = { secret: 's3cret' }
  const press = (
    facts: { value?: string; atS?: number; secret?: string; action?: string } = {},
  ) => {
    const payload = {
      type: 'block_actions',
      user: { id: 'U1' },
      team: { id: 'T1' },
      response_url: 'https://hooks.slack.com/actions/T1/1/x',
      actions: [{ action_id: facts.action ?? 'tocsin_acknowledge', value: facts.value ?? BUTTON }],
    }
    const body = new URLSearchParams({ payload: JSON.stringify(payload) }).toString()
    const time = String(facts.atS ?? NOW / 1_000)
    const signature = macOf(facts.secret ?? 's3cret', [`v0:${time}:${body}`])
    return ask(slackKind, settings, body, {
      'x-slack-request-timestamp': time,
      'x-slack-signature': `v0=${signature}`,
    })
  }

  test('behavior: a pressed button is an answer of that person, and the reply is empty', async () => {
    expect(await eventsOf(press())).toEqual([
      expect.objectContaining({
        act: 'acknowledge',
        by: 'T1/U1',
        detail: expect.objectContaining({ button: BUTTON }),
      }),
    ])
    expect(await answerOf(press())).toEqual({ status: 200 })
  })

  test('behavior: 300 seconds off either way are taken, 301 are not', async () => {
    const nowS = NOW / 1_000
    expect(await refusal(press({ atS: nowS - 300 }))).toBe('accepted')
    expect(await refusal(press({ atS: nowS + 300 }))).toBe('accepted')
    expect(await refusal(press({ atS: nowS - 301 }))).toBe('401 stale')
    expect(await refusal(press({ atS: nowS + 301 }))).toBe('401 stale')
  })

  test('error: another secret, another button', async () => {
    expect(await refusal(press({ secret: 'other' }))).toBe('401 signature')
    expect(await eventsOf(press({ action: 'other' }))).toEqual([
      { kind: 'note', text: 'a button of somebody else' },
    ])
    expect(await eventsOf(press({ value: `${BUTTON}'; drop` }))).toMatchObject([{ kind: 'note' }])
  })
})

describe('pagerduty', () => {
  const event = (type: string, changes: Record<string, unknown> = {}) =>
    JSON.stringify({
      event: {
        id: '01E',
        event_type: type,
        resource_type: 'incident',
        occurred_at: '2026-11-21T11:59:00Z',
        agent: { id: 'P1', type: 'user_reference', summary: 'Ada' },
        client: null,
        data: { id: 'Q1', type: 'incident', incident_key: 'tocsin:abc', status: 'x' },
        ...changes,
      },
    })
  const send = (body: string, signatures: readonly string[]) =>
    ask(pagerdutyKind, { secret: 'new', previous: 'old' }, body, {
      'x-pagerduty-signature': signatures.map((one) => `v1=${one}`).join(','),
      'x-webhook-id': 'w1',
    })
  const by = (key: string, body: string) => macOf(key, [body])

  test.each([
    ['incident.acknowledged', 'acknowledge'],
    ['incident.unacknowledged', 'unacknowledge'],
    ['incident.reopened', 'unacknowledge'],
    ['incident.resolved', 'resolve'],
    ['incident.escalated', 'escalate'],
  ])('behavior: %s is %s', async (type, act) => {
    const body = event(type)
    const verdict = await send(body, ['0'.repeat(64), by('old', body)])
    expect(verdict).toMatchObject({
      verdict: 'accepted',
      once: { key: 'w1', repeat: 'accept' },
      events: [
        {
          act,
          by: 'P1',
          about: { dedupKey: 'tocsin:abc' },
          atMs: Date.parse('2026-11-21T11:59:00Z'),
        },
      ],
    })
  })

  test('behavior: of grouped alerts the incident of PagerDuty is what it is about, of a note what it was written on', async () => {
    const grouped = event('incident.acknowledged', { data: { id: 'Q2', incident_key: null } })
    expect(await eventsOf(send(grouped, [by('new', grouped)]))).toMatchObject([
      { act: 'acknowledge', about: { dedupKey: '' }, detail: { vendorIncident: 'Q2' } },
    ])
    const data = { id: 'N1', type: 'incident_note', content: 'It is DNS.', incident: { id: 'Q3' } }
    const noted = event('incident.annotated', { data })
    expect(await eventsOf(send(noted, [by('new', noted)]))).toMatchObject([
      { act: 'comment', text: 'It is DNS.', detail: { vendorIncident: 'Q3' } },
    ])
  })

  test('behavior: what is signed and not wanted is taken all the same', async () => {
    for (const body of [
      event('incident.priority_updated'),
      event('incident.acknowledged', { agent: null }),
      // What our own event brought about there.
      event('incident.resolved', { agent: { id: 'P9', type: 'inbound_integration_reference' } }),
      event('incident.acknowledged', { data: {} }),
      '{}',
      'x',
    ])
      expect(await eventsOf(send(body, [by('new', body)]))).toMatchObject([{ kind: 'note' }])
  })

  test('error: a signature of another body or none', async () => {
    const body = event('incident.acknowledged')
    expect(await refusal(send(body, [by('new', `${body} `)]))).toBe('401 signature')
    expect(await refusal(ask(pagerdutyKind, { secret: '' }, body, {}))).toBe('401 signature')
  })
})

describe('twilio', () => {
  test('behavior: the signature of Twilio’s own example is right', () => {
    const form = new URLSearchParams({
      CallSid: 'CA1234567890ABCDE',
      Caller: '+14158675309',
      Digits: '1234',
      From: '+14158675309',
      To: '+18005551212',
    })
    expect(twilioSignature('12345', 'https://mycompany.com/myapp.php?foo=1&bar=2', form)).toBe(
      'RSOYDt4T1cUTdK1PDd93/VVr8B8=',
    )
  })

  const send = (fields: Record<string, string>, query = '', token = 'token') => {
    const form = new URLSearchParams(fields)
    const url = `https://tocsin.example/in/sms${query}`
    return ask(
      twilioKind,
      { secret: 'token' },
      form.toString(),
      { 'x-twilio-signature': twilioSignature(token, url, form) },
      { url, query: new URLSearchParams(query.slice(1)) },
    )
  }

  test.each([
    ['1', 'sms:last'],
    [' ACK. ', 'sms:last'],
    ['ack 4711', 'sms:4711'],
    ['4711', 'sms:4711'],
  ])('behavior: the SMS "%s" is about %s', async (Body, dedupKey) => {
    const sms = { MessageSid: 'SM1', From: '+15551', To: '+15552', Body }
    expect(await eventsOf(send(sms))).toMatchObject([{ about: { dedupKey }, by: '+15551' }])
  })

  test('behavior: other words are answered by what to say', async () => {
    const sms = { MessageSid: 'SM1', From: '+15551', To: '+15552', Body: 'no <b>' }
    const answer = await answerOf(send(sms))
    expect([answer?.contentType, answer?.body]).toEqual([
      'text/xml',
      expect.stringContaining('<Message>Tocsin: reply 1 to acknowledge your page.</Message>'),
    ])
  })

  test('behavior: a 1 in a call presses its button, as the number that was called', async () => {
    const call = { CallSid: 'CA1', From: '+15552', To: '+15551', Digits: '1' }
    expect(await eventsOf(send(call, `?b=${BUTTON}`))).toMatchObject([
      { by: '+15551', detail: { button: BUTTON } },
    ])
    expect(await eventsOf(send({ ...call, Digits: '2' }, `?b=${BUTTON}`))).toMatchObject([
      { kind: 'note' },
    ])
    const spoken = await answerOf(send(call, `?b=${BUTTON}`), 'a <b> & c')
    expect(spoken?.body).toContain('<Say>a &lt;b&gt; &amp; c</Say>')
  })

  test('error: another token; no public address', async () => {
    expect(await refusal(send({ MessageSid: 'S', Body: '1' }, '', 'other'))).toBe('401 signature')
    const verdict = ask(twilioKind, { secret: 't' }, 'Body=1', {}, { url: undefined })
    expect(await refusal(verdict)).toBe('503 no_url')
  })
})

describe('telegram', () => {
  const send = (update: unknown, token = 'token') =>
    ask(telegramKind, { secret: 'token' }, JSON.stringify(update), {
      'x-telegram-bot-api-secret-token': token,
    })
  const query = {
    update_id: 7,
    callback_query: {
      id: 'q1',
      from: { id: 42, is_bot: false, first_name: 'Ada' },
      message: { message_id: 5, chat: { id: -100 } },
      data: BUTTON,
    },
  }

  test('behavior: a button is answered in the same breath', async () => {
    expect(await eventsOf(send(query))).toMatchObject([
      { by: '42', detail: { button: BUTTON, chat: '-100', message: '5' } },
    ])
    const answer = await answerOf(send(query), 'Ada has it in hand.')
    expect(JSON.parse(answer?.body ?? '')).toEqual({
      method: 'answerCallbackQuery',
      callback_query_id: 'q1',
      text: 'Ada has it in hand.',
    })
  })

  test('error: another token; a message that is no button', async () => {
    expect(await refusal(send(query, 'other'))).toBe('401 signature')
    expect(await refusal(send(query, ''))).toBe('401 signature')
    expect(await eventsOf(send({ update_id: 8, message: {} }))).toMatchObject([{ kind: 'note' }])
  })
})

describe('discord', () => {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519')
  const hex = publicKey.export({ format: 'der', type: 'spki' }).subarray(12).toString('hex')
  const send = (body: unknown, facts: { atS?: number; spoil?: boolean } = {}) => {
    const time = String(facts.atS ?? NOW / 1_000)
    const text = JSON.stringify(body)
    const signature = sign(null, Buffer.from(`${time}${text}`), privateKey).toString('hex')
    return ask(discordKind, { publicKey: hex }, facts.spoil ? `${text} ` : text, {
      'x-signature-ed25519': signature,
      'x-signature-timestamp': time,
    })
  }
  const press = { id: '1', type: 3, data: { custom_id: BUTTON }, member: { user: { id: '99' } } }

  test('behavior: a ping is answered by a pong, a button in place', async () => {
    expect(JSON.parse((await answerOf(send({ id: '1', type: 1 })))?.body ?? '')).toEqual({
      type: 1,
    })
    expect(await eventsOf(send(press))).toMatchObject([{ by: '99', detail: { button: BUTTON } }])
    const done = JSON.parse((await answerOf(send(press), '✓ Ada has it in hand.'))?.body ?? '')
    expect(done).toMatchObject({ type: 7, data: { components: [] } })
    const refused = JSON.parse((await answerOf(send(press), 'You are not known.'))?.body ?? '')
    expect(refused).toMatchObject({ type: 4, data: { flags: 64 } })
  })

  test('error: another body, another time', async () => {
    expect(await refusal(send(press, { spoil: true }))).toBe('401 signature')
    expect(await refusal(send(press, { atS: NOW / 1_000 - 301 }))).toBe('401 stale')
  })
})

import { createHmac, generateKeyPairSync, type KeyObject, randomUUID, sign } from 'node:crypto'
import type { DiscordMessage, SlackMessage, TelegramMessage } from './chats.ts'

/** What a vendor sends to us when somebody answers a page: body and headers, signed as the vendor signs. */
export type VendorCall = {
  readonly body: string
  readonly headers: Readonly<Record<string, string>>
}

const hex = (key: string, text: string): string =>
  createHmac('sha256', key).update(text).digest('hex')

/** Somebody presses a button under a message in Slack. */
export const slackPress = (facts: {
  readonly message: SlackMessage
  readonly action: string
  readonly user: string
  readonly team: string
  readonly secret: string
  /** Of the stand-in: its `response_url` lies there. */
  readonly url: string
  readonly atMs?: number
}): VendorCall => {
  const button = facts.message.buttons.find(({ action_id }) => action_id === facts.action)
  if (!button) throw new Error(`the message has no button ${facts.action}`)
  const payload = {
    type: 'block_actions',
    user: { id: facts.user, username: 'somebody', team_id: facts.team },
    api_app_id: 'A0',
    container: { type: 'message', message_ts: facts.message.ts, channel_id: facts.message.channel },
    trigger_id: randomUUID(),
    team: { id: facts.team, domain: 'example' },
    channel: { id: facts.message.channel, name: 'alerts' },
    response_url: `${facts.url}/actions/${facts.message.ts}`,
    actions: [{ ...button, block_id: 'b', type: 'button', action_ts: '1.1' }],
  }
  const body = new URLSearchParams({ payload: JSON.stringify(payload) }).toString()
  const time = String(Math.floor((facts.atMs ?? Date.now()) / 1_000))
  return {
    body,
    headers: {
      'content-type': 'application/x-www-form-urlencoded',
      'x-slack-request-timestamp': time,
      'x-slack-signature': `v0=${hex(facts.secret, `v0:${time}:${body}`)}`,
    },
  }
}

/** PagerDuty tells of an incident of its own. */
export const pagerdutyEvent = (facts: {
  readonly type: string
  /** Null where alerts were grouped. */
  readonly key: string | null
  readonly secret: string
  readonly id: string
  /** Of PagerDuty's own incident. */
  readonly incident?: string
}): VendorCall => {
  const body = JSON.stringify({
    event: {
      id: facts.id,
      event_type: facts.type,
      resource_type: 'incident',
      occurred_at: new Date().toISOString(),
      agent: { id: 'PADA001', type: 'user_reference', summary: 'Ada at PagerDuty' },
      client: null,
      data: {
        id: facts.incident ?? 'Q1',
        type: 'incident',
        incident_key: facts.key,
        title: 'x',
        status: 'x',
      },
    },
  })
  return {
    body,
    headers: {
      'content-type': 'application/json',
      'x-webhook-id': facts.id,
      'x-pagerduty-signature': `v1=${hex(facts.secret, body)}`,
    },
  }
}

/** Somebody answers an SMS. */
export const twilioSms = (facts: {
  readonly from: string
  readonly text: string
  readonly token: string
  /** As Twilio calls it. */
  readonly url: string
  readonly id: string
}): VendorCall => {
  const form = { Body: facts.text, From: facts.from, MessageSid: facts.id, To: '+15005550006' }
  const fields = Object.entries(form).map(([key, value]) => `${key}${value}`)
  const signature = createHmac('sha1', facts.token)
    .update([facts.url, ...fields].join(''))
    .digest('base64')
  return {
    body: new URLSearchParams(form).toString(),
    headers: {
      'content-type': 'application/x-www-form-urlencoded',
      'x-twilio-signature': signature,
    },
  }
}

/** Somebody presses a button under a message in Telegram: the update, under the token that `setWebhook` was given. */
export const telegramPress = (facts: {
  readonly message: TelegramMessage
  readonly text: string
  readonly user: number
  readonly secret: string
  readonly update: number
}): VendorCall => {
  const button = facts.message.buttons.find(({ text }) => text === facts.text)
  if (!button) throw new Error(`the message has no button ${facts.text}`)
  const chat = { id: Number(facts.message.chat), type: 'private' }
  const body = JSON.stringify({
    update_id: facts.update,
    callback_query: {
      id: `q${facts.update}`,
      from: { id: facts.user, is_bot: false, first_name: 'Somebody' },
      chat_instance: '1',
      data: button.callback_data,
      message: { message_id: facts.message.id, date: 0, chat, text: facts.message.text },
    },
  })
  return {
    body,
    headers: {
      'content-type': 'application/json',
      'x-telegram-bot-api-secret-token': facts.secret,
    },
  }
}

/** An application of Discord: its public key, as the developer portal shows it, and what it signs. */
export const createDiscordApplication = (): {
  readonly publicKey: string
  readonly interaction: (body: unknown, atMs?: number) => VendorCall
  readonly press: (facts: {
    readonly message: DiscordMessage
    readonly label: string
    readonly user: string
    readonly id: string
  }) => VendorCall
} => {
  const pair = generateKeyPairSync('ed25519')
  const raw = (key: KeyObject): string =>
    key.export({ format: 'der', type: 'spki' }).subarray(-32).toString('hex')
  const interaction = (content: unknown, atMs = Date.now()): VendorCall => {
    const body = JSON.stringify(content)
    const time = String(Math.floor(atMs / 1_000))
    return {
      body,
      headers: {
        'content-type': 'application/json',
        'x-signature-timestamp': time,
        'x-signature-ed25519': sign(null, Buffer.from(`${time}${body}`), pair.privateKey).toString(
          'hex',
        ),
      },
    }
  }
  return {
    publicKey: raw(pair.publicKey),
    interaction,
    press: ({ message, label, user, id }) => {
      const button = message.buttons.find((one) => one.label === label)
      if (!button) throw new Error(`the message has no button ${label}`)
      return interaction({
        id,
        application_id: '1',
        type: 3,
        token: 't',
        version: 1,
        data: { component_type: 2, custom_id: button.custom_id },
        member: { user: { id: user, username: 'somebody' }, permissions: '0' },
        message: { id: message.id },
      })
    },
  }
}

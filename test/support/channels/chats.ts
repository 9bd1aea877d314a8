import { z } from 'zod'
import { jsonOf, type Vendor } from './vendorServer.ts'

export const SLACK_TOKEN = 'xoxb-T0KEN'
export const SLACK_CHANNEL = 'C024BE91L'
export const TELEGRAM_TOKEN = '123456:T0KENT0KEN'
export const TELEGRAM_CHAT = '-1001234567890'

const plain = (max: number) =>
  z.object({
    type: z.literal('plain_text'),
    text: z.string().min(1).max(max),
    emoji: z.boolean().optional(),
  })
const mrkdwn = (max: number) =>
  z.object({
    type: z.literal('mrkdwn'),
    text: z.string().min(1).max(max),
    verbatim: z.boolean().optional(),
  })
const slackBlock = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('header'), text: plain(150) }),
  z.strictObject({ type: z.literal('section'), text: mrkdwn(3_000) }),
  z.strictObject({ type: z.literal('context'), elements: z.array(mrkdwn(2_000)).min(1).max(10) }),
  z.strictObject({
    type: z.literal('actions'),
    elements: z
      .array(
        z.strictObject({
          type: z.literal('button'),
          action_id: z.string().min(1).max(255),
          text: plain(75),
          value: z.string().min(1).max(2_000),
          style: z.enum(['primary', 'danger']).optional(),
        }),
      )
      .min(1)
      .max(25),
  }),
])

/** The buttons of a message: what each one is called and carries. */
export type SlackButton = { readonly action_id: string; readonly value: string }

const buttonsIn = (blocks: z.infer<typeof slackMessage>['blocks']): readonly SlackButton[] =>
  blocks.flatMap((block) => (block.type === 'actions' ? block.elements : []))
const slackMessage = z.object({
  text: z.string().min(1).max(40_000),
  blocks: z.array(slackBlock).min(1).max(50),
})

export type SlackMessage = {
  readonly ts: string
  readonly thread: string | undefined
  readonly broadcast: boolean
  text: string
  edits: number
  /** A channel, or a user who is written to directly. */
  readonly channel: string
  buttons: readonly SlackButton[]
}

/** Slack's Web API: nearly everything is answered with 200 and `ok`. */
export const createSlack = (): {
  readonly vendor: Vendor
  readonly messages: SlackMessage[]
  /** What somebody alone was told after pressing a button. */
  readonly whispers: string[]
} => {
  const messages: SlackMessage[] = []
  const whispers: string[] = []
  /** A `response_url`: no token, and the message that it is about in its path. */
  const respond: Vendor = (request) => {
    const body = jsonOf(request) ?? {}
    const root = messages.find(({ ts }) => request.url.pathname === `/actions/${ts}`)
    if (!root) return { status: 404, body: 'expired_url' }
    if (body['replace_original'] !== true) {
      whispers.push(String(body['text']))
      return { status: 200, body: 'ok' }
    }
    const parsed = slackMessage.safeParse(body)
    if (!parsed.success) return { status: 400, body: 'invalid_payload' }
    root.text = JSON.stringify(parsed.data.blocks)
    root.buttons = buttonsIn(parsed.data.blocks)
    root.edits += 1
    return { status: 200, body: 'ok' }
  }
  const no = (error: string) => ({ status: 200, body: { ok: false, error } })
  const vendor: Vendor = (request) => {
    if (request.url.pathname.startsWith('/actions/')) return respond(request)
    if (request.headers.authorization !== `Bearer ${SLACK_TOKEN}`) return no('invalid_auth')
    const body = jsonOf(request)
    if (!body) return no('invalid_json')
    const channel = String(body['channel'])
    if (channel !== SLACK_CHANNEL && !/^U[A-Z0-9]{2,30}$/.test(channel))
      return no('channel_not_found')
    const parsed = slackMessage.safeParse(body)
    if (!parsed.success) return no('invalid_blocks')
    // What Slack would read as a mention of everybody, or as a link with another face.
    if (/<!(channel|here|everyone)/.test(request.body)) return no('restricted_action')
    const { text } = parsed.data
    const ts = body['ts'] ?? body['thread_ts']
    const root = ts === undefined ? undefined : messages.find((one) => one.ts === ts)
    if (request.url.pathname === '/chat.update') {
      if (!root) return no('message_not_found')
      root.text = text
      root.buttons = buttonsIn(parsed.data.blocks)
      root.edits += 1
      return { status: 200, body: { ok: true, ts: root.ts, channel: SLACK_CHANNEL } }
    }
    if (request.url.pathname !== '/chat.postMessage') return no('unknown_method')
    if (ts !== undefined && !root) return no('thread_not_found')
    const message = {
      ts: `1700000000.${String(messages.length + 1).padStart(6, '0')}`,
      thread: root?.ts,
      broadcast: body['reply_broadcast'] === true,
      text,
      edits: 0,
      channel,
      buttons: buttonsIn(parsed.data.blocks),
    }
    messages.push(message)
    return { status: 200, body: { ok: true, ts: message.ts, channel: SLACK_CHANNEL } }
  }
  return { vendor, messages, whispers }
}

/** Slack's incoming webhooks: the answer is a word. */
export const slackWebhook: Vendor = (request) => {
  const body = jsonOf(request)
  if (!request.url.pathname.startsWith('/services/T0KEN'))
    return { status: 404, body: 'no_service' }
  return slackMessage.safeParse(body).success
    ? { status: 200, body: 'ok' }
    : { status: 400, body: 'invalid_payload' }
}

const embed = z
  .strictObject({
    title: z.string().max(256),
    description: z.string().max(4_096),
    color: z.int().min(0).max(0xffffff),
    timestamp: z.iso.datetime(),
    fields: z
      .array(
        z.strictObject({
          name: z.string().min(1).max(256),
          value: z.string().min(1).max(1_024),
          inline: z.boolean(),
        }),
      )
      .max(25),
    footer: z.strictObject({ text: z.string().min(1).max(2_048) }),
  })
  .refine(
    ({ title, description, fields, footer }) =>
      [title, description, footer.text, ...fields.flatMap(({ name, value }) => [name, value])].join(
        '',
      ).length <= 6_000,
  )
const discordMessage = z.strictObject({
  embeds: z.array(embed).min(1).max(10),
  allowed_mentions: z.strictObject({ parse: z.array(z.never()) }),
  components: z
    .array(
      z.strictObject({
        type: z.literal(1),
        components: z
          .array(
            z.strictObject({
              type: z.literal(2),
              label: z.string().min(1).max(80),
              style: z.int().min(1).max(4),
              custom_id: z.string().min(1).max(100),
            }),
          )
          .min(1)
          .max(5),
      }),
    )
    .max(5)
    .optional(),
})

export type DiscordMessage = {
  readonly id: string
  title: string
  edits: number
  buttons: readonly { readonly label: string; readonly custom_id: string }[]
}

/** A Discord webhook, which gives the message back when it is asked to wait. */
export const createDiscord = (): {
  readonly vendor: Vendor
  readonly messages: DiscordMessage[]
} => {
  const messages: DiscordMessage[] = []
  const vendor: Vendor = (request) => {
    const match = /^\/api\/webhooks\/1\/T0KEN(?:\/messages\/(\d+))?$/.exec(request.url.pathname)
    if (!match) return { status: 404, body: { code: 10_015, message: 'Unknown Webhook' } }
    const parsed = discordMessage.safeParse(jsonOf(request))
    if (!parsed.success)
      return {
        status: 400,
        body: { code: 50_035, message: 'Invalid Form Body', errors: parsed.error.message },
      }
    const title = parsed.data.embeds[0]?.title ?? ''
    const buttons = (parsed.data.components ?? []).flatMap(({ components }) => components)
    if (request.method === 'PATCH') {
      const message = messages.find(({ id }) => id === match[1])
      if (!message) return { status: 404, body: { code: 10_008, message: 'Unknown Message' } }
      message.title = title
      message.buttons = buttons
      message.edits += 1
      return { status: 200, body: { id: message.id } }
    }
    const message = { id: String(10_000 + messages.length), title, edits: 0, buttons }
    messages.push(message)
    if (request.url.searchParams.get('wait') !== 'true') return { status: 204 }
    return { status: 200, body: { id: message.id } }
  }
  return { vendor, messages }
}

const telegramMessage = z.object({
  chat_id: z.union([z.string(), z.int()]).transform(String),
  text: z.string().min(1),
  parse_mode: z.literal('HTML'),
  link_preview_options: z.object({ is_disabled: z.literal(true) }),
  disable_notification: z.boolean().default(false),
  reply_markup: z
    .strictObject({
      inline_keyboard: z.array(
        z.array(
          z.strictObject({
            text: z.string().min(1),
            // Bytes, not characters.
            callback_data: z.string().refine((data) => Buffer.byteLength(data) <= 64),
          }),
        ),
      ),
    })
    .optional(),
  /** Of an edit. */
  message_id: z.int().optional(),
  reply_parameters: z
    .object({ message_id: z.int(), allow_sending_without_reply: z.boolean() })
    .optional(),
})

/** Telegram's HTML: few tags, well nested, and entities; undefined when it cannot be parsed. */
const parseTelegramHtml = (html: string): string | undefined => {
  const open: string[] = []
  let text = ''
  for (const [piece, closing, tag] of html.matchAll(
    /<(\/?)(b|i|code|a)(?: href="[^"<>]*")?>|[^<>]+|[<>]/g,
  )) {
    if (piece === '<' || piece === '>') return undefined
    if (tag === undefined) {
      if (/&(?!amp;|lt;|gt;|quot;)/.test(piece)) return undefined
      text += piece.replace(/&(amp|lt|gt|quot);/g, '.')
    } else if (closing) {
      if (open.pop() !== tag) return undefined
    } else open.push(tag)
  }
  return open.length === 0 ? text : undefined
}

export type TelegramMessage = {
  readonly id: number
  readonly chat: string
  text: string
  edits: number
  buttons: readonly { readonly text: string; readonly callback_data: string }[]
  readonly replyTo: number | undefined
  readonly silent: boolean
}

/** Telegram's Bot API. */
export const createTelegram = (): {
  readonly vendor: Vendor
  readonly messages: TelegramMessage[]
} => {
  const messages: TelegramMessage[] = []
  const no = (status: number, description: string) => ({
    status,
    body: { ok: false, error_code: status, description },
  })
  const vendor: Vendor = (request) => {
    if (!request.url.pathname.startsWith(`/bot${TELEGRAM_TOKEN}/`)) return no(401, 'Unauthorized')
    const method = request.url.pathname.split('/').at(-1)
    if (method !== 'sendMessage' && method !== 'editMessageText') return no(404, 'Not Found')
    const parsed = telegramMessage.safeParse(jsonOf(request))
    if (!parsed.success) return no(400, `Bad Request: ${parsed.error.message}`)
    const chat = parsed.data.chat_id
    if (chat !== TELEGRAM_CHAT && !/^\d{3,12}$/.test(chat))
      return no(400, 'Bad Request: chat not found')
    const text = parseTelegramHtml(parsed.data.text)
    if (text === undefined) return no(400, "Bad Request: can't parse entities")
    if (text.length > 4_096) return no(400, 'Bad Request: message is too long')
    // An edit that names no keyboard takes it away.
    const buttons = (parsed.data.reply_markup?.inline_keyboard ?? []).flat()
    if (method === 'editMessageText') {
      const known = messages.find(({ id }) => id === parsed.data.message_id)
      if (known?.chat !== chat) return no(400, 'Bad Request: message to edit not found')
      Object.assign(known, { text, buttons, edits: known.edits + 1 })
      return { status: 200, body: { ok: true, result: { message_id: known.id } } }
    }
    const message = {
      id: messages.length + 1,
      chat,
      text,
      edits: 0,
      buttons,
      replyTo: parsed.data.reply_parameters?.message_id,
      silent: parsed.data.disable_notification,
    }
    messages.push(message)
    return { status: 200, body: { ok: true, result: { message_id: message.id } } }
  }
  return { vendor, messages }
}

import { createHmac } from 'node:crypto'
import { TocsinError } from '../../base/index.ts'
import type { AlertMessage, Channel } from '../types.ts'
import { attempt } from './attempt.ts'
import { channelUrl } from './channelUrl.ts'
import { encodeLine } from './encodeLine.ts'

/** Standard Webhooks asks for bodies below 20 KB. */
const MAX_BODY_BYTES = 20_000

/**
 * Sends messages to a URL, signed as Standard Webhooks has it: `webhook-id` is the dedup key, the body
 * `{type, timestamp, data}`. Only a 2xx is success. The URL comes from the watchlist alone, never from a message, and
 * redirects are not followed, so a receiver cannot make Tocsin call addresses inside its network.
 * @throws TocsinError `channel.bad_url`, `channel.bad_secret`
 */
export const createWebhookChannel = (options: {
  readonly name: string
  readonly url: string
  readonly secret: string
  readonly timeoutMs: number
}): Channel => {
  const url = channelUrl(options.name, options.url)
  const sign = createSigner(options.name, options.secret)
  return {
    name: options.name,
    kind: 'webhook',
    timeoutMs: options.timeoutMs,
    send: (message, signal) => {
      const now = new Date()
      const second = Math.floor(now.getTime() / 1_000)
      const body = encodeBody(message, now)
      return attempt({
        signal,
        timeoutMs: options.timeoutMs,
        request: {
          url,
          body,
          headers: {
            'content-type': 'application/json',
            'webhook-id': message.dedupKey,
            'webhook-timestamp': String(second),
            'webhook-signature': sign(message.dedupKey, second, body),
          },
        },
      })
    },
  }
}

/** A stranger's text must not make a message undeliverable: what is long and dispensable is left out. */
const encodeBody = (message: AlertMessage, now: Date): string => {
  const encode = (data: AlertMessage): string =>
    encodeLine({ type: `alert.${message.change}`, timestamp: now.toISOString(), data })
  const whole = encode(message)
  if (Buffer.byteLength(whole) <= MAX_BODY_BYTES) return whole
  return encode({ ...message, evidence: { truncated: 'true' }, addresses: [] })
}

type Signer = (id: string, second: number, body: string) => string

/** Checked against the library of Standard Webhooks, whose own SHA-256 is written in JavaScript. */
const createSigner = (name: string, secret: string): Signer => {
  const text = secret.replace(/^whsec_/, '')
  const key = Buffer.from(text, 'base64')
  const isBase64 = text.length % 4 === 0 && /^[A-Za-z0-9+/]+={0,2}$/.test(text)
  if (isBase64 && key.length >= 24 && key.length <= 64)
    return (id, second, body) =>
      `v1,${createHmac('sha256', key).update(`${id}.${second}.${body}`).digest('base64')}`
  throw new TocsinError(
    'channel.bad_secret',
    `The signing secret of channel "${name}" is not valid.`,
    {
      hints: [
        'It is `whsec_` and the base64 of 24 to 64 random bytes: `echo whsec_$(openssl rand -base64 32)`.',
      ],
    },
  )
}

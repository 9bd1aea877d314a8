import { Webhook } from 'standardwebhooks'
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
  const signer = createSigner(options.name, options.secret)
  return {
    name: options.name,
    kind: 'webhook',
    timeoutMs: options.timeoutMs,
    send: (message, signal) => {
      const now = new Date()
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
            'webhook-timestamp': String(Math.floor(now.getTime() / 1000)),
            'webhook-signature': signer.sign(message.dedupKey, now, body),
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

const createSigner = (name: string, secret: string): Webhook => {
  const bytes = Buffer.from(secret.replace(/^whsec_/, ''), 'base64').length
  try {
    if (bytes >= 24 && bytes <= 64) return new Webhook(secret)
  } catch {
    // The library's words may quote the secret; ours follow.
  }
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

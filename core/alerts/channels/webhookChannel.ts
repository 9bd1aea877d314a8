import { Webhook } from 'standardwebhooks'
import { TocsinError } from '../../base/index.ts'
import type { AlertMessage, Channel, SendResult } from '../types.ts'
import { encodeLine } from './encodeLine.ts'

/** Standard Webhooks asks for bodies below 20 KB. */
const MAX_BODY_BYTES = 20_000
const MAX_ANSWER_BYTES = 64 * 1024
const MAX_RETRY_AFTER_MS = 3_600_000

/** Answers that more of the same will not change; all others are tried again. */
const REFUSALS: ReadonlySet<number> = new Set([400, 401, 403, 404, 410, 413])

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
  const url = parseUrl(options.name, options.url)
  const signer = createSigner(options.name, options.secret)
  return {
    name: options.name,
    kind: 'webhook',
    timeoutMs: options.timeoutMs,
    send: async (message, signal) => {
      const now = new Date()
      const body = encodeBody(message, now)
      const limit = AbortSignal.timeout(options.timeoutMs)
      try {
        const response = await fetch(url, {
          method: 'POST',
          redirect: 'manual',
          signal: AbortSignal.any([signal, limit]),
          headers: {
            'content-type': 'application/json',
            'user-agent': 'tocsin-webhook/1',
            'webhook-id': message.dedupKey,
            'webhook-timestamp': String(Math.floor(now.getTime() / 1000)),
            'webhook-signature': signer.sign(message.dedupKey, now, body),
          },
          body,
        })
        // The status has decided; what becomes of the rest of the answer does not matter.
        await discard(response).catch(() => undefined)
        return judge(response.status, response.headers.get('retry-after'), now)
      } catch (error) {
        if (signal.aborted) return { kind: 'retry', reason: 'the notifier was stopped' }
        if (limit.aborted)
          return { kind: 'retry', reason: `no answer within ${options.timeoutMs} ms` }
        return { kind: 'retry', reason: `no connection (${networkCode(error)})` }
      }
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

const parseUrl = (name: string, text: string): URL => {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (
    url &&
    (url.protocol === 'https:' || url.protocol === 'http:') &&
    !url.username &&
    !url.password
  ) {
    return url
  }
  throw new TocsinError('channel.bad_url', `The URL of channel "${name}" cannot be used.`, {
    hints: ['It must be http or https, without user and password in it.'],
  })
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

/** What a status code means for the message. */
export const judge = (status: number, retryAfter: string | null, now: Date): SendResult => {
  if (status >= 200 && status < 300) return { kind: 'sent' }
  const reason = `the receiver answered ${status}`
  if (REFUSALS.has(status)) return { kind: 'dead', reason }
  const afterMs = parseRetryAfter(retryAfter, now)
  return { kind: 'retry', reason, ...(afterMs === undefined ? {} : { afterMs }) }
}

const parseRetryAfter = (text: string | null, now: Date): number | undefined => {
  if (text === null) return undefined
  const ms = /^\s*\d+\s*$/.test(text) ? Number(text) * 1000 : Date.parse(text) - now.getTime()
  return Number.isNaN(ms) ? undefined : Math.min(Math.max(ms, 0), MAX_RETRY_AFTER_MS)
}

/** Reads the answer to its end, so that the connection can be used again, unless it is large. */
const discard = async (response: Response): Promise<void> => {
  const reader = response.body?.getReader()
  if (!reader) return
  for (let bytes = 0; ; ) {
    const { done, value } = await reader.read()
    if (done) return
    bytes += value.byteLength
    if (bytes > MAX_ANSWER_BYTES) return reader.cancel()
  }
}

const networkCode = (error: unknown): string => {
  const cause = error instanceof Error ? error.cause : undefined
  const code =
    typeof cause === 'object' && cause !== null && 'code' in cause ? cause.code : undefined
  return typeof code === 'string' && /^[A-Z0-9_]{1,40}$/.test(code) ? code : 'network'
}

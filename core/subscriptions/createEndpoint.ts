import { Agent as HttpAgent } from 'node:http'
import { Agent as HttpsAgent } from 'node:https'
import { TocsinError } from '../base/index.ts'
import type { SubscriptionConfig } from '../config/types.ts'
import { encodeBounded, encodeEvent } from './encodeEvent.ts'
import { encodeForta } from './encodeForta.ts'
import { type PostAnswer, postGuarded } from './postGuarded.ts'
import { createBodySigner } from './signBody.ts'
import type { FindingEvent, KnownChain } from './types.ts'

export type WebhookConfig = Extract<SubscriptionConfig, { readonly kind: 'webhook' }>

/**
 * What came of one attempt. `refused`: the receiver does not want this one. `gone`: it wants nothing any more.
 * `unfit`: the format has no words for this event, so nothing was sent.
 */
export type Outcome =
  | { readonly kind: 'delivered'; readonly status: number }
  | { readonly kind: 'unfit' }
  | { readonly kind: 'gone'; readonly status: number; readonly reason: string }
  | { readonly kind: 'refused'; readonly status: number; readonly reason: string }
  | {
      readonly kind: 'retry'
      readonly status?: number
      readonly reason: string
      readonly afterMs?: number
    }

export type Endpoint = {
  readonly send: (
    event: FindingEvent,
    options: { readonly isReplay: boolean; readonly signal: AbortSignal },
  ) => Promise<Outcome>
  /** Sends any signed body: for tests. */
  readonly post: (id: string, body: string, signal: AbortSignal) => Promise<Outcome>
  readonly stop: () => void
}

/** Answers that more of the same will not change. */
const REFUSALS: ReadonlySet<number> = new Set([400, 401, 403, 404, 405, 413, 415, 422])
const MAX_RETRY_AFTER_MS = 3_600_000

/** @throws TocsinError `subscription.bad_url` */
const parseUrl = ({ name, url: text, allowPrivate }: WebhookConfig): URL => {
  const url = URL.canParse(text) ? new URL(text) : undefined
  const fits =
    url &&
    !url.username &&
    !url.password &&
    (url.protocol === 'https:' || (allowPrivate && url.protocol === 'http:'))
  if (url && fits) return url
  throw new TocsinError(
    'subscription.bad_url',
    `The URL of subscription "${name}" cannot be used.`,
    {
      hints: [
        'It must be https, without user and password in it; http only with `allowPrivate: true`.',
      ],
    },
  )
}

const parseRetryAfter = (text: string | null, now: Date): number | undefined => {
  if (text === null) return undefined
  const ms = /^\s*\d+(\.\d+)?\s*$/.test(text) ? Number(text) * 1_000 : Date.parse(text) - +now
  return Number.isNaN(ms) ? undefined : Math.min(Math.max(ms, 0), MAX_RETRY_AFTER_MS)
}

const judge = (answer: PostAnswer): Outcome => {
  if (answer.kind === 'failed') return { kind: 'retry', reason: answer.reason }
  const { status } = answer
  const reason = `the receiver answered ${status}`
  if (status >= 200 && status < 300) return { kind: 'delivered', status }
  if (status === 410) return { kind: 'gone', status, reason }
  if (REFUSALS.has(status)) return { kind: 'refused', status, reason }
  const afterMs = parseRetryAfter(answer.retryAfter, new Date())
  return { kind: 'retry', status, reason, ...(afterMs === undefined ? {} : { afterMs }) }
}

/**
 * The far end of a webhook subscription. `send` never throws.
 * @throws TocsinError `subscription.bad_url`, `subscription.bad_secret`
 */
export const createEndpoint = (config: WebhookConfig, chains: readonly KnownChain[]): Endpoint => {
  const url = parseUrl(config)
  const sign = createBodySigner(config)
  const agent =
    url.protocol === 'https:'
      ? new HttpsAgent({ keepAlive: true, maxSockets: 2 })
      : new HttpAgent({ keepAlive: true, maxSockets: 2 })
  const post: Endpoint['post'] = async (id, body, signal) =>
    judge(
      await postGuarded({
        url,
        body,
        signal,
        agent,
        headers: { 'content-type': 'application/json', ...sign(id, new Date(), body) },
        timeoutMs: config.timeoutMs,
        allowPrivate: config.allowPrivate,
      }),
    )
  return {
    post,
    send: async (event, { isReplay, signal }) => {
      const body =
        config.format === 'forta'
          ? encodeForta(event, chains)
          : encodeBounded(encodeEvent(event, chains, isReplay))
      return body === undefined ? { kind: 'unfit' } : post(event.id, body, signal)
    },
    stop: () => agent.destroy(),
  }
}

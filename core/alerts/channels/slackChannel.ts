import { z } from 'zod'
import type { AlertMessage, Channel, SendResult, ThreadBook } from '../types.ts'
import { attempt, type HttpAnswer, judgeStatus, readJson, tryAgain, untilFound } from './attempt.ts'
import { channelUrl } from './channelUrl.ts'
import { isOver } from './describeMessage.ts'
import { encodeLine } from './encodeLine.ts'
import { slackBlocks } from './slackBlocks.ts'

/** Words of Slack's Web API for what passes by itself; all others are faults of the settings or of the message. */
const PASSING: ReadonlySet<string> = new Set([
  'ratelimited',
  'rate_limited',
  'internal_error',
  'fatal_error',
  'service_unavailable',
  'request_timeout',
  'team_added_to_org',
])

const threadSchema = z.object({ ts: z.string(), alert: z.string() })

/** Slack answers 200 to nearly everything; `ok` and `error` say what became of it. */
const judgeSlack = (answer: HttpAnswer, now: Date): SendResult => {
  const status = judgeStatus(answer, now)
  if (status.kind !== 'sent') return status
  const { ok, error } = readJson(answer)
  if (ok === true) return status
  const word = typeof error === 'string' && /^[a-z_]{1,60}$/.test(error) ? error : undefined
  if (word === undefined) return tryAgain('Slack gave no answer that can be read', undefined)
  const reason = `Slack answered ${word}`
  return PASSING.has(word) ? tryAgain(reason, undefined) : { kind: 'dead', reason }
}

const readThread = (text: string | undefined): z.infer<typeof threadSchema> | undefined => {
  if (text === undefined) return undefined
  const parsed = threadSchema.safeParse(JSON.parse(text))
  return parsed.success ? parsed.data : undefined
}

/**
 * Slack by a bot's token: one message per incident, all that follows in its thread, and the first message shows when the
 * alert that opened it is over. Sent again after a crash, a message may stand twice: Slack has no key for repeats.
 * @throws TocsinError `channel.bad_url`
 */
export const createSlackChannel = (options: {
  readonly name: string
  readonly url: string
  readonly token: string
  readonly channel: string
  readonly perMinute: number
  readonly timeoutMs: number
  readonly threads: ThreadBook
}): Channel => {
  const { threads } = options
  const post = channelUrl(options.name, options.url, '/chat.postMessage')
  const update = channelUrl(options.name, options.url, '/chat.update')
  const call = (
    url: URL,
    body: Record<string, unknown>,
    signal: AbortSignal,
    judge: (answer: HttpAnswer, now: Date) => SendResult | Promise<SendResult>,
  ): Promise<SendResult> =>
    attempt({
      signal,
      timeoutMs: options.timeoutMs / 2,
      judge,
      request: {
        url,
        headers: {
          'content-type': 'application/json; charset=utf-8',
          authorization: `Bearer ${options.token}`,
        },
        body: encodeLine({
          channel: options.channel,
          unfurl_links: false,
          unfurl_media: false,
          ...body,
        }),
      },
    })

  const send = async (message: AlertMessage, signal: AbortSignal): Promise<SendResult> => {
    // Whoever is written to alone has a thread of their own.
    const lane = `${message.incident ?? message.alert}${message.to ? `@${message.to}` : ''}`
    const to = message.to === undefined ? {} : { channel: message.to }
    const thread = readThread(await threads.find(lane))
    const said = slackBlocks(message)
    const metadata = {
      event_type: 'tocsin_alert',
      event_payload: { dedup_key: message.dedupKey, alert: message.alert },
    }
    const result = await call(
      post,
      {
        ...said,
        ...to,
        metadata,
        // A graver turn must not hide in a thread.
        ...(thread ? { thread_ts: thread.ts, reply_broadcast: message.change === 'raised' } : {}),
      },
      signal,
      async (answer, now) => {
        const judged = judgeSlack(answer, now)
        const { ts } = readJson(answer)
        if (judged.kind === 'sent' && !thread && typeof ts === 'string')
          await threads.keep(lane, JSON.stringify({ ts, alert: message.alert }))
        return judged
      },
    )
    // The message itself has arrived; how the first one looks is a courtesy.
    if (result.kind === 'sent' && thread?.alert === message.alert && isOver(message))
      await call(update, { ...said, ...to, ts: thread.ts }, signal, judgeSlack)
    return result
  }
  return {
    name: options.name,
    kind: 'slack',
    pace: { perMinute: options.perMinute, burst: 5 },
    timeoutMs: options.timeoutMs,
    send: untilFound(send),
  }
}

/**
 * Slack by an incoming webhook: every message stands for itself, as it can be neither edited nor threaded.
 * @throws TocsinError `channel.bad_url`
 */
export const createSlackWebhookChannel = (options: {
  readonly name: string
  readonly url: string
  readonly perMinute: number
  readonly timeoutMs: number
}): Channel => {
  const url = channelUrl(options.name, options.url)
  return {
    name: options.name,
    kind: 'slack-webhook',
    pace: { perMinute: options.perMinute, burst: 5 },
    timeoutMs: options.timeoutMs,
    send: (message, signal) =>
      attempt({
        signal,
        timeoutMs: options.timeoutMs,
        request: {
          url,
          headers: { 'content-type': 'application/json' },
          body: encodeLine({ ...slackBlocks(message), unfurl_links: false, unfurl_media: false }),
        },
      }),
  }
}

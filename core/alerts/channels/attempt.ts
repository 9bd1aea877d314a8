import { Agent as HttpAgent, request as httpRequest, type RequestOptions } from 'node:http'
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https'
import { urlToHttpOptions } from 'node:url'
import type { Channel, SendResult } from '../types.ts'

const MAX_ANSWER_BYTES = 64 * 1024
const MAX_RETRY_AFTER_MS = 3_600_000

/** Answers that more of the same will not change; all others are tried again. */
const REFUSALS: ReadonlySet<number> = new Set([400, 401, 403, 404, 410, 413])

export type HttpRequest = {
  readonly url: URL
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
  /** Default: POST. */
  readonly method?: 'POST' | 'PATCH'
}

export type HttpAnswer = {
  readonly status: number
  readonly retryAfter: string | null
  /** Its first 64 KiB; shorter when it broke off. */
  readonly text: string
}

/** What a status code means for the message. */
export const judgeStatus = (answer: HttpAnswer, now: Date): SendResult => {
  const { status } = answer
  if (status >= 200 && status < 300) return { kind: 'sent' }
  const reason = `the receiver answered ${status}`
  if (REFUSALS.has(status)) return { kind: 'dead', reason }
  return tryAgain(reason, parseRetryAfter(answer.retryAfter, now))
}

/** A retry, with the receiver's own wish bounded to an hour. */
export const tryAgain = (reason: string, afterMs: number | undefined): SendResult => ({
  kind: 'retry',
  reason,
  ...(afterMs === undefined || Number.isNaN(afterMs)
    ? {}
    : { afterMs: Math.min(Math.max(afterMs, 0), MAX_RETRY_AFTER_MS) }),
})

/** What becomes of a message of several parts: tried again while one may yet arrive, refused when one was. */
export const worstOf = (results: readonly SendResult[]): SendResult =>
  results.find(({ kind }) => kind === 'retry') ??
  results.find(({ kind }) => kind === 'dead') ?? { kind: 'sent' }

/** A `send` that looks up where the first message stands: when it cannot, the message waits. */
export const untilFound =
  (send: Channel['send']): Channel['send'] =>
  (message, signal) =>
    send(message, signal).catch(() =>
      tryAgain('the place of the first message could not be looked up', undefined),
    )

/** Reads an answer that should be a JSON object; an empty one when it is not. */
export const readJson = (answer: HttpAnswer): Readonly<Record<string, unknown>> => {
  try {
    const value: unknown = JSON.parse(answer.text)
    return typeof value === 'object' && value !== null ? { ...value } : {}
  } catch {
    return {}
  }
}

/**
 * Sends one request and says what became of it. Never throws; ends within `timeoutMs`. Redirects are not followed, so a
 * receiver cannot make Tocsin call addresses inside its network. Reasons hold neither the URL nor what was sent.
 */
export const attempt = async (options: {
  readonly request: HttpRequest
  readonly timeoutMs: number
  readonly signal: AbortSignal
  readonly judge?: (answer: HttpAnswer, now: Date) => SendResult | Promise<SendResult>
}): Promise<SendResult> => {
  const { request, signal, timeoutMs } = options
  const limit = createLimit(signal, timeoutMs)
  try {
    const answer = await exchange(request, limit).catch((error: unknown) => {
      // The receiver had closed the connection that was kept open: the request never reached it.
      if (limit.isOver() || !isStale(error)) throw error
      return exchange(request, limit)
    })
    return await (options.judge ?? judgeStatus)(answer, new Date())
  } catch (error) {
    if (signal.aborted) return { kind: 'retry', reason: 'the notifier was stopped' }
    if (limit.isOver()) return { kind: 'retry', reason: `no answer within ${timeoutMs} ms` }
    return { kind: 'retry', reason: `no connection (${networkCode(error)})` }
  } finally {
    limit.end()
  }
}

/** The end of an attempt, by the clock or by a signal. Signals made of others cost more than the request itself. */
type Limit = {
  readonly isOver: () => boolean
  /** What is cut off at the end; of several calls the last one counts. */
  readonly guard: (cut: () => void) => void
  readonly end: () => void
}

const createLimit = (signal: AbortSignal, ms: number): Limit => {
  let isOver = signal.aborted
  let cut: (() => void) | undefined
  const finish = (): void => {
    isOver = true
    cut?.()
  }
  const timer = setTimeout(finish, ms)
  signal.addEventListener('abort', finish)
  return {
    isOver: () => isOver,
    guard: (next) => {
      cut = next
    },
    end: () => {
      clearTimeout(timer)
      signal.removeEventListener('abort', finish)
    },
  }
}

const parseRetryAfter = (text: string | null, now: Date): number | undefined => {
  if (text === null) return undefined
  return /^\s*\d+(\.\d+)?\s*$/.test(text) ? Number(text) * 1_000 : Date.parse(text) - now.getTime()
}

const AGENTS = {
  'http:': new HttpAgent({ keepAlive: true }),
  'https:': new HttpsAgent({ keepAlive: true }),
}

/** Fails where a connection was used again that the other side had given up meanwhile. */
class StaleConnection extends Error {}
const isStale = (error: unknown): boolean => error instanceof StaleConnection

type Target = {
  readonly send: typeof httpRequest
  readonly options: RequestOptions
}

/** What does not change from one request to the next. */
const targets = new WeakMap<URL, Target>()

const targetOf = (url: URL): Target => {
  const known = targets.get(url)
  if (known) return known
  const isSecure = url.protocol === 'https:'
  const fresh: Target = {
    send: isSecure ? httpsRequest : httpRequest,
    options: { ...urlToHttpOptions(url), agent: isSecure ? AGENTS['https:'] : AGENTS['http:'] },
  }
  targets.set(url, fresh)
  return fresh
}

/** One request and its answer. The library's own `fetch` costs three times as much of the processor. */
const exchange = (request: HttpRequest, limit: Limit): Promise<HttpAnswer> =>
  new Promise((resolve, reject) => {
    if (limit.isOver()) return reject(new Error('Its time is over.'))
    const { send, options } = targetOf(request.url)
    const sent = send(
      {
        ...options,
        method: request.method ?? 'POST',
        headers: {
          'user-agent': 'tocsin/1',
          accept: '*/*',
          ...request.headers,
          'content-length': Buffer.byteLength(request.body),
        },
      },
      (response) => {
        const parts: Buffer[] = []
        let bytes = 0
        const finish = (): void =>
          resolve({
            status: response.statusCode ?? 0,
            retryAfter: response.headers['retry-after'] ?? null,
            text: Buffer.concat(parts).subarray(0, MAX_ANSWER_BYTES).toString('utf8'),
          })
        // Read to its end, so that the connection can be used again, unless it is large.
        response.on('data', (chunk: Buffer) => {
          parts.push(chunk)
          bytes += chunk.length
          if (bytes > MAX_ANSWER_BYTES) response.destroy()
        })
        // The status has come; an answer that breaks off must stand on it.
        for (const end of ['end', 'close', 'error'] as const) response.once(end, finish)
      },
    )
    limit.guard(() => sent.destroy(new Error('Its time is over.')))
    sent.once('error', (error) => {
      const code = 'code' in error ? error.code : undefined
      const wasKept = sent.reusedSocket && (code === 'ECONNRESET' || code === 'EPIPE')
      reject(wasKept ? new StaleConnection(error.message, { cause: error }) : error)
    })
    sent.end(request.body)
  })

/** The code of what went wrong on the way; it holds no address. */
export const networkCode = (error: unknown): string => {
  const cause = error instanceof Error ? (error.cause ?? error) : undefined
  const code =
    typeof cause === 'object' && cause !== null && 'code' in cause ? cause.code : undefined
  return typeof code === 'string' && /^[A-Z_]{2,40}$/.test(code) ? code : 'failed'
}

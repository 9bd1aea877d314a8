import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http'
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https'
import type { Socket } from 'node:net'
import type { Readable } from 'node:stream'
import { createGunzip } from 'node:zlib'
import { TocsinError } from '../base/index.ts'

export type HttpAnswer = {
  readonly status: number
  readonly text: string
  /** What the server asked for by `Retry-After` (ms). */
  readonly retryAfterMs: number | undefined
}

export type JsonPoster = {
  readonly post: (
    body: string,
    options: { readonly timeoutMs: number; readonly signal?: AbortSignal | undefined },
  ) => Promise<HttpAnswer>
  readonly stop: () => void
}

const MAX_RETRY_AFTER_MS = 60_000

const parseRetryAfter = (value: string | undefined): number | undefined => {
  if (value === undefined) return undefined
  const seconds = Number(value)
  const ms = Number.isFinite(seconds) ? seconds * 1_000 : Date.parse(value) - Date.now()
  return Number.isFinite(ms) ? Math.min(Math.max(ms, 0), MAX_RETRY_AFTER_MS) : undefined
}

const readText = async (response: IncomingMessage, maxBytes: number): Promise<string> => {
  const stream: Readable =
    response.headers['content-encoding'] === 'gzip' ? response.pipe(createGunzip()) : response
  if (stream !== response) response.once('error', (error) => stream.destroy(error))
  const chunks: Buffer[] = []
  let size = 0
  await new Promise<void>((resolve, reject) => {
    stream.on('data', (chunk: Buffer) => {
      size += chunk.length
      chunks.push(chunk)
      if (size <= maxBytes) return
      response.destroy()
      reject(
        new TocsinError('rpc.too_large', `The answer is longer than ${maxBytes} bytes.`, {
          hints: ['Ask for fewer blocks per batch.'],
        }),
      )
    })
    stream.once('end', resolve)
    stream.once('error', reject)
    stream.once('close', resolve)
  })
  // A connection cut in the middle of the body ends the stream without an error in some cases.
  if (!response.complete) throw new TocsinError('rpc.network', 'The answer was cut short.')
  return chunks.length === 1 && chunks[0] ? chunks[0].toString() : Buffer.concat(chunks).toString()
}

/**
 * Posts JSON to one URL over kept-alive connections. Redirects are not followed: the URL may hold a key.
 * `onDisconnect` hears of every connection that ended.
 * @throws TocsinError `timeout`, `rpc.network`, `rpc.too_large`, `rpc.aborted`
 */
export const createJsonPoster = (
  url: string,
  options: { readonly maxBytes: number; readonly onDisconnect: () => void },
): JsonPoster => {
  const target = new URL(url)
  const isSecure = target.protocol === 'https:'
  const isLocal = ['127.0.0.1', 'localhost', '[::1]'].includes(target.hostname)
  const settings = { keepAlive: true, maxSockets: 32, scheduling: 'lifo' as const }
  const agent = isSecure ? new HttpsAgent(settings) : new HttpAgent(settings)
  const send = isSecure ? httpsRequest : httpRequest
  const known = new WeakSet<Socket>()

  const once = (
    body: string,
    timeoutMs: number,
    signal: AbortSignal | undefined,
    isRetry: boolean,
  ): Promise<HttpAnswer> =>
    new Promise((resolve, reject) => {
      if (signal?.aborted)
        return reject(new TocsinError('rpc.aborted', 'The request was given up.'))
      let settled = false
      const finish = (act: () => void): void => {
        if (settled) return
        settled = true
        clearTimeout(timer)
        signal?.removeEventListener('abort', abort)
        act()
      }
      const request = send(
        target,
        {
          method: 'POST',
          agent,
          headers: {
            'content-type': 'application/json',
            'content-length': Buffer.byteLength(body),
            ...(isLocal ? {} : { 'accept-encoding': 'gzip' }),
          },
        },
        (response) => {
          readText(response, options.maxBytes).then(
            (text) =>
              finish(() =>
                resolve({
                  status: response.statusCode ?? 0,
                  text,
                  retryAfterMs: parseRetryAfter(response.headers['retry-after']),
                }),
              ),
            (error: unknown) => fail(error),
          )
        },
      )
      const fail = (cause: unknown): void =>
        finish(() => {
          request.destroy()
          const code = cause instanceof Error && 'code' in cause ? String(cause.code) : ''
          // The server closed an idle connection just as it was used again: the request never ran.
          if (request.reusedSocket && !isRetry && (code === 'ECONNRESET' || code === 'EPIPE'))
            return resolve(once(body, timeoutMs, signal, true))
          if (code.startsWith('rpc.')) return reject(cause)
          reject(
            new TocsinError(
              'rpc.network',
              `The endpoint cannot be reached (${code || 'network error'}).`,
              {
                cause,
              },
            ),
          )
        })
      const abort = (): void =>
        finish(() => {
          request.destroy()
          reject(new TocsinError('rpc.aborted', 'The request was given up.'))
        })
      const timer = setTimeout(
        () =>
          finish(() => {
            request.destroy()
            reject(new TocsinError('timeout', `No answer within ${timeoutMs} ms.`))
          }),
        timeoutMs,
      )
      signal?.addEventListener('abort', abort)
      request.on('socket', (socket) => {
        if (known.has(socket)) return
        known.add(socket)
        socket.setNoDelay(true)
        socket.once('close', options.onDisconnect)
      })
      request.on('error', fail)
      request.end(body)
    })

  return {
    post: (body, { timeoutMs, signal }) => once(body, timeoutMs, signal, false),
    stop: () => agent.destroy(),
  }
}

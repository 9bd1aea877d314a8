import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Hono } from 'hono'
import {
  encodeEventStream,
  parseStreamQuery,
  type Reader,
  type Streams,
} from '../subscriptions/index.ts'
import { type ConsoleContext, type ConsoleEnv, needs, open, principalOf } from './principal.ts'

/** A reader that takes nothing for so long is cut off (ms); it comes back with its Last-Event-ID. */
const STALL_MS = 30_000
const MAX_READERS = 8

/** The connection under a request, where there is one. */
const socketOf = (c: ConsoleContext): ServerResponse<IncomingMessage>['socket'] => {
  const env: unknown = c.env
  const outgoing =
    typeof env === 'object' && env !== null && 'outgoing' in env
      ? (env.outgoing as ServerResponse<IncomingMessage>)
      : undefined
  return outgoing?.socket ?? null
}

const fail = (
  c: ConsoleContext,
  status: 400 | 401 | 429,
  code: string,
  message: string,
): Response => c.json({ error: { code, message } }, status)

const answer = async (
  c: ConsoleContext,
  streams: Streams,
  reader: Reader | undefined,
): Promise<Response> => {
  if (!reader)
    return fail(
      c,
      401,
      'stream.unauthorized',
      'The bearer token names no subscription of a stream.',
    )
  const query = parseStreamQuery(new URL(c.req.url).searchParams, c.req.header('last-event-id'))
  if ('problem' in query) return fail(c, 400, 'stream.bad_query', query.problem)
  const stream = await streams.open(reader, query)
  if (!stream)
    return fail(c, 429, 'stream.too_many', 'There are too many connections of this reader.')
  const socket = socketOf(c)
  const body = encodeEventStream(stream, { stallMs: STALL_MS, cut: () => socket?.destroy() })
  return c.body(body, 200, {
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-store, no-transform',
    'x-accel-buffering': 'no',
  })
}

/**
 * Findings as they come: `/stream` for those whom the watchlist gives a token of a subscription, `/api/stream` for people
 * and for tokens of the scope `subscribe`.
 */
export const routeStreams = (app: Hono<ConsoleEnv>, streams: Streams): void => {
  app.get('/stream', open('it asks for the token of a subscription'), (c) =>
    answer(c, streams, streams.readerOf(c.req.header('authorization'))),
  )
  app.get('/api/stream', needs('viewer', 'subscribe'), (c) => {
    const { name } = principalOf(c)
    return answer(c, streams, { name: `console:${name}`, filter: {}, maxReaders: MAX_READERS })
  })
}

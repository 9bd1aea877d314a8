import type { Context } from 'hono'
import { readBounded } from './readBounded.ts'

const MAX_REQUEST_BYTES = 64 * 1024
const MAX_ANSWER_BYTES = 8 * 1024 * 1024
const TIMEOUT_MS = 15_000

const failure = (
  c: Context,
  status: 400 | 405 | 413 | 415 | 502 | 503 | 504,
  code: string,
  message: string,
): Response => c.json({ errors: [{ message, extensions: { code } }] }, status)

/**
 * Passes a GraphQL query on to the indexer. Only a JSON POST: no other site can send one without asking first. Sizes
 * and time are bounded; without an indexer the answer is 503 in GraphQL's own shape.
 */
export const proxyGraphql = async (c: Context, url: string | undefined): Promise<Response> => {
  if (c.req.method !== 'POST') return failure(c, 405, 'METHOD', 'Send a POST with {"query": "…"}.')
  if (!c.req.header('content-type')?.toLowerCase().startsWith('application/json')) {
    return failure(c, 415, 'CONTENT_TYPE', 'Send application/json.')
  }
  if (!url) return failure(c, 503, 'NO_INDEXER', 'The indexer is switched off in the watchlist.')
  const body = await readBounded(c.req.raw.body, MAX_REQUEST_BYTES)
  if (body === undefined) {
    return failure(c, 413, 'TOO_LARGE', `A query may have ${MAX_REQUEST_BYTES / 1024} KB at most.`)
  }
  const limit = AbortSignal.timeout(TIMEOUT_MS)
  try {
    const response = await fetch(url, {
      method: 'POST',
      redirect: 'error',
      signal: limit,
      headers: { 'content-type': 'application/json', accept: 'application/json' },
      body,
    })
    const answer = await readBounded(response.body, MAX_ANSWER_BYTES)
    if (answer === undefined) {
      return failure(c, 502, 'ANSWER_TOO_LARGE', 'The answer is too large. Ask for fewer rows.')
    }
    return new Response(answer, {
      status: response.status,
      headers: { 'content-type': 'application/json; charset=utf-8' },
    })
  } catch {
    return limit.aborted
      ? failure(c, 504, 'TIMEOUT', `The indexer did not answer within ${TIMEOUT_MS / 1000} s.`)
      : failure(
          c,
          503,
          'INDEXER_DOWN',
          'The indexer does not answer. It may be starting, or be down.',
        )
  }
}

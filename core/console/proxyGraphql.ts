import type { Context } from 'hono'
import { messageOf } from '../base/index.ts'

const TIMEOUT_MS = 15_000

const unavailable = (context: Context, reason: string): Response =>
  context.json({ errors: [{ message: `The indexer does not answer: ${reason}` }] }, 503)

/** Hands a GraphQL request on to the indexer; nothing of the client's headers travels with it. */
export const proxyGraphql = async (
  context: Context,
  url: string | undefined,
): Promise<Response> => {
  if (url === undefined) return unavailable(context, 'it is switched off in the watchlist.')
  try {
    const answer = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: await context.req.text(),
      redirect: 'error',
      signal: AbortSignal.timeout(TIMEOUT_MS),
    })
    return context.newResponse(
      await answer.text(),
      answer.status === 200 ? 200 : answer.status >= 500 ? 503 : 400,
      {
        'content-type': 'application/json',
      },
    )
  } catch (error) {
    return unavailable(context, messageOf(error))
  }
}

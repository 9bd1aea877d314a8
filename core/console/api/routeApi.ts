import type { Hono } from 'hono'
import { etag } from 'hono/etag'
import { z } from 'zod'
import { TocsinError } from '../../base/index.ts'
import { problem } from '../errorAnswer.ts'
import {
  type ConsoleContext,
  type ConsoleEnv,
  isCsrfToken,
  needs,
  principalOf,
} from '../principal.ts'
import { readBounded } from '../readBounded.ts'
import { actOperations } from './actOperations.ts'
import type { ApiOptions } from './apiOptions.ts'
import { API_BASE, documentOf } from './document.ts'
import { type Operation, parseGiven } from './operation.ts'
import { readOperations } from './readOperations.ts'
import { renderDocs } from './renderDocs.ts'

const MAX_BODY = 65_536
const NOTHING = z.strictObject({})

/** Every operation of the API, in the order of its documentation. */
export const listOperations = (options: ApiOptions): readonly Operation[] => [
  ...readOperations(options),
  ...actOperations(options),
]

/** @throws TocsinError `auth.csrf`, `body.not_json`, `body.too_large`, `body.invalid` */
const readBody = async (c: ConsoleContext): Promise<unknown> => {
  const { via } = principalOf(c)
  if (via !== 'token' && !isCsrfToken(c, c.req.header('x-csrf-token')))
    throw new TocsinError('auth.csrf', 'Send `x-csrf-token`, as GET /api/v1/me gives it.')
  const text = await readBounded(c.req.raw.body, MAX_BODY)
  if (text === undefined)
    throw new TocsinError('body.too_large', `A body has ${MAX_BODY} bytes at most.`)
  if (text.trim() === '') return {}
  if (!/^application\/json\b/.test(c.req.header('content-type') ?? ''))
    throw new TocsinError('body.not_json', 'Send JSON, as `content-type: application/json`.')
  // No database keeps it, and nobody types it.
  if (/\\u0000|\0/.test(text))
    throw new TocsinError('body.invalid', 'The body holds a zero character.')
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new TocsinError('body.invalid', 'The body is not JSON.', { cause })
  }
}

/** Each parameter once: of several the reader would see another than whoever checked. */
const readQuery = (c: ConsoleContext): Readonly<Record<string, string>> => {
  const all = c.req.queries()
  const twice = Object.keys(all).find((key) => (all[key]?.length ?? 0) > 1)
  if (Object.values(all).some((values) => values.some((value) => value.includes('\0'))))
    throw new TocsinError('query.invalid', 'A parameter holds a zero character.')
  if (twice !== undefined)
    throw new TocsinError('query.invalid', 'A parameter is given more than once.')
  return c.req.query()
}

/** The REST API under /api/v1, its OpenAPI document, and a page that people can read. */
export const routeApi = (app: Hono<ConsoleEnv>, options: ApiOptions): void => {
  const operations = listOperations(options)
  for (const operation of operations) {
    const path = `${API_BASE}${operation.path.replace('{id}', ':id')}`
    const guard = needs(operation.role, operation.scope)
    const handle = async (c: ConsoleContext): Promise<Response> => {
      const body =
        operation.method === 'post'
          ? parseGiven(operation.body ?? NOTHING, await readBody(c), 'body.invalid')
          : {}
      const query = parseGiven(operation.query ?? NOTHING, readQuery(c), 'query.invalid')
      const id = (c.req.param('id') ?? '').replaceAll('\0', '').slice(0, 200)
      const answer = await operation.run({ c, id, query, body })
      if (operation.method === 'get') c.header('cache-control', 'private, no-cache')
      return c.json(answer as object)
    }
    if (operation.method === 'get') app.get(path, guard, etag(), handle)
    else app.post(path, guard, handle)
  }
  const document = JSON.stringify(documentOf(operations))
  app.get('/api/openapi.json', needs('viewer', 'read'), (c) =>
    c.body(document, 200, { 'content-type': 'application/json; charset=utf-8' }),
  )
  app.get('/api', needs('viewer', 'read'), (c) => c.html(renderDocs(operations, c.get('nonce'))))
  app.all(`${API_BASE}/*`, needs('viewer', 'read'), (c) =>
    problem(c, 404, 'not_found', 'There is no such operation; GET /api/openapi.json lists them.'),
  )
}

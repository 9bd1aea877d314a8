import { OpenAPIHono } from '@hono/zod-openapi'
import { z } from 'zod'
import type { Operation } from './operation.ts'
import { problemView } from './views.ts'

/** Where the API lies; the version changes when an answer loses or changes a field. */
export const API_BASE = '/api/v1'

const FAILURES: Readonly<Record<number, string>> = {
  400: 'A parameter or field is unknown or wrong',
  401: 'Nobody signed in, or the token is unknown, revoked or expired',
  403: 'The role or the scope is not enough',
  404: 'There is no such thing',
  409: 'It cannot be done as things stand',
  429: 'Too many requests: `retry-after` says when to try again',
  503: 'The database cannot be read',
}

const who = ({ role, scope }: Operation): string =>
  scope
    ? `Role **${role}**, or a token with the scope **${scope}**.`
    : `Role **${role}**, signed in; no token.`

/** The OpenAPI 3.1 document of the operations, made from the schemas that check them. */
export const documentOf = (operations: readonly Operation[]): object => {
  const api = new OpenAPIHono()
  const { openAPIRegistry: registry } = api
  registry.registerComponent('securitySchemes', 'token', {
    type: 'http',
    scheme: 'bearer',
    description: 'A token of `tocsin tokens create`',
  })
  registry.registerComponent('securitySchemes', 'session', {
    type: 'apiKey',
    in: 'cookie',
    name: 'tocsin',
    description: 'Of who signed in; what changes something also sends `x-csrf-token`',
  })
  for (const operation of operations) {
    const { id, method, path, tag, summary, scope, query, body, answer, problems } = operation
    registry.registerPath({
      method,
      path: `${API_BASE}${path}`,
      operationId: id,
      tags: [tag],
      summary,
      description: [
        who(operation),
        problems ? `Codes of its own: ${problems.map((code) => `\`${code}\``).join(', ')}.` : '',
      ]
        .join(' ')
        .trim(),
      security: scope ? [{ token: [] }, { session: [] }] : [{ session: [] }],
      request: {
        ...(path.includes('{id}') ? { params: z.strictObject({ id: z.string() }) } : {}),
        ...(query ? { query } : {}),
        ...(body ? { body: { content: { 'application/json': { schema: body } } } } : {}),
      },
      responses: {
        200: { description: 'Done', content: { 'application/json': { schema: answer } } },
        ...Object.fromEntries(
          Object.entries(FAILURES).map(([status, description]) => [
            status,
            { description, content: { 'application/problem+json': { schema: problemView } } },
          ]),
        ),
      },
    })
  }
  return api.getOpenAPI31Document({
    openapi: '3.1.0',
    info: { title: 'Tocsin', version: '1', description: 'What Tocsin knows, and what people do.' },
  })
}

import { isTocsinError, type TocsinError } from '../base/index.ts'
import { text } from './format.ts'
import { html } from './html.ts'
import { renderBare } from './pages/layout.ts'
import type { ConsoleContext } from './principal.ts'

type Status = 400 | 401 | 403 | 404 | 409 | 413 | 415 | 429 | 500 | 503

const STATUSES: Readonly<Record<string, Status>> = {
  'auth.required': 401,
  'auth.bad_token': 401,
  'auth.wrong': 401,
  'auth.too_many': 429,
  'auth.rate_limited': 429,
  'auth.busy': 503,
  'form.too_large': 413,
  'body.too_large': 413,
  'body.not_json': 415,
  'halt.failed': 503,
  'oidc.unreachable': 503,
  timeout: 503,
}

/** The status by which a code is told. */
export const statusOf = (code: string): Status => {
  const known = STATUSES[code]
  if (known) return known
  if (/\.(unknown|not_found)$/.test(code)) return 404
  if (/^auth\.|^oidc\./.test(code)) return 403
  if (/^(approval|execution|incident|alert|halt)\./.test(code)) return 409
  if (/^(query|body|silence|token|user|subscription)\./.test(code)) return 400
  return code.startsWith('store.') ? 503 : 500
}

const UNREADABLE = 'The database cannot be read. Nothing is known about the present state.'

/** Problem details (RFC 9457) with a stable `code`. */
export const problem = (
  c: ConsoleContext,
  status: Status | 405,
  code: string,
  detail: string,
  more: object = {},
): Response =>
  c.body(
    JSON.stringify({ type: `urn:tocsin:${code}`, title: code, status, code, detail, ...more }),
    status,
    { 'content-type': 'application/problem+json' },
  )

const headersOf = (error: TocsinError, status: Status): Record<string, string> => ({
  ...(error.retry ? { 'retry-after': String(Math.ceil(error.retry.afterMs / 1_000)) } : {}),
  ...(status === 401 ? { 'www-authenticate': 'Bearer' } : {}),
})

const asPage = (c: ConsoleContext, status: Status, message: string, hints: readonly string[]) =>
  c.html(
    renderBare({
      title: 'Not done',
      nonce: c.get('nonce'),
      body: html`<div class="banner bad" role="alert"><div><strong>${text(message, 300)}</strong>${hints.map((hint) => html`<span class="more">${text(hint, 300)}</span>`)}</div></div>`,
    }),
    status,
  )

/** What a request is told that failed: by the API as problem details, by older routes as before, by pages in words. */
export const answerError = (c: ConsoleContext, error: unknown): Response => {
  const { path } = c.req
  if (!isTocsinError(error)) {
    if (path.startsWith('/api/v1/')) return problem(c, 503, 'store.unreadable', UNREADABLE)
    return path.startsWith('/api/')
      ? c.json({ error: { code: 'store.unreadable', message: UNREADABLE } }, 503)
      : c.text(`Tocsin: ${UNREADABLE}\n`, 503)
  }
  const { code, message, hints } = error
  const status = statusOf(code)
  for (const [name, value] of Object.entries(headersOf(error, status))) c.header(name, value)
  if (path.startsWith('/api/v1/'))
    return problem(c, status, code, message, hints.length > 0 ? { hints } : {})
  if (path.startsWith('/api/') || path === '/graphql')
    return c.json({ error: { code, message } }, status)
  return asPage(c, status, message, hints)
}

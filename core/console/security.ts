import { randomBytes } from 'node:crypto'
import { isIP } from 'node:net'
import { hostname } from 'node:os'
import type { MiddlewareHandler } from 'hono'
import type { Principal } from './principal.ts'

export type ConsoleVariables = {
  /** Lets the page's own style and script through the content security policy. */
  nonce: string
  /** Who asks; undefined before they signed in. */
  principal: Principal | undefined
  /** What forms of this session carry; empty where nobody is signed in. */
  csrf: string
}

/** `[::1]:80` and `Name.Example:80` become `::1` and `name.example`. */
const nameOf = (host: string): string =>
  host
    .toLowerCase()
    .replace(/:\d{1,5}$/, '')
    .replace(/^\[(.*)\]$/, '$1')

/**
 * Whether a Host header can be ours. A page of a stranger whose name was pointed at this machine (DNS rebinding)
 * names itself there; an address or a name that we were told of cannot be such a page's.
 */
export const isOwnHost = (header: string | undefined, own: readonly string[]): boolean => {
  if (!header || header.length > 260) return false
  const name = nameOf(header)
  return (
    isIP(name) !== 0 ||
    name === 'localhost' ||
    own.includes(name) ||
    name === hostname().toLowerCase()
  )
}

/** What may be sent at all: queries of the index, answers to proposals, and the stop of everything. */
const POSTS: readonly string[] = ['/graphql', '/answer', '/api/halt']

/** Browsers say where a request comes from; other programs say nothing. */
const isForeign = (site: string | undefined): boolean =>
  site !== undefined && site !== 'same-origin' && site !== 'none'

/** Refuses strangers' hosts, other sites' requests and everything that is not a read; sets the security headers. */
export const secure =
  (ownHosts: readonly string[]): MiddlewareHandler<{ Variables: ConsoleVariables }> =>
  async (c, next) => {
    const nonce = randomBytes(16).toString('base64')
    c.set('nonce', nonce)
    c.set('csrf', '')
    const mayPost = POSTS.includes(c.req.path)
    const isAnswer = c.req.path === '/answer'
    if (!isOwnHost(c.req.header('host'), ownHosts)) {
      c.res = c.text('This host name is not known here. Name it in `console.hosts`.\n', 421)
    } else if (
      c.req.header('sec-fetch-site') === 'cross-site' &&
      c.req.header('sec-fetch-mode') !== 'navigate'
    ) {
      c.res = c.text('Requests from other sites are refused.\n', 403)
    } else if (c.req.method === 'POST' && isForeign(c.req.header('sec-fetch-site'))) {
      c.res = c.text('Forms of other sites are refused.\n', 403)
    } else if (!['GET', 'HEAD'].includes(c.req.method) && !(mayPost && c.req.method === 'POST')) {
      c.res = c.text('The console only shows.\n', 405, { allow: 'GET, HEAD' })
    } else await next()
    const { headers } = c.res
    headers.set(
      'content-security-policy',
      [
        "default-src 'none'",
        `script-src 'nonce-${nonce}'`,
        `style-src 'nonce-${nonce}'`,
        "connect-src 'self'",
        'img-src data:',
        "base-uri 'none'",
        isAnswer ? "form-action 'self'" : "form-action 'none'",
        "frame-ancestors 'none'",
      ].join('; '),
    )
    headers.set('x-content-type-options', 'nosniff')
    headers.set('x-frame-options', 'DENY')
    headers.set('referrer-policy', 'no-referrer')
    headers.set('cross-origin-opener-policy', 'same-origin')
    headers.set('cross-origin-resource-policy', 'same-origin')
    headers.set('permissions-policy', 'camera=(), geolocation=(), microphone=()')
    if (!headers.has('cache-control')) headers.set('cache-control', 'no-store')
  }

import { randomBytes } from 'node:crypto'
import { isIP } from 'node:net'
import { hostname } from 'node:os'
import type { Context, MiddlewareHandler } from 'hono'
import type { Principal } from './principal.ts'

export type ConsoleVariables = {
  /** Lets the page's own style and script through the content security policy. */
  nonce: string
  /** Who asks; undefined before they signed in. */
  principal: Principal | undefined
  /** What forms of this session carry; empty where nobody is signed in. */
  csrf: string
  /** Whether an identity provider vouched for them. */
  isOidc: boolean
  /** Whether they need a second factor for what their role may, and have none. */
  lacksFactor: boolean
}

/** `[::1]:80` and `Name.Example:80` become `::1` and `name.example`. */
export const nameOfHost = (host: string): string =>
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
  const name = nameOfHost(header)
  return (
    isIP(name) !== 0 ||
    name === 'localhost' ||
    own.includes(name) ||
    name === hostname().toLowerCase()
  )
}

/** Whether a name or address means this machine alone. */
export const isLoopback = (host: string): boolean =>
  host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'))

/** Browsers say where a request comes from; other programs say nothing. */
const isForeign = (site: string | undefined): boolean =>
  site !== undefined && site !== 'same-origin' && site !== 'none'

/** A browser names the page that sends a form: one of ours, by the name it was called or by its public address. */
const isOwnOrigin = (
  origin: string | undefined,
  host: string | undefined,
  publicUrl: string | undefined,
): boolean => {
  if (origin === undefined) return true
  if (!URL.canParse(origin)) return false
  return origin === publicUrl || new URL(origin).host === host?.toLowerCase()
}

/** Reads, and what is sent by a form or a program; which paths take something is the route table's to say. */
const METHODS: readonly string[] = ['GET', 'HEAD', 'POST']

/** Why a request is not answered at all; undefined for one that goes on. */
const refusalOf = (
  c: Context,
  ownHosts: readonly string[],
  own: string | undefined,
): Response | undefined => {
  const host = c.req.header('host')
  const site = c.req.header('sec-fetch-site')
  const names = own ? [...ownHosts, new URL(own).hostname.toLowerCase()] : ownHosts
  if (!isOwnHost(host, names))
    return c.text('This host name is not known here. Name it in `console.hosts`.\n', 421)
  if (site === 'cross-site' && c.req.header('sec-fetch-mode') !== 'navigate')
    return c.text('Requests from other sites are refused.\n', 403)
  // A browser that was told to keep its referrer to itself gives `null` as origin, and says by the other what it is.
  const isForeignForm =
    isForeign(site) || (site !== 'same-origin' && !isOwnOrigin(c.req.header('origin'), host, own))
  if (c.req.method === 'POST' && isForeignForm)
    return c.text('Forms of other sites are refused.\n', 403)
  if (!METHODS.includes(c.req.method))
    return c.text('The console only shows.\n', 405, { allow: 'GET, HEAD' })
  return undefined
}

/** Refuses strangers' hosts, other sites' requests and unusual methods; sets the security headers. */
export const secure =
  (
    ownHosts: readonly string[],
    publicUrl: () => string | undefined = () => undefined,
  ): MiddlewareHandler<{ Variables: ConsoleVariables }> =>
  async (c, next) => {
    const nonce = randomBytes(16).toString('base64')
    c.set('nonce', nonce)
    c.set('csrf', '')
    c.set('isOidc', false)
    c.set('lacksFactor', false)
    const own = publicUrl()
    const refusal = refusalOf(c, ownHosts, own)
    if (refusal) c.res = refusal
    else await next()
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
        "form-action 'self'",
        "frame-ancestors 'none'",
      ].join('; '),
    )
    headers.set('x-content-type-options', 'nosniff')
    headers.set('x-frame-options', 'DENY')
    headers.set('referrer-policy', 'no-referrer')
    headers.set('cross-origin-opener-policy', 'same-origin')
    headers.set('cross-origin-resource-policy', 'same-origin')
    headers.set('permissions-policy', 'camera=(), geolocation=(), microphone=()')
    if (own?.startsWith('https:')) headers.set('strict-transport-security', 'max-age=31536000')
    if (!headers.has('cache-control')) headers.set('cache-control', 'no-store')
  }

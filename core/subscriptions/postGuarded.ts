import { type LookupOptions, lookup } from 'node:dns'
import { type Agent, request as httpRequest, type IncomingMessage } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { isIP, type LookupFunction } from 'node:net'
import { isPrivateAddress } from './privateAddress.ts'

/** What came of one request. Reasons are for people: no secret, no path of a URL. */
export type PostAnswer =
  | { readonly kind: 'answered'; readonly status: number; readonly retryAfter: string | null }
  | { readonly kind: 'failed'; readonly reason: string }

const PRIVATE_CODE = 'EPRIVATE'
const isForbidden = (address: string, allowPrivate: boolean): boolean =>
  !allowPrivate && isPrivateAddress(address)

const forbidden = (): Error =>
  Object.assign(new Error('the address is private'), { code: PRIVATE_CODE })

/** Looks a name up and refuses private addresses: the connection goes to what was judged, not to a second answer. */
const guardedLookup =
  (allowPrivate: boolean): LookupFunction =>
  (hostname, options, done) => {
    const wanted: LookupOptions = { ...options, all: true }
    lookup(hostname, wanted, (error, found) => {
      const all = Array.isArray(found) ? found : []
      const [first] = all
      if (error) return done(error, '')
      if (!first || all.some(({ address }) => isForbidden(address, allowPrivate)))
        return done(forbidden(), '')
      return options.all ? done(null, all) : done(null, first.address, first.family)
    })
  }

const codeOf = (error: unknown): string => {
  const code =
    typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined
  return typeof code === 'string' && /^[A-Z_0-9]{2,40}$/.test(code) ? code : 'failed'
}

/**
 * Posts a body. Never throws; ends within `timeoutMs`. Follows no redirect, and connects to no private address unless
 * that is allowed, so that nobody can make Tocsin call services inside its network.
 */
export const postGuarded = (options: {
  readonly url: URL
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
  readonly timeoutMs: number
  readonly allowPrivate: boolean
  readonly signal: AbortSignal
  readonly agent?: Agent
}): Promise<PostAnswer> => {
  const { url, allowPrivate, signal, timeoutMs } = options
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1')
  if (isIP(host) !== 0 && isForbidden(host, allowPrivate))
    return Promise.resolve({ kind: 'failed', reason: 'the address is private' })
  const limit = AbortSignal.timeout(timeoutMs)
  return new Promise((resolve) => {
    const fail = (error: unknown): void => {
      const code = codeOf(error)
      const reason = signal.aborted
        ? 'the notifier was stopped'
        : limit.aborted
          ? `no answer within ${timeoutMs} ms`
          : code === PRIVATE_CODE
            ? 'the address is private'
            : `no connection (${code})`
      resolve({ kind: 'failed', reason })
    }
    const finish = (response: IncomingMessage): void => {
      const { statusCode = 0, headers } = response
      const answer: PostAnswer = {
        kind: 'answered',
        status: statusCode,
        retryAfter: headers['retry-after'] ?? null,
      }
      let bytes = 0
      response.on('data', (chunk: Buffer) => {
        bytes += chunk.length
        if (bytes > 65_536) response.destroy()
      })
      // The status has come; a body that breaks off takes nothing back.
      for (const end of ['end', 'close', 'error'] as const)
        response.once(end, () => resolve(answer))
    }
    const start = url.protocol === 'https:' ? httpsRequest : httpRequest
    const request = start(
      url,
      {
        method: 'POST',
        headers: {
          'user-agent': 'tocsin/1',
          ...options.headers,
          'content-length': String(Buffer.byteLength(options.body)),
        },
        lookup: guardedLookup(allowPrivate),
        signal: AbortSignal.any([signal, limit]),
        ...(options.agent ? { agent: options.agent } : {}),
      },
      finish,
    )
    request.once('error', fail)
    request.end(options.body)
  })
}

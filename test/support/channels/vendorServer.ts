import { createServer, type IncomingHttpHeaders, type Server } from 'node:http'
import type { Behaviour } from '../../../core/alerts/channelConformance.ts'

export type VendorRequest = {
  readonly method: string
  readonly url: URL
  readonly headers: IncomingHttpHeaders
  readonly body: string
}
export type VendorAnswer = {
  readonly status: number
  readonly body?: unknown
  readonly headers?: Readonly<Record<string, string>>
}
/** What the vendor says to a request: its own judgement of form, limits and credentials. */
export type Vendor = (request: VendorRequest) => VendorAnswer

export type VendorServer = {
  /** Without a slash at its end. */
  readonly url: string
  /** Every request, judged or not. */
  readonly requests: readonly VendorRequest[]
  /** Requests that the vendor accepted. */
  readonly accepted: readonly VendorRequest[]
  readonly stop: () => Promise<void>
}

/** How a server misbehaves, or undefined when the vendor itself shall speak. */
const misbehave = (behaviour: Behaviour): VendorAnswer | 'hang' | 'pour' | undefined => {
  switch (behaviour.kind) {
    case 'unavailable':
      return { status: 503 }
    case 'status':
      return {
        status: behaviour.status,
        headers: {
          location: 'http://127.0.0.1:1/elsewhere',
          ...(behaviour.retryAfter ? { 'retry-after': behaviour.retryAfter } : {}),
        },
      }
    case 'hang':
      return 'hang'
    case 'huge-answer':
      return 'pour'
    default:
      return undefined
  }
}

const encode = (body: unknown): string =>
  body === undefined ? '' : typeof body === 'string' ? body : JSON.stringify(body)

/** A stand-in on this machine that speaks a vendor's wire format, and misbehaves when told to. */
export const startVendor = async (vendor: Vendor, behaviour: Behaviour): Promise<VendorServer> => {
  const requests: VendorRequest[] = []
  const accepted: VendorRequest[] = []
  const server: Server = createServer((incoming, response) => {
    let body = ''
    incoming.setEncoding('utf8')
    incoming.on('data', (part: string) => {
      body += part
    })
    incoming.on('end', () => {
      const request = {
        method: incoming.method ?? 'GET',
        url: new URL(incoming.url ?? '/', 'http://standin'),
        headers: incoming.headers,
        body,
      }
      requests.push(request)
      const fault = misbehave(behaviour)
      if (fault === 'hang') return
      if (fault === 'pour') {
        response.writeHead(200)
        const chunk = Buffer.alloc(64 * 1024, 'x')
        const pour = (): void => {
          while (!response.destroyed && response.write(chunk));
          response.once('drain', pour)
        }
        pour()
        return
      }
      const answer = fault ?? vendor(request)
      if (answer.status < 300) accepted.push(request)
      response.writeHead(answer.status, { 'x-standin': '1', ...answer.headers })
      response.end(encode(answer.body))
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  const port = typeof address === 'object' && address ? address.port : 0
  const stop = (): Promise<void> =>
    new Promise((resolve) => {
      server.closeAllConnections()
      server.close(() => resolve())
    })
  if (behaviour.kind === 'refuse-connection') await stop()
  return { url: `http://127.0.0.1:${port}`, requests, accepted, stop }
}

/** Parses a JSON body; undefined when it is none. */
export const jsonOf = (request: VendorRequest): Readonly<Record<string, unknown>> | undefined => {
  try {
    const value: unknown = JSON.parse(request.body)
    return typeof value === 'object' && value !== null ? { ...value } : undefined
  } catch {
    return undefined
  }
}

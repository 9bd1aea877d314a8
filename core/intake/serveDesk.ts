import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { messageOf, portError } from '../base/index.ts'
import type { Logger } from '../telemetry/index.ts'
import type { Desk, DeskAnswer } from './createDesk.ts'
import type { Refusal } from './types.ts'
import { refuse } from './verdicts.ts'

/** A head, and a body, that take longer belong to nobody who means well (ms). */
const HEAD_LIMIT_MS = 5_000
const BODY_LIMIT_MS = 8_000
/** Connections at once, of all, and of one address that is not this machine (a proxy there speaks for many). */
const CONNECTIONS = 1_000
const CONNECTIONS_EACH = 64
/** Of a refused body so much is read and thrown away, so that the sender gets to read the answer. */
const DRAIN_BYTES = 1_048_576
const DRAIN_MS = 1_000

const headersOf = (request: IncomingMessage): Readonly<Record<string, string>> =>
  Object.fromEntries(
    Object.entries(request.headersDistinct).map(([name, values]) => [
      name.toLowerCase(),
      (values ?? []).join(', '),
    ]),
  )

const readBody = (request: IncomingMessage, maxBytes: number): Promise<Buffer | Refusal> =>
  new Promise((resolve) => {
    const chunks: Buffer[] = []
    let size = 0
    const end = (result: Buffer | Refusal): void => {
      clearTimeout(timer)
      request.removeAllListeners('data')
      resolve(result)
    }
    const timer = setTimeout(
      () => end(refuse(408, 'slow', 'The body took too long.')),
      BODY_LIMIT_MS,
    )
    request.on('data', (chunk: Buffer) => {
      size += chunk.length
      if (size > maxBytes) return end(refuse(413, 'size', 'The body is too large.'))
      chunks.push(chunk)
    })
    request.once('end', () => end(Buffer.concat(chunks)))
    request.once('error', () => end(refuse(400, 'cut', 'The body ended early.')))
    request.once('close', () => end(refuse(400, 'cut', 'The body ended early.')))
  })

/** Answers; what is left of a body that nobody will read is drained for a moment, then the line is cut. */
const reply = (request: IncomingMessage, response: ServerResponse, answer: DeskAnswer): void => {
  if (response.destroyed) return
  const isWhole = request.complete
  const body = Buffer.from(answer.body)
  response.writeHead(answer.status, {
    ...answer.headers,
    ...(answer.status === 204 ? {} : { 'content-length': String(body.length) }),
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    ...(isWhole ? {} : { connection: 'close' }),
  })
  response.end(answer.status === 204 ? undefined : body)
  if (isWhole) return
  let drained = 0
  const { socket } = request
  const timer = setTimeout(() => socket.destroy(), DRAIN_MS)
  const done = (): void => {
    clearTimeout(timer)
    socket.destroy()
  }
  request.on('data', (chunk: Buffer) => {
    drained += chunk.length
    if (drained > DRAIN_BYTES) done()
  })
  request.once('end', () => clearTimeout(timer))
  request.once('error', done)
  request.resume()
}

const isLocal = (address: string): boolean => /^(::ffff:)?127\.|^::1$/.test(address)

/** Refuses connections of an address that has too many. */
const createGate = (): ((socket: Socket) => void) => {
  const open = new Map<string, number>()
  return (socket) => {
    const address = socket.remoteAddress ?? ''
    if (isLocal(address)) return
    const count = (open.get(address) ?? 0) + 1
    open.set(address, count)
    socket.once('close', () => {
      const left = (open.get(address) ?? 1) - 1
      if (left > 0) open.set(address, left)
      else open.delete(address)
    })
    if (count > CONNECTIONS_EACH) socket.destroy()
  }
}

/**
 * Serves a desk over HTTP: heads and bodies have limits of size and time, and so has the number of connections.
 * @throws TocsinError `port.in_use`, `port.unusable`
 */
export const serveDesk = async (options: {
  readonly desk: Desk
  readonly host: string
  readonly port: number
  readonly log: Logger
}): Promise<{ readonly url: string; readonly stop: () => Promise<void> }> => {
  const { desk, host, port, log } = options
  const server = createServer(
    {
      headersTimeout: HEAD_LIMIT_MS,
      requestTimeout: HEAD_LIMIT_MS + BODY_LIMIT_MS + 2_000,
      connectionsCheckingInterval: 1_000,
      keepAliveTimeout: 5_000,
      maxHeaderSize: 16_384,
    },
    (request, response) => {
      desk
        .take({
          method: request.method ?? '',
          target: request.url ?? '',
          headers: headersOf(request),
          remote: request.socket.remoteAddress ?? '',
          readBody: (maxBytes) => readBody(request, maxBytes),
        })
        .then((answer) => reply(request, response, answer))
        .catch((error: unknown) => {
          log.error({ error: messageOf(error) }, 'A delivery could not be answered.')
          response.destroy()
        })
    },
  )
  server.maxConnections = CONNECTIONS
  server.on('connection', createGate())
  server.on('clientError', (_, socket) => {
    if (socket.writable) socket.end('HTTP/1.1 400 Bad Request\r\nconnection: close\r\n\r\n')
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, resolve)
  }).catch((cause: unknown) => {
    throw portError(cause, { host, port, what: 'the intake', setting: 'intake.port' })
  })
  const address = server.address()
  const bound = address && typeof address === 'object' ? address.port : port
  const shown = host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host
  return {
    url: `http://${shown.includes(':') ? `[${shown}]` : shown}:${bound}`,
    stop: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

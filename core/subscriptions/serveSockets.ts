import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { type WebSocket, WebSocketServer } from 'ws'
import { createLoop, messageOf, sleep } from '../base/index.ts'
import type { Logger } from '../telemetry/index.ts'
import type { OpenStream, StreamItem, Streams } from './createStreams.ts'
import { parseStreamQuery } from './parseQuery.ts'

type OnUpgrade = (request: IncomingMessage, socket: Duplex, head: Buffer) => void
/** A server of HTTP, as far as it hands over connections. */
type Upgrading = {
  readonly on: (event: 'upgrade', listener: OnUpgrade) => unknown
  readonly off: (event: 'upgrade', listener: OnUpgrade) => unknown
}

/** What may wait in a connection whose reader is slow (bytes). */
const READY_BYTES = 1_048_576
/** A connection that answers no ping for so long is dead (ms). */
const PING_MS = 15_000

const encode = (item: StreamItem): string => {
  switch (item.kind) {
    case 'event':
      return item.body
    case 'gap':
      return JSON.stringify({ type: 'gap', asked: item.asked, seq: item.seq })
    case 'position':
      return JSON.stringify({ type: 'position', seq: item.seq })
  }
}

const refuse = (socket: Duplex, status: string): void => {
  socket.end(`HTTP/1.1 ${status}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n`)
}

/** Sends what a stream yields, never ahead of the reader; one that takes nothing for `stallMs` is cut off. */
const pump = async (socket: WebSocket, stream: OpenStream, stallMs: number): Promise<void> => {
  for await (const items of stream.items) {
    for (const item of items) socket.send(encode(item))
    const since = Date.now()
    while (socket.bufferedAmount > READY_BYTES && socket.readyState === socket.OPEN) {
      if (Date.now() - since > stallMs) {
        socket.terminate()
        return
      }
      await sleep(50)
    }
    if (socket.readyState !== socket.OPEN) return
  }
  socket.close(1001, 'Tocsin is going down')
}

/**
 * Takes WebSocket connections of stream readers on a server at `path`. Returns how to let go of them.
 * `isOwnHost` judges the Host header as the rest of the server does.
 */
export const serveSockets = (options: {
  readonly server: Upgrading
  readonly path: string
  readonly streams: Streams
  readonly log: Logger
  readonly isOwnHost: (host: string | undefined) => boolean
  /** Default: 30000. */
  readonly stallMs?: number
}): (() => void) => {
  const { server, streams, log } = options
  const sockets = new WebSocketServer({
    noServer: true,
    maxPayload: 1_024,
    perMessageDeflate: false,
  })
  const serve = async (socket: WebSocket, stream: OpenStream): Promise<void> => {
    let alive = true
    const ping = async (): Promise<void> => {
      if (!alive) return socket.terminate()
      alive = false
      socket.ping()
    }
    const pinging = createLoop(ping, { pauseMs: PING_MS, onError: () => socket.terminate() })
    socket.on('pong', () => {
      alive = true
    })
    // What a reader says is nobody's business here.
    socket.on('message', () => undefined)
    socket.on('error', () => socket.terminate())
    socket.once('close', () => {
      void pinging.stop()
      stream.close()
    })
    await pump(socket, stream, options.stallMs ?? 30_000)
  }
  const upgrade = async (request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> => {
    const url = new URL(request.url ?? '/', 'http://localhost')
    if (url.pathname !== options.path) return refuse(socket, '404 Not Found')
    if (!options.isOwnHost(request.headers.host)) return refuse(socket, '421 Misdirected Request')
    const reader = streams.readerOf(request.headers.authorization)
    if (!reader) return refuse(socket, '401 Unauthorized')
    const lastEventId = request.headers['last-event-id']
    const query = parseStreamQuery(
      url.searchParams,
      typeof lastEventId === 'string' ? lastEventId : undefined,
    )
    if ('problem' in query) return refuse(socket, '400 Bad Request')
    const stream = await streams.open(reader, query)
    if (!stream) return refuse(socket, '429 Too Many Requests')
    socket.once('close', stream.close)
    sockets.handleUpgrade(request, socket, head, (accepted) => {
      serve(accepted, stream).catch((error: unknown) => {
        log.warn({ error: messageOf(error) }, 'A stream broke off.')
        accepted.terminate()
      })
    })
  }
  const onUpgrade: OnUpgrade = (request, socket, head) => {
    socket.on('error', () => socket.destroy())
    upgrade(request, socket, head).catch((error: unknown) => {
      log.warn({ error: messageOf(error) }, 'A connection was not taken.')
      refuse(socket, '503 Service Unavailable')
    })
  }
  server.on('upgrade', onUpgrade)
  return () => {
    server.off('upgrade', onUpgrade)
    for (const socket of sockets.clients) socket.terminate()
    sockets.close()
  }
}

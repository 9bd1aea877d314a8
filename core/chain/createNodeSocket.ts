import { WebSocket } from 'ws'
import { backoffMs, messageOf, TocsinError } from '../base/index.ts'

/** One connection of a node socket, until it is lost. */
export type NodeConnection = {
  readonly send: (id: number, method: string, params: readonly unknown[]) => void
  /** What was asked for has come: the time for that no longer runs. */
  readonly settle: () => void
  /** Ends it and connects anew, after a back-off unless another time is given (ms). */
  readonly lose: (reason: string, againAfterMs?: number) => void
}

export type NodeSocket = {
  /** Ends the connection in hand, if there is one, and connects anew. */
  readonly drop: (reason: string) => void
  /** The back-off begins anew. */
  readonly steady: () => void
  readonly stop: () => void
}

const HANDSHAKE_MS = 5_000
const MAX_MESSAGE_BYTES = 4 * 2 ** 20

/** A WebSocket to a node that speaks JSON-RPC; connects again, with back-off, whenever it is lost. */
export const createNodeSocket = (options: {
  readonly url: string
  /** Of the errors that `onError` is told. */
  readonly errorCode: string
  /** When it was not settled in time: a server that accepts and then says nothing is as good as none. */
  readonly lateReason: string
  readonly onOpen: (connection: NodeConnection) => void
  /** A message, parsed; what it throws loses the connection. */
  readonly onMessage: (connection: NodeConnection, message: unknown) => void
  readonly onLost: (reason: string) => void
  readonly onError: (error: unknown) => void
}): NodeSocket => {
  let current: NodeConnection | undefined
  let timer: NodeJS.Timeout | undefined
  let isStopped = false
  let attempts = 0

  const connect = (): void => {
    if (isStopped) return
    const socket = new WebSocket(options.url, {
      handshakeTimeout: HANDSHAKE_MS,
      maxPayload: MAX_MESSAGE_BYTES,
      perMessageDeflate: false,
    })
    const lose = (reason: string, againAfterMs?: number): void => {
      if (current !== connection) return
      current = undefined
      clearTimeout(timer)
      socket.removeAllListeners()
      socket.on('error', () => undefined)
      socket.terminate()
      options.onLost(reason)
      if (isStopped) return
      options.onError(new TocsinError(options.errorCode, reason))
      timer = setTimeout(connect, againAfterMs ?? backoffMs(attempts++, 250, 30_000))
    }
    const connection: NodeConnection = {
      send: (id, method, params) =>
        socket.send(JSON.stringify({ jsonrpc: '2.0', id, method, params })),
      settle: () => clearTimeout(timer),
      lose,
    }
    current = connection
    timer = setTimeout(() => lose(options.lateReason), 2 * HANDSHAKE_MS)
    socket.on('open', () => options.onOpen(connection))
    socket.on('message', (data) => {
      try {
        options.onMessage(connection, JSON.parse(data.toString()))
      } catch (error) {
        lose(`The WebSocket sent what cannot be read: ${messageOf(error)}`)
      }
    })
    socket.on('close', (code) => lose(`The WebSocket was closed (${code}).`))
    socket.on('error', (error) => lose(`The WebSocket failed: ${messageOf(error)}`))
  }
  connect()

  return {
    drop: (reason) => current?.lose(reason),
    steady: () => {
      attempts = 0
    },
    stop: () => {
      isStopped = true
      clearTimeout(timer)
      current?.lose('stopped')
    },
  }
}

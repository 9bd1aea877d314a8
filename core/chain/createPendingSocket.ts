import { WebSocket } from 'ws'
import { backoffMs, messageOf, TocsinError } from '../base/index.ts'
import { isRawRecord } from './parseRpc.ts'

export type PendingSocket = {
  readonly isLive: () => boolean
  readonly stop: () => void
}

const HANDSHAKE_MS = 5_000
const MAX_MESSAGE_BYTES = 4 * 2 ** 20
/** A node that offers no pending transactions is asked again after so long (ms). */
const REFUSED_MS = 300_000
const [CHAIN, BODIES, HASHES] = [1, 2, 3]

const ask = (id: number, method: string, params: readonly unknown[]): string =>
  JSON.stringify({ jsonrpc: '2.0', id, method, params })

/**
 * Hears of pending transactions over a WebSocket: whole ones where the node gives them, else their hashes. Connects
 * again, with back-off, whenever it is lost.
 */
export const createPendingSocket = (options: {
  readonly url: string
  readonly chainId: number
  /** A whole transaction, or its hash. */
  readonly onPending: (pending: unknown) => void
  readonly onError: (error: unknown) => void
}): PendingSocket => {
  let socket: WebSocket | undefined
  let timer: NodeJS.Timeout | undefined
  let isStopped = false
  let isLive = false
  let attempts = 0

  const lose = (from: WebSocket, reason: string, againAfterMs?: number): void => {
    if (socket !== from) return
    socket = undefined
    isLive = false
    clearTimeout(timer)
    from.removeAllListeners()
    from.on('error', () => undefined)
    from.terminate()
    if (isStopped) return
    options.onError(new TocsinError('rpc.pending_socket', reason))
    timer = setTimeout(connect, againAfterMs ?? backoffMs(attempts++, 250, 30_000))
  }

  const receive = (from: WebSocket, data: string): void => {
    const message: unknown = JSON.parse(data)
    if (!isRawRecord(message)) return
    if (isLive) {
      const params = message['params']
      if (message['method'] === 'eth_subscription' && isRawRecord(params))
        options.onPending(params['result'])
      return
    }
    const isRefused = isRawRecord(message['error'])
    switch (message['id']) {
      case CHAIN:
        if (Number(message['result']) === options.chainId)
          from.send(ask(BODIES, 'eth_subscribe', ['newPendingTransactions', true]))
        else lose(from, 'The WebSocket serves another chain.', REFUSED_MS)
        return
      case BODIES:
        if (isRefused) {
          from.send(ask(HASHES, 'eth_subscribe', ['newPendingTransactions']))
          return
        }
        break
      case HASHES:
        if (!isRefused) break
        lose(from, 'The WebSocket offers no pending transactions.', REFUSED_MS)
        return
      default:
        return
    }
    clearTimeout(timer)
    isLive = true
    attempts = 0
  }

  const connect = (): void => {
    if (isStopped) return
    const next = new WebSocket(options.url, {
      handshakeTimeout: HANDSHAKE_MS,
      maxPayload: MAX_MESSAGE_BYTES,
      perMessageDeflate: false,
    })
    socket = next
    timer = setTimeout(
      () => lose(next, 'The WebSocket did not subscribe to pending transactions in time.'),
      2 * HANDSHAKE_MS,
    )
    next.on('open', () => next.send(ask(CHAIN, 'eth_chainId', [])))
    next.on('message', (data) => {
      try {
        receive(next, data.toString())
      } catch (error) {
        lose(next, `The WebSocket sent what cannot be read: ${messageOf(error)}`)
      }
    })
    next.on('close', (code) => lose(next, `The WebSocket was closed (${code}).`))
    next.on('error', (error) => lose(next, `The WebSocket failed: ${messageOf(error)}`))
  }
  connect()

  return {
    isLive: () => isLive,
    stop: () => {
      isStopped = true
      clearTimeout(timer)
      if (socket) lose(socket, 'stopped')
    },
  }
}

import { createNodeSocket, type NodeConnection } from './createNodeSocket.ts'
import { isRawRecord } from './parseRpc.ts'

export type PendingSocket = {
  readonly isLive: () => boolean
  readonly stop: () => void
}

/** A node that offers no pending transactions is asked again after so long (ms). */
const REFUSED_MS = 300_000
const [CHAIN, BODIES, HASHES] = [1, 2, 3]

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
  let isLive = false

  const receive = (connection: NodeConnection, message: unknown): void => {
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
          connection.send(BODIES, 'eth_subscribe', ['newPendingTransactions', true])
        else connection.lose('The WebSocket serves another chain.', REFUSED_MS)
        return
      case BODIES:
        if (isRefused) {
          connection.send(HASHES, 'eth_subscribe', ['newPendingTransactions'])
          return
        }
        break
      case HASHES:
        if (!isRefused) break
        connection.lose('The WebSocket offers no pending transactions.', REFUSED_MS)
        return
      default:
        return
    }
    connection.settle()
    isLive = true
    socket.steady()
  }

  const socket = createNodeSocket({
    url: options.url,
    errorCode: 'rpc.pending_socket',
    lateReason: 'The WebSocket did not subscribe to pending transactions in time.',
    onOpen: (connection) => connection.send(CHAIN, 'eth_chainId', []),
    onMessage: receive,
    onLost: () => {
      isLive = false
    },
    onError: options.onError,
  })
  return { isLive: () => isLive, stop: socket.stop }
}

import { type Hex, messageOf } from '../base/index.ts'
import { createNodeSocket, type NodeConnection } from './createNodeSocket.ts'
import { isRawRecord, parseHash, parseInteger } from './parseRpc.ts'

export type Head = { readonly number: number; readonly hash: Hex; readonly parentHash: Hex }

export type HeadSocket = {
  /** Subscribed and not under suspicion. */
  readonly isLive: () => boolean
  /** Time (performance.now) of the last sign of life, and the last head heard. */
  readonly lastAtMs: () => number
  readonly lastHead: () => Head | undefined
  /** What is wrong; undefined when live. */
  readonly problem: () => string | undefined
  /** Closes the connection (it hangs, or lies) and connects anew after a back-off. */
  readonly drop: (reason: string) => void
  readonly stop: () => Promise<void>
}

/** Hears of new heads over a WebSocket; connects again, with back-off, whenever it is lost. The chain id is checked on each connection. */
export const createHeadSocket = (options: {
  readonly url: string
  readonly chainId: number
  readonly onHead: (head: Head) => void
  /** Called after each successful subscription: heads may have passed unheard. */
  readonly onLive: () => void
  readonly onWrongChain: (reason: string) => void
  readonly onError: (error: unknown) => void
}): HeadSocket => {
  let live = false
  let lastAt = performance.now()
  let head: Head | undefined
  let problem: string | undefined = 'The WebSocket is connecting.'

  const readHead = (raw: unknown): Head => {
    const record = isRawRecord(raw) ? raw : {}
    return {
      number: parseInteger(record['number'], 'block number'),
      hash: parseHash(record['hash'], 'block hash'),
      parentHash: parseHash(record['parentHash'], 'parent hash'),
    }
  }

  const receive = (connection: NodeConnection, message: unknown): void => {
    if (!isRawRecord(message)) return
    if (isRawRecord(message['error'])) {
      const text = messageOf(message['error']['message']).slice(0, 200)
      connection.lose(`The WebSocket refused: ${text}`)
      return
    }
    if (message['id'] === 1) {
      const found = Number(message['result'])
      if (found !== options.chainId) {
        const reason = `The WebSocket serves chain ${Number.isNaN(found) ? '(no answer)' : found}, not ${options.chainId}.`
        options.onWrongChain(reason)
        connection.lose(reason)
        return
      }
      connection.send(2, 'eth_subscribe', ['newHeads'])
      return
    }
    if (message['id'] === 2) {
      connection.settle()
      live = true
      problem = undefined
      lastAt = performance.now()
      options.onLive()
      return
    }
    const params = message['params']
    if (!live || message['method'] !== 'eth_subscription' || !isRawRecord(params)) return
    head = readHead(params['result'])
    lastAt = performance.now()
    socket.steady()
    options.onHead(head)
  }

  const socket = createNodeSocket({
    url: options.url,
    errorCode: 'rpc.socket',
    lateReason: 'The WebSocket did not subscribe in time.',
    onOpen: (connection) => connection.send(1, 'eth_chainId', []),
    onMessage: receive,
    onLost: (reason) => {
      live = false
      problem = reason
    },
    onError: options.onError,
  })

  return {
    isLive: () => live,
    lastAtMs: () => lastAt,
    lastHead: () => head,
    problem: () => problem,
    drop: socket.drop,
    stop: async () => socket.stop(),
  }
}

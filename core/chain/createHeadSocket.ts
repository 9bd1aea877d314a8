import { WebSocket } from 'ws'
import { backoffMs, type Hex, messageOf, TocsinError } from '../base/index.ts'
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

const HANDSHAKE_MS = 5_000
const MAX_MESSAGE_BYTES = 4 * 2 ** 20

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
  let socket: WebSocket | undefined
  let timer: NodeJS.Timeout | undefined
  let stopped = false
  let live = false
  let attempts = 0
  let lastAt = performance.now()
  let head: Head | undefined
  let problem: string | undefined = 'The WebSocket is connecting.'

  const lose = (from: WebSocket, reason: string): void => {
    if (socket !== from) return
    socket = undefined
    live = false
    problem = reason
    clearTimeout(timer)
    from.removeAllListeners()
    from.on('error', () => undefined)
    from.terminate()
    if (stopped) return
    options.onError(new TocsinError('rpc.socket', reason))
    timer = setTimeout(connect, backoffMs(attempts++, 250, 30_000))
  }

  const readHead = (raw: unknown): Head => {
    const record = isRawRecord(raw) ? raw : {}
    return {
      number: parseInteger(record['number'], 'block number'),
      hash: parseHash(record['hash'], 'block hash'),
      parentHash: parseHash(record['parentHash'], 'parent hash'),
    }
  }

  const receive = (from: WebSocket, data: string): void => {
    const message: unknown = JSON.parse(data)
    if (!isRawRecord(message)) return
    if (isRawRecord(message['error'])) {
      const text = messageOf(message['error']['message']).slice(0, 200)
      lose(from, `The WebSocket refused: ${text}`)
      return
    }
    if (message['id'] === 1) {
      const found = Number(message['result'])
      if (found !== options.chainId) {
        const reason = `The WebSocket serves chain ${Number.isNaN(found) ? '(no answer)' : found}, not ${options.chainId}.`
        options.onWrongChain(reason)
        lose(from, reason)
        return
      }
      from.send('{"jsonrpc":"2.0","id":2,"method":"eth_subscribe","params":["newHeads"]}')
      return
    }
    if (message['id'] === 2) {
      clearTimeout(timer)
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
    attempts = 0
    options.onHead(head)
  }

  const connect = (): void => {
    if (stopped) return
    const next = new WebSocket(options.url, {
      handshakeTimeout: HANDSHAKE_MS,
      maxPayload: MAX_MESSAGE_BYTES,
      perMessageDeflate: false,
    })
    socket = next
    // Covers the subscription too: a server that accepts and then says nothing is as good as none.
    timer = setTimeout(
      () => lose(next, 'The WebSocket did not subscribe in time.'),
      2 * HANDSHAKE_MS,
    )
    next.on('open', () => next.send('{"jsonrpc":"2.0","id":1,"method":"eth_chainId","params":[]}'))
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
    isLive: () => live,
    lastAtMs: () => lastAt,
    lastHead: () => head,
    problem: () => problem,
    drop: (reason) => {
      if (socket) lose(socket, reason)
    },
    stop: async () => {
      stopped = true
      clearTimeout(timer)
      if (socket) lose(socket, 'stopped')
    },
  }
}

import { createServer, type ServerResponse } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'
import { type RawData, WebSocket, WebSocketServer } from 'ws'
import { createFaultBook, type Fault, type FaultBook, type FaultCall } from './faultRules.ts'

export type { Fault, FaultCall, FaultRule } from './faultRules.ts'

export type FaultProxy = {
  readonly url: string
  readonly wsUrl: string
  /** Adds a rule; gives back how often it struck and a way to remove it. */
  readonly addFault: FaultBook['add']
  readonly clearFaults: () => void
  /** Added to every HTTP exchange (ms). */
  readonly setLatencyMs: (ms: number) => void
  /** Serves the chain as a provider that is so many blocks behind. */
  readonly setLagBlocks: (blocks: number) => void
  /** Forwards to another node from now on (HTTP, and new WebSockets). */
  readonly setUpstream: (upstream: { readonly url: string; readonly wsUrl: string }) => void
  /** Cuts every WebSocket. */
  readonly dropSockets: () => void
  /** Open WebSockets stay open and silent. */
  readonly hangSockets: () => void
  /** Refuses new WebSockets while true. */
  readonly refuseSockets: (refuse: boolean) => void
  readonly openSockets: () => number
  /** HTTP exchanges and JSON-RPC calls per method (`ws:` before those over WebSocket) since the last `takeCounts`. */
  readonly counts: () => {
    readonly requests: number
    readonly calls: Readonly<Record<string, number>>
  }
  readonly takeCounts: FaultProxy['counts']
  readonly stop: () => Promise<void>
}

type Answer = Record<string, unknown>

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const parseCall = (raw: unknown): FaultCall => {
  if (!isRecord(raw)) throw new Error('not a JSON-RPC call')
  const { id, method, params } = raw
  return {
    id: typeof id === 'number' || typeof id === 'string' ? id : null,
    method: String(method),
    params: Array.isArray(params) ? params : [],
  }
}

/** Block number that a result speaks of: a block, a receipt, or a list of receipts. */
const numberOf = (result: unknown): number => {
  const first: unknown = Array.isArray(result) ? result[0] : result
  if (!isRecord(first)) return -1
  const number = first['blockNumber'] ?? first['number']
  return typeof number === 'string' ? Number(number) : -1
}

const tamper = (answer: Answer, call: FaultCall, fault: Fault | undefined): Answer => {
  switch (fault?.kind) {
    case 'error': {
      const { code, message, data } = fault
      return {
        jsonrpc: '2.0',
        id: call.id,
        error: { code, message, ...(data === undefined ? {} : { data }) },
      }
    }
    case 'null':
      return { jsonrpc: '2.0', id: call.id, result: null }
    case 'map':
      return 'result' in answer ? { ...answer, result: fault.map(answer['result'], call) } : answer
    default:
      return answer
  }
}

/** A JSON-RPC node behind bad weather: forwards HTTP and WebSocket to a real node, with faults by rule. */
export const startFaultProxy = async (options: {
  readonly url: string
  readonly wsUrl: string
  readonly latencyMs?: number
}): Promise<FaultProxy> => {
  const book = createFaultBook()
  let upstream: { readonly url: string; readonly wsUrl: string } = options
  let latencyMs = options.latencyMs ?? 0
  let lagBlocks = 0
  let refusing = false
  let requests = 0
  let calls: Record<string, number> = {}
  const pairs = new Set<{ readonly client: WebSocket; readonly node: WebSocket; silent: boolean }>()
  const count = (method: string): void => {
    calls[method] = (calls[method] ?? 0) + 1
  }

  const post = async (body: unknown): Promise<unknown> => {
    const response = await fetch(upstream.url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
    return response.json()
  }

  const toRequest = (call: FaultCall, limit: number | undefined): Record<string, unknown> => {
    const params =
      limit === undefined
        ? call.params
        : call.params.map((p) => (p === 'latest' ? `0x${limit.toString(16)}` : p))
    return { jsonrpc: '2.0', ...call, params }
  }

  const forward = async (list: readonly FaultCall[]): Promise<Answer[]> => {
    let limit: number | undefined
    if (lagBlocks > 0) {
      const head = await post({ jsonrpc: '2.0', id: 0, method: 'eth_blockNumber', params: [] })
      limit = Math.max(0, Number(isRecord(head) ? head['result'] : 0) - lagBlocks)
    }
    const sent = list.map((call) => toRequest(call, limit))
    const raw = await post(sent.length === 1 ? sent[0] : sent)
    const answers = (Array.isArray(raw) ? raw : [raw]).filter(isRecord)
    const ceiling = limit
    if (ceiling === undefined) return answers
    return answers.map((answer) => {
      const call = list.find(({ id }) => id === answer['id'])
      if (call?.method === 'eth_blockNumber')
        return { ...answer, result: `0x${ceiling.toString(16)}` }
      return numberOf(answer['result']) > ceiling ? { ...answer, result: null } : answer
    })
  }

  const serve = async (body: string, response: ServerResponse): Promise<void> => {
    requests++
    const raw: unknown = JSON.parse(body)
    const list = (Array.isArray(raw) ? raw : [raw]).map(parseCall)
    for (const call of list) count(call.method)
    const { transport, of: faults } = book.strike(list)
    if (latencyMs > 0) await delay(latencyMs)
    switch (transport?.kind) {
      case 'hang':
        return
      case 'reset':
        response.destroy()
        return
      case 'http':
        response.writeHead(transport.status, transport.headers).end(transport.body ?? '')
        return
      case 'delay':
        await delay(transport.ms)
        break
      default:
    }
    const answers = (await forward(list)).map((answer) => {
      const call = list.find(({ id }) => id === answer['id'])
      return call ? tamper(answer, call, faults.get(call)) : answer
    })
    const text = JSON.stringify(Array.isArray(raw) ? answers : answers[0])
    response
      .writeHead(200, { 'content-type': 'application/json' })
      .end(transport?.kind === 'truncate' ? text.slice(0, Math.floor(text.length / 2)) : text)
  }

  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      serve(Buffer.concat(chunks).toString(), response).catch((error: unknown) => {
        if (!response.headersSent) response.writeHead(502)
        response.end(String(error))
      })
    })
  })
  server.keepAliveTimeout = 30_000

  const sockets = new WebSocketServer({ noServer: true })
  const join = (client: WebSocket): void => {
    const node = new WebSocket(upstream.wsUrl)
    const pair = { client, node, silent: false }
    pairs.add(pair)
    const waiting: string[] = []
    const asked = new Map<unknown, FaultCall>()
    const end = (): void => {
      pairs.delete(pair)
      client.terminate()
      node.terminate()
    }
    client.on('message', (data: RawData) => {
      const call = parseCall(JSON.parse(data.toString()))
      count(`ws:${call.method}`)
      asked.set(call.id, call)
      if (node.readyState === WebSocket.OPEN) node.send(data.toString())
      else waiting.push(data.toString())
    })
    node.on('open', () => {
      for (const text of waiting.splice(0)) node.send(text)
    })
    node.on('message', (data: RawData) => {
      const message: unknown = JSON.parse(data.toString())
      const call = isRecord(message) ? asked.get(message['id']) : undefined
      if (pair.silent || (lagBlocks > 0 && call === undefined)) return
      const shown =
        call && isRecord(message)
          ? tamper(message, call, book.strike([call]).of.get(call))
          : message
      client.send(JSON.stringify(shown))
    })
    for (const socket of [client, node]) {
      socket.on('close', end)
      socket.on('error', end)
    }
  }
  server.on('upgrade', (request, socket, head) => {
    if (refusing) {
      socket.end('HTTP/1.1 503 Service Unavailable\r\n\r\n')
      return
    }
    sockets.handleUpgrade(request, socket, head, join)
  })

  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  const port = address && typeof address === 'object' ? address.port : 0
  const dropSockets = (): void => {
    for (const { client, node } of pairs) {
      client.terminate()
      node.terminate()
    }
  }
  return {
    url: `http://127.0.0.1:${port}`,
    wsUrl: `ws://127.0.0.1:${port}`,
    addFault: book.add,
    clearFaults: book.clear,
    setLatencyMs: (ms) => {
      latencyMs = ms
    },
    setLagBlocks: (blocks) => {
      lagBlocks = blocks
    },
    setUpstream: (next) => {
      upstream = next
    },
    dropSockets,
    hangSockets: () => {
      for (const pair of pairs) pair.silent = true
    },
    refuseSockets: (refuse) => {
      refusing = refuse
    },
    openSockets: () => pairs.size,
    counts: () => ({ requests, calls: { ...calls } }),
    takeCounts: () => {
      const taken = { requests, calls }
      requests = 0
      calls = {}
      return taken
    },
    stop: () =>
      new Promise((resolve) => {
        dropSockets()
        sockets.close()
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

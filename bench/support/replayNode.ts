import { createServer } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'
import { type LogFilter, recordLogs } from './recordLogs.ts'

type Call = {
  readonly id: number | string
  readonly method: string
  readonly params?: readonly unknown[]
}
export type ReplayNode = {
  readonly url: string
  /** Added to every HTTP request (ms). */
  setLatencyMs: (ms: number) => void
  /** HTTP requests and JSON-RPC calls since the last look. */
  readonly takeCounts: () => {
    readonly requests: number
    readonly calls: number
    readonly misses: number
  }
  readonly stop: () => Promise<void>
}

/**
 * A stand-in for an archive node: answers from what it recorded of a real one, so that both sides of a comparison
 * are served equally fast and the node's own work is not measured.
 */
export const startReplayNode = async (
  upstream: string,
  options: {
    /** All logs up to this block are recorded at the start, and served for any range. */
    readonly logsUpTo?: number
  } = {},
): Promise<ReplayNode> => {
  const recorded = new Map<string, string>()
  let latencyMs = 0
  let counts = { requests: 0, calls: 0, misses: 0 }

  const forward = async (
    method: string,
    params: readonly unknown[],
  ): Promise<Record<string, unknown>> => {
    const response = await fetch(upstream, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }),
    })
    return (await response.json()) as Record<string, unknown>
  }

  /** What the real node answers, asked once: all of the answer behind its id. */
  const record = async (method: string, params: readonly unknown[]): Promise<string> => {
    const key = JSON.stringify([method, params])
    const known = recorded.get(key)
    if (known !== undefined) return known
    counts.misses++
    const fresh = await forward(method, params)
    const body = JSON.stringify(
      'error' in fresh ? { error: fresh['error'] } : { result: fresh['result'] },
    ).slice(1)
    recorded.set(key, body)
    return body
  }

  const readLogs = async (toBlock: number) => {
    const range = { fromBlock: '0x0', toBlock: `0x${toBlock.toString(16)}` }
    return recordLogs((await forward('eth_getLogs', [range]))['result'] as never)
  }
  const logsIn = options.logsUpTo === undefined ? undefined : await readLogs(options.logsUpTo)

  const answer = async (call: Call): Promise<string> => {
    counts.calls++
    const params = call.params ?? []
    if (logsIn && call.method === 'eth_getLogs')
      return `{"jsonrpc":"2.0","id":${JSON.stringify(call.id)},"result":${logsIn(params[0] as LogFilter)}}`
    return `{"jsonrpc":"2.0","id":${JSON.stringify(call.id)},${await record(call.method, params)}`
  }

  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const serve = async (): Promise<void> => {
        counts.requests++
        const body = JSON.parse(Buffer.concat(chunks).toString()) as Call | Call[]
        const [text] = await Promise.all([
          Array.isArray(body)
            ? Promise.all(body.map(answer)).then((all) => `[${all.join(',')}]`)
            : answer(body),
          latencyMs > 0 ? delay(latencyMs) : undefined,
        ])
        response.writeHead(200, { 'content-type': 'application/json' }).end(text)
      }
      serve().catch((error: unknown) => response.writeHead(500).end(String(error)))
    })
  })
  server.keepAliveTimeout = 30_000
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  const port = address && typeof address === 'object' ? address.port : 0
  return {
    url: `http://127.0.0.1:${port}`,
    setLatencyMs: (ms) => {
      latencyMs = ms
    },
    takeCounts: () => {
      const taken = counts
      counts = { requests: 0, calls: 0, misses: 0 }
      return taken
    },
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

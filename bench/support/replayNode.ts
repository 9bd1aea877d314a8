import { createServer } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'
import { type LogFilter, recordLogs } from './recordLogs.ts'

type Call = {
  readonly id: number | string
  readonly method: string
  readonly params?: readonly unknown[]
}
type GethCall = {
  readonly type: string
  readonly from: string
  readonly to?: string
  readonly input: string
  readonly output?: string
  readonly value?: string
  readonly gas: string
  readonly gasUsed: string
  readonly error?: string
  readonly calls?: readonly GethCall[]
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

/** A call tree as geth's callTracer gives it, in Parity's flat shape (what `trace_block` answers). */
const toParity = (
  root: GethCall,
  txHash: string,
  position: number,
  block: { hash: string; number: number },
): unknown[] => {
  const flat: unknown[] = []
  const walk = (call: GethCall, path: readonly number[]): void => {
    const isCreate = call.type.startsWith('CREATE')
    flat.push({
      action: isCreate
        ? { from: call.from, value: call.value ?? '0x0', gas: call.gas, init: call.input }
        : {
            callType: call.type.toLowerCase(),
            from: call.from,
            to: call.to,
            value: call.value ?? '0x0',
            gas: call.gas,
            input: call.input,
          },
      ...(call.error ? { error: call.error } : {}),
      result: call.error
        ? null
        : isCreate
          ? { address: call.to, code: call.output ?? '0x', gasUsed: call.gasUsed }
          : { gasUsed: call.gasUsed, output: call.output ?? '0x' },
      subtraces: call.calls?.length ?? 0,
      traceAddress: path,
      transactionHash: txHash,
      transactionPosition: position,
      type: isCreate ? 'create' : 'call',
      blockHash: block.hash,
      blockNumber: block.number,
    })
    for (const [index, child] of (call.calls ?? []).entries()) walk(child, [...path, index])
  }
  walk(root, [])
  return flat
}

/**
 * A stand-in for an archive node: answers from what it recorded of a real one, so that both sides of a comparison
 * are served equally fast and the node's own work is not measured. `trace_block`, which anvil lacks, is made from its call traces.
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

  const traceBlock = async (number: string): Promise<Record<string, unknown>> => {
    const block = (await forward('eth_getBlockByNumber', [number, false]))['result'] as {
      hash: string
      number: string
      transactions: string[]
    }
    // The same recording as for who asks by the other method: anvil needs long for each.
    const body = await record('debug_traceBlockByHash', [block.hash, { tracer: 'callTracer' }])
    const roots = (JSON.parse(`{${body}`) as Record<string, unknown>)['result'] as {
      txHash?: string
      result: GethCall
    }[]
    return {
      result: roots.flatMap((root, index) =>
        toParity(root.result, block.transactions[index] ?? '', index, {
          hash: block.hash,
          number: Number(block.number),
        }),
      ),
    }
  }

  /** What the real node answers, asked once: all of the answer behind its id. */
  const record = async (method: string, params: readonly unknown[]): Promise<string> => {
    const key = JSON.stringify([method, params])
    const known = recorded.get(key)
    if (known !== undefined) return known
    counts.misses++
    const fresh =
      method === 'trace_block' ? await traceBlock(String(params[0])) : await forward(method, params)
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

import { WebSocket } from 'ws'
import { redactUrl, withTimeout } from '../../base/index.ts'
import { createProbeClient, reasonOf } from './probeClient.ts'

export type EndpointReport = {
  readonly chain: string
  /** Name of the endpoint in the watchlist. */
  readonly name: string
  /** Redacted. */
  readonly url: string
  readonly chainId: number | undefined
  /** Newest block, when the endpoint told it. */
  readonly block: number | undefined
  readonly latencyMs: number | undefined
  /** Why it does not serve; empty when it does. */
  readonly reason: string
}

const askWebSocket = (
  url: string,
  signal: AbortSignal,
): Promise<{ chainId: number; block: number }> =>
  new Promise((resolve, reject) => {
    const socket = new WebSocket(url, { maxPayload: 1_000_000, perMessageDeflate: false })
    const answers = new Map<number, number>()
    const end = (error?: Error): void => {
      socket.removeAllListeners()
      // A socket that is torn down while it connects still complains once.
      socket.on('error', () => undefined)
      socket.terminate()
      if (error) reject(error)
    }
    signal.addEventListener('abort', () => end(new Error('no answer in time')), { once: true })
    socket.on('error', (error) => end(error))
    socket.on('close', () => end(new Error('the connection was closed')))
    socket.on('open', () => {
      for (const [index, method] of ['eth_chainId', 'eth_blockNumber'].entries())
        socket.send(JSON.stringify({ jsonrpc: '2.0', id: index + 1, method, params: [] }))
    })
    socket.on('message', (data) => {
      try {
        const body: unknown = JSON.parse(String(data))
        const { id, result } = body as { readonly id?: unknown; readonly result?: unknown }
        if (typeof id !== 'number') return
        if (typeof result !== 'string' || !/^0x[0-9a-f]{1,13}$/i.test(result))
          return end(new Error('it answered an error'))
        answers.set(id, Number(result))
      } catch {
        return end(new Error('it does not speak JSON-RPC'))
      }
      const [chainId, block] = [answers.get(1), answers.get(2)]
      if (chainId === undefined || block === undefined) return
      end()
      resolve({ chainId, block })
    })
  })

const askHttp = async (
  url: string,
  timeoutMs: number,
): Promise<{ chainId: number; block: number }> => {
  const client = createProbeClient(url, timeoutMs)
  const [chainId, block] = await Promise.all([
    client.getChainId(),
    client.getBlockNumber({ cacheTime: 0 }),
  ])
  return { chainId, block: Number(block) }
}

/** Asks an endpoint, HTTP or WebSocket, for its chain id and newest block. Never throws. */
export const probeEndpoint = async (
  target: { readonly chain: string; readonly name: string; readonly url: string },
  timeoutMs: number,
): Promise<EndpointReport> => {
  const { chain, name, url } = target
  const startedMs = performance.now()
  const base = { chain, name, url: redactUrl(url) }
  try {
    const answer = await withTimeout(
      (signal) => (url.startsWith('ws') ? askWebSocket(url, signal) : askHttp(url, timeoutMs)),
      timeoutMs,
      'The endpoint',
    )
    return { ...base, ...answer, latencyMs: Math.round(performance.now() - startedMs), reason: '' }
  } catch (error) {
    return {
      ...base,
      chainId: undefined,
      block: undefined,
      latencyMs: undefined,
      reason: reasonOf(error),
    }
  }
}

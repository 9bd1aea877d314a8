import { setMaxListeners } from 'node:events'
import { backoffMs, sleep, TocsinError } from '../base/index.ts'
import { createEndpoint } from './createEndpoint.ts'
import type {
  Endpoint,
  RequestOptions,
  RpcCall,
  RpcOutcome,
  RpcPool,
  RpcPoolOptions,
} from './rpcTypes.ts'

/** Endpoints this close to the best score share the load where a request allows it. */
const LIKE_SCORE = 0.6

type Won = { readonly outcomes: readonly RpcOutcome[] }

const checkUrl = (name: string, url: string | undefined): void => {
  if (url === undefined || URL.canParse(url)) return
  throw new TocsinError('rpc.bad_url', `The address of RPC endpoint ${name} is no URL.`, {
    hints: ['Correct `rpc` of this chain, or the secret that holds its address.'],
  })
}

/**
 * JSON-RPC over one or more endpoints of a chain: each checked for its chain id before use, the best asked first, a
 * second one asked when the first is slower than usual, and transient failures retried elsewhere and later.
 */
export const createRpcPool = (options: RpcPoolOptions): RpcPool => {
  const { chainId, chainName } = options
  const stopping = new AbortController()
  // One listener per request in flight.
  setMaxListeners(0, stopping.signal)
  let turn = 0
  for (const { name, http, ws } of options.endpoints) {
    checkUrl(name, http)
    checkUrl(name, ws)
  }
  const endpoints: readonly Endpoint[] = options.endpoints.map((endpoint) =>
    createEndpoint({
      name: endpoint.name,
      http: endpoint.http,
      ws: endpoint.ws,
      chainId,
      timeoutMs: options.timeoutMs ?? 8_000,
      maxBytes: options.maxBytes ?? 64 * 2 ** 20,
      bestHead: () => bestHead(),
      onError: (name, error) => options.onError?.(name, error),
      onRequest: (sample) => options.metrics?.onRequest({ chainName, ...sample }),
    }),
  )
  if (endpoints.length === 0)
    throw new TocsinError('rpc.no_endpoint', `Chain ${chainName} has no RPC endpoint.`, {
      hints: ['Add one under `chains` in the watchlist.'],
    })
  const bestHead = (): number | undefined => {
    let best: number | undefined
    for (const endpoint of endpoints) {
      const head = endpoint.isUsable() ? endpoint.head() : undefined
      if (head !== undefined && (best === undefined || head.number > best)) best = head.number
    }
    return best
  }

  /** Best first; those that asked for a rest or lack the method come last. */
  const rank = (calls: readonly RpcCall[], request: RequestOptions): readonly Endpoint[] => {
    const now = performance.now()
    const ranked = endpoints
      .filter((endpoint) => !endpoint.isExcluded() && (request.among?.has(endpoint.name) ?? true))
      .map((endpoint) => ({
        endpoint,
        score:
          endpoint.score() *
          (endpoint.coolUntilMs() > now ? 0.01 : 1) *
          (calls.some(({ method }) => endpoint.lacks(method)) ? 0.001 : 1),
      }))
      .sort((a, b) => b.score - a.score)
    const best = ranked[0]
    if (request.spread && best) {
      const alike = ranked.filter(({ score }) => score >= best.score * LIKE_SCORE).length
      const moved = ranked.splice(turn++ % alike, 1)
      ranked.unshift(...moved)
    }
    return ranked.map(({ endpoint }) => endpoint)
  }

  /** One endpoint's usable outcomes; throws what made them unusable. */
  const ask = async (
    endpoint: Endpoint,
    calls: readonly RpcCall[],
    request: RequestOptions,
    signal: AbortSignal,
  ): Promise<Won> => {
    const outcomes = await endpoint.send(calls, {
      ...(request.timeoutMs === undefined ? {} : { timeoutMs: request.timeoutMs }),
      signal,
    })
    if (
      endpoints.length > 1 &&
      outcomes.some((outcome) => !outcome.ok && outcome.error.code === -32601)
    ) {
      const isLast = endpoints.every(
        (other) => other.isExcluded() || calls.some(({ method }) => other.lacks(method)),
      )
      if (!isLast)
        throw new TocsinError('rpc.method_missing', 'The node does not offer this method.')
    }
    const reason = await request.refuse?.(outcomes)
    if (reason === undefined) return { outcomes }
    if (!signal.aborted) endpoint.refuse(reason)
    throw new TocsinError('rpc.refused', reason)
  }

  /** Asks the ranked endpoints, the next one as soon as the last failed or is slow; the first usable answer wins. */
  const race = (
    ranked: readonly Endpoint[],
    calls: readonly RpcCall[],
    request: RequestOptions,
  ): Promise<Won> =>
    new Promise((resolve, reject) => {
      const losing = new AbortController()
      const { signal } = losing
      const giveUp = (): void => losing.abort()
      const outside = request.signal ? [request.signal, stopping.signal] : [stopping.signal]
      for (const other of outside) other.addEventListener('abort', giveUp)
      const end = (act: () => void): void => {
        isOver = true
        clearTimeout(timer)
        for (const other of outside) other.removeEventListener('abort', giveUp)
        // Nobody is left to be called off in most cases, and calling off costs an error with its stack.
        if (running > 0) losing.abort()
        act()
      }
      let next = 0
      let running = 0
      let isOver = false
      let timer: NodeJS.Timeout | undefined
      const method =
        calls.length === 1 ? (calls[0]?.method ?? '') : `batch:${calls[0]?.method ?? ''}`
      const start = (): void => {
        clearTimeout(timer)
        const endpoint = ranked[next++]
        if (endpoint === undefined || isOver) return
        running++
        if (next < ranked.length) timer = setTimeout(start, endpoint.hedgeAfterMs(method))
        ask(endpoint, calls, request, signal).then(
          (won) => {
            running--
            if (!isOver) end(() => resolve(won))
          },
          (error: unknown) => {
            running--
            if (isOver) return
            if (next < ranked.length && !signal.aborted) return start()
            if (running === 0) end(() => reject(error))
          },
        )
      }
      start()
    })

  const batch = async (
    calls: readonly RpcCall[],
    request: RequestOptions = {},
  ): Promise<readonly RpcOutcome[]> => {
    if (calls.length === 0) return []
    const rounds = request.rounds ?? 4
    let cause: unknown
    for (let round = 0; round < rounds; round++) {
      if (stopping.signal.aborted) throw new TocsinError('rpc.stopped', 'The RPC pool was stopped.')
      if (request.signal?.aborted) throw new TocsinError('rpc.aborted', 'The request was given up.')
      const ranked = rank(calls, request)
      if (ranked.length === 0)
        throw new TocsinError(
          'rpc.chain_mismatch',
          `No endpoint of ${chainName} serves chain ${chainId}.`,
          {
            hints: ['Correct `rpc` of this chain in the watchlist.'],
            retry: { afterMs: 5_000 },
          },
        )
      const restMs =
        Math.min(...ranked.map((endpoint) => endpoint.coolUntilMs())) - performance.now()
      if (restMs > 0) await sleep(restMs, request.signal)
      try {
        return (await race(ranked, calls, request)).outcomes
      } catch (error) {
        cause = error
      }
      if (round + 1 < rounds) await sleep(backoffMs(round, 50, 2_000), request.signal)
    }
    if (cause instanceof TocsinError && cause.code === 'rpc.chain_mismatch') throw cause
    const what = [...new Set(calls.map(({ method }) => method))].join(', ')
    const reason = cause instanceof TocsinError ? cause.message : 'unknown failure'
    throw new TocsinError('rpc.unavailable', `${what} cannot be had from ${chainName}: ${reason}`, {
      cause,
      retry: { afterMs: 500 },
      hints: ['`tocsin status` shows every endpoint with its last error.'],
    })
  }

  return {
    chainId,
    chainName,
    endpoints,
    batch,
    request: async (method, params, request = {}) => {
      const { refuse, ...rest } = request
      const outcomes = await batch([{ method, params }], {
        ...rest,
        ...(refuse === undefined
          ? {}
          : { refuse: ([first]) => (first?.ok ? refuse(first.result) : undefined) }),
      })
      const [outcome] = outcomes
      if (outcome?.ok) return outcome.result
      const error = outcome?.error
      throw new TocsinError(
        error?.code === -32601 ? 'rpc.method_missing' : 'rpc.rejected',
        `${method}: ${error?.message ?? 'no answer'} (${error?.code ?? 0})`,
      )
    },
    health: () => endpoints.map((endpoint) => endpoint.health()),
    stop: async () => {
      stopping.abort()
      for (const endpoint of endpoints) endpoint.stop()
    },
  }
}

import { createLoop, type Hex, messageOf, TocsinError } from '../base/index.ts'
import { createPendingSocket } from './createPendingSocket.ts'
import { type PendingTransaction, parsePending } from './parsePending.ts'
import type { Endpoint, RpcPool } from './rpcTypes.ts'

export type PendingFeed = {
  /** Ways on which transactions are heard of now. */
  readonly sources: () => number
  /** Hashes that were told and never looked at, for there were too many. */
  readonly missed: () => number
  /** A transaction that was seen may come back: after a reorg. */
  readonly forgetSeen: () => void
  readonly stop: () => Promise<void>
}

/** Of the last so many hashes it is known that they were seen. */
const KEPT_SEEN = 20_000
/** Hashes of one endpoint that wait to be asked for; the oldest go first. */
const MAX_WAITING = 2_000
const BATCH = 50
const FETCH_MS = 2_000
/** A node that offers no filter is asked again after so long (ms). */
const NO_FILTER_MS = 60_000

const clockMs = (): number => performance.timeOrigin + performance.now()
const isHash = (value: unknown): value is Hex =>
  typeof value === 'string' && /^0x[0-9a-f]{64}$/i.test(value)

/** A poll of `eth_newPendingTransactionFilter`, at one endpoint: the filter lives there. */
const createFilterPoll = (options: {
  readonly endpoint: Endpoint
  readonly pollMs: number
  readonly isNeeded: () => boolean
  readonly onHash: (hash: unknown) => void
  readonly onError: (error: unknown) => void
}) => {
  const { endpoint } = options
  let filter: unknown
  let notBefore = 0
  const ask = async (method: string, params: readonly unknown[]): Promise<unknown> => {
    const [outcome] = await endpoint.send([{ method, params }], { timeoutMs: FETCH_MS })
    if (outcome?.ok) return outcome.result
    throw new TocsinError('rpc.no_filter', outcome?.error.message ?? 'No answer.')
  }
  const turn = async (): Promise<void> => {
    // What the filter has gathered when a WebSocket takes over is fetched a last time.
    const isLast = !options.isNeeded()
    if ((isLast && filter === undefined) || performance.now() < notBefore) return
    try {
      if (filter === undefined) {
        filter = await ask('eth_newPendingTransactionFilter', [])
        return
      }
      const hashes = await ask('eth_getFilterChanges', [filter])
      if (Array.isArray(hashes)) for (const hash of hashes) options.onHash(hash)
      if (isLast) filter = undefined
    } catch (error) {
      // Nodes forget filters; one that never had any is left alone for a while.
      notBefore = performance.now() + (filter === undefined ? NO_FILTER_MS : 0)
      filter = undefined
      options.onError(error)
    }
  }
  const loop = createLoop(turn, { pauseMs: options.pollMs, onError: options.onError })
  return { isLive: () => filter !== undefined && options.isNeeded(), stop: loop.stop }
}

/** Whole transactions for hashes, some at a time, from the endpoint that told them. */
const createBodies = (
  endpoint: Endpoint,
  take: (raw: unknown, seenAtMs: number) => void,
  onError: (error: unknown) => void,
) => {
  const waiting: { readonly hash: Hex; readonly seenAtMs: number }[] = []
  let isFetching = false
  let missed = 0
  const fetch = async (): Promise<void> => {
    isFetching = true
    while (waiting.length > 0) {
      const batch = waiting.splice(0, BATCH)
      try {
        const calls = batch.map(({ hash }) => ({
          method: 'eth_getTransactionByHash',
          params: [hash],
        }))
        const outcomes = await endpoint.send(calls, { timeoutMs: FETCH_MS })
        for (const [index, outcome] of outcomes.entries())
          if (outcome.ok) take(outcome.result, batch[index]?.seenAtMs ?? clockMs())
      } catch (error) {
        missed += batch.length
        onError(error)
      }
    }
    isFetching = false
  }
  return {
    missed: () => missed,
    add: (hash: Hex): void => {
      waiting.push({ hash, seenAtMs: clockMs() })
      if (waiting.length > MAX_WAITING) {
        waiting.shift()
        missed++
      }
      if (!isFetching) setImmediate(() => void (isFetching || fetch()))
    },
  }
}

/**
 * Transactions that are not mined yet, each once, as the endpoints tell of them: by WebSocket, whole or by hash, and by
 * a polled filter where an endpoint has no WebSocket or its WebSocket does not offer them.
 */
export const createPendingFeed = (options: {
  readonly pool: RpcPool
  readonly pollMs: number
  readonly onTransaction: (tx: PendingTransaction) => void
  readonly onError: (error: unknown) => void
}): PendingFeed => {
  const { pool, onError } = options
  const seen = new Set<string>()
  const isFresh = (hash: string): boolean => {
    const key = hash.toLowerCase()
    if (seen.has(key)) return false
    seen.add(key)
    if (seen.size > KEPT_SEEN)
      for (const oldest of seen) {
        seen.delete(oldest)
        break
      }
    return true
  }
  const take = (raw: unknown, seenAtMs: number): void => {
    try {
      const tx = parsePending(raw, seenAtMs)
      if (tx) options.onTransaction(tx)
    } catch (error) {
      onError(error)
    }
  }
  const sources = pool.endpoints.map((endpoint) => {
    const bodies = createBodies(endpoint, take, onError)
    const onPending = (pending: unknown): void => {
      if (isHash(pending)) {
        if (isFresh(pending)) bodies.add(pending)
        return
      }
      const hash = typeof pending === 'object' && pending && 'hash' in pending && pending.hash
      if (isHash(hash) && isFresh(hash)) take(pending, clockMs())
    }
    const socket = endpoint.wsUrl
      ? createPendingSocket({
          url: endpoint.wsUrl,
          chainId: pool.chainId,
          onPending,
          onError: (error) => onError(`${endpoint.name}: ${messageOf(error)}`),
        })
      : undefined
    const poll = createFilterPoll({
      endpoint,
      pollMs: options.pollMs,
      isNeeded: () => !socket?.isLive(),
      onHash: onPending,
      onError,
    })
    return {
      isLive: () => (socket?.isLive() ?? false) || poll.isLive(),
      missed: bodies.missed,
      stop: async (): Promise<void> => {
        socket?.stop()
        await poll.stop()
      },
    }
  })
  return {
    sources: () => sources.filter((source) => source.isLive()).length,
    missed: () => sources.reduce((sum, source) => sum + source.missed(), 0),
    forgetSeen: () => seen.clear(),
    stop: async () => {
      await Promise.all(sources.map((source) => source.stop()))
    },
  }
}

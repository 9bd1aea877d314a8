import { setMaxListeners } from 'node:events'
import { backoffMs, type Hex, isTocsinError, messageOf, sleep } from '../base/index.ts'
import { createHeadSocket, type Head, type HeadSocket } from './createHeadSocket.ts'
import { type ParsedHeader, parseHeader } from './parseRpc.ts'
import type { Endpoint, RpcPool } from './rpcTypes.ts'

/** What one endpoint says of the newest blocks. */
export type EndpointView = {
  readonly name: string
  readonly score: number
  readonly head: Head
  /** Hash that this endpoint has at a height; undefined when it was not heard. */
  readonly hashAt: (number: number) => Hex | undefined
}

export type HeadTracker = {
  /** Endpoints that serve this chain, answer, and have told a head. */
  readonly views: () => readonly EndpointView[]
  /** When a hash was first heard (ms since the epoch, fractional). */
  readonly seenAtMs: (hash: Hex) => number | undefined
  /** Header with transaction hashes, when a poll brought it. */
  readonly header: (hash: Hex) => ParsedHeader | undefined
  /** Resolves at the next news, or after `ms`. */
  readonly news: (ms: number) => Promise<void>
  /** Ends a wait for news. */
  readonly wake: () => void
  /** WebSockets that are configured but down, one sentence each. */
  readonly problems: () => readonly string[]
  /** Time (performance.now) at which any endpoint last answered a poll or sent a head. */
  readonly heardAtMs: () => number
  readonly stop: () => Promise<void>
}

const KEPT_HEIGHTS = 256
const KEPT_HASHES = 512
const nowMs = (): number => performance.timeOrigin + performance.now()

/** Follows the head of every endpoint of a pool: WebSocket where there is one, polls beside it always. */
export const createHeadTracker = (options: {
  readonly pool: RpcPool
  readonly pollMs: number
  readonly blockTimeMs: number
  /** Called in the moment a hash is first heard. */
  readonly onHead: (head: Head, seenAtMs: number) => void
  readonly onError: (endpoint: string, error: unknown) => void
}): HeadTracker => {
  const { pool, blockTimeMs } = options
  const stopping = new AbortController()
  // One listener per request in flight.
  setMaxListeners(0, stopping.signal)
  const seen = new Map<Hex, number>()
  const headers = new Map<Hex, ParsedHeader>()
  const trackers: {
    readonly endpoint: Endpoint
    readonly heights: Map<number, Hex>
    readonly socket: HeadSocket | undefined
    head: Head | undefined
  }[] = []
  let heardAt = performance.now()
  let waiting: (() => void)[] = []
  let hasNews = false
  const hungMs = Math.max(3 * blockTimeMs, 5_000)

  const announce = (): void => {
    hasNews = true
    for (const resolve of waiting.splice(0)) resolve()
  }
  const trim = (map: Map<unknown, unknown>, size: number): void => {
    for (const key of map.keys()) {
      if (map.size <= size) return
      map.delete(key)
    }
  }

  const note = (tracker: (typeof trackers)[number], head: Head): void => {
    heardAt = performance.now()
    const { heights } = tracker
    const isChange = tracker.head?.hash !== head.hash
    if (isChange) {
      for (let above = tracker.head?.number ?? 0; above > head.number; above--)
        heights.delete(above)
      // What lay below on another branch is no longer this endpoint's opinion.
      if (heights.get(head.number - 1) !== head.parentHash) heights.clear()
      heights.set(head.number - 1, head.parentHash)
      heights.set(head.number, head.hash)
      trim(heights, KEPT_HEIGHTS)
      tracker.head = head
      tracker.endpoint.noteHead(head)
    }
    if (!seen.has(head.hash)) {
      const at = nowMs()
      seen.set(head.hash, at)
      trim(seen, KEPT_HASHES)
      options.onHead(head, at)
    }
    if (isChange) announce()
  }

  const poll = async (tracker: (typeof trackers)[number]): Promise<void> => {
    const { endpoint, socket } = tracker
    const [outcome] = await endpoint.send(
      [{ method: 'eth_getBlockByNumber', params: ['latest', false] }],
      { timeoutMs: Math.max(1_500, Math.min(blockTimeMs, 5_000)), signal: stopping.signal },
    )
    if (!outcome?.ok || outcome.result === null) {
      const reason = outcome?.ok ? 'The node gave no latest block.' : (outcome?.error.message ?? '')
      return endpoint.refuse(reason)
    }
    const header = parseHeader(outcome.result, pool.chainId)
    if (!headers.has(header.hash)) {
      headers.set(header.hash, header)
      trim(headers, 8)
    }
    note(tracker, header)
    const heardBySocket = socket?.lastHead()
    if (
      socket?.isLive() &&
      heardBySocket?.hash !== header.hash &&
      header.number > (heardBySocket?.number ?? -1) &&
      performance.now() - socket.lastAtMs() > hungMs
    )
      socket.drop('The WebSocket hung: blocks came that it did not tell of.')
  }

  const pauseMs = (tracker: (typeof trackers)[number], failures: number): number => {
    const { socket, head, endpoint } = tracker
    const restMs = endpoint.coolUntilMs() - performance.now()
    if (failures > 0)
      return Math.max(restMs, options.pollMs, backoffMs(failures, options.pollMs, 5_000))
    const keepsUp = socket?.isLive() && (socket.lastHead()?.number ?? -1) >= (head?.number ?? 0)
    return Math.max(restMs, keepsUp ? 2 * blockTimeMs : options.pollMs)
  }

  const wakes = new Map<string, AbortController>()
  const follow = async (tracker: (typeof trackers)[number]): Promise<void> => {
    let failures = 0
    while (!stopping.signal.aborted) {
      try {
        await poll(tracker)
        failures = 0
      } catch (error) {
        failures++
        // The endpoint noted its own failures; an answer that cannot be read is noted here.
        if (isTocsinError(error) && error.code === 'chain.malformed')
          tracker.endpoint.refuse(error.message)
      }
      const wake = new AbortController()
      wakes.set(tracker.endpoint.name, wake)
      if (!stopping.signal.aborted) await sleep(pauseMs(tracker, failures), wake.signal)
    }
  }

  for (const endpoint of pool.endpoints) {
    const socket =
      endpoint.wsUrl === undefined
        ? undefined
        : createHeadSocket({
            url: endpoint.wsUrl,
            chainId: pool.chainId,
            onHead: (head) => note(tracker, head),
            onLive: () => wakes.get(endpoint.name)?.abort(),
            onWrongChain: (reason) => endpoint.exclude(reason),
            onError: (error) => {
              wakes.get(endpoint.name)?.abort()
              options.onError(endpoint.name, error)
            },
          })
    const tracker: (typeof trackers)[number] = {
      endpoint,
      heights: new Map(),
      socket,
      head: undefined,
    }
    trackers.push(tracker)
  }
  const running = trackers.map((tracker) => follow(tracker))

  return {
    views: () =>
      trackers.flatMap(({ endpoint, head, heights }) =>
        head === undefined || !endpoint.isUsable()
          ? []
          : [
              {
                name: endpoint.name,
                score: endpoint.score(),
                head,
                hashAt: (number: number) => heights.get(number),
              },
            ],
      ),
    seenAtMs: (hash) => seen.get(hash),
    header: (hash) => headers.get(hash),
    news: async (ms) => {
      if (!hasNews && !stopping.signal.aborted)
        await new Promise<void>((resolve) => {
          const done = (): void => {
            clearTimeout(timer)
            waiting = waiting.filter((other) => other !== done)
            resolve()
          }
          const timer = setTimeout(done, ms)
          waiting.push(done)
        })
      hasNews = false
    },
    wake: announce,
    problems: () =>
      trackers.flatMap(({ endpoint, socket }) => {
        const problem = socket?.problem()
        return problem === undefined ? [] : [`${endpoint.name}: ${messageOf(problem)}`]
      }),
    heardAtMs: () => heardAt,
    stop: async () => {
      stopping.abort()
      for (const wake of wakes.values()) wake.abort()
      announce()
      await Promise.all([...running, ...trackers.map(({ socket }) => socket?.stop())])
    },
  }
}

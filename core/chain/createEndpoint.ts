import { messageOf, redactUrl, TocsinError } from '../base/index.ts'
import { createJsonPoster } from './postJson.ts'
import { readAnswer } from './readAnswer.ts'
import type {
  Endpoint,
  EndpointHead,
  RpcCall,
  RpcOutcome,
  RpcSample,
  SendOptions,
} from './rpcTypes.ts'

/** A wrong chain id is looked at again after this long (ms). */
const RECHECK_MS = 30_000
/** How long a past error stays in health (ms). */
const ERROR_SHOWN_MS = 60_000
/** A method that the node does not offer is tried again after this long (ms). */
const MISSING_MS = 300_000
const LAG_BLOCKS = 3
const MAX_CALLS_PER_EXCHANGE = 200
/** How often the failed calls of a batch are asked for again before the whole counts as failed. */
const REASKS = 3

export type EndpointOptions = {
  readonly name: string
  readonly http: string
  readonly ws: string | undefined
  readonly chainId: number
  readonly timeoutMs: number
  readonly maxBytes: number
  /** Highest head of all endpoints. */
  readonly bestHead: () => number | undefined
  readonly onError: (endpoint: string, error: unknown) => void
  readonly onRequest: (sample: Omit<RpcSample, 'chainName'>) => void
}

type Timing = { mean: number; deviation: number }

export const createEndpoint = (options: EndpointOptions): Endpoint => {
  const { name, chainId } = options
  let verified: 'unknown' | 'right' | 'wrong' = 'unknown'
  let checkedAt = 0
  let verifying: Promise<void> | undefined
  let takesBatches = true
  let head: EndpointHead | undefined
  let latencyMs: number | undefined
  let errorRate = 0
  let failuresInARow = 0
  let lastError: { text: string; at: number } | undefined
  let coolUntil = 0
  const missing = new Map<string, number>()
  const timings = new Map<string, Timing>()
  const poster = createJsonPoster(options.http, {
    maxBytes: options.maxBytes,
    // What answers next may be another node.
    onDisconnect: () => {
      if (verified === 'right') verified = 'unknown'
    },
  })

  const fail = (error: unknown): void => {
    errorRate += 0.2 * (1 - errorRate)
    failuresInARow++
    lastError = { text: messageOf(error), at: performance.now() }
    const code = error instanceof Error && 'code' in error ? error.code : undefined
    if (error instanceof TocsinError && error.retry)
      coolUntil = performance.now() + error.retry.afterMs
    else if (code === 'rpc.rate_limited')
      coolUntil = performance.now() + Math.min(250 * 2 ** Math.min(failuresInARow, 7), 30_000)
    options.onError(name, error)
  }

  const succeed = (method: string, durationMs: number): void => {
    errorRate *= 0.8
    failuresInARow = 0
    latencyMs = latencyMs === undefined ? durationMs : latencyMs + 0.2 * (durationMs - latencyMs)
    const timing = timings.get(method)
    if (timing === undefined) timings.set(method, { mean: durationMs, deviation: durationMs / 2 })
    else {
      timing.deviation += 0.2 * (Math.abs(durationMs - timing.mean) - timing.deviation)
      timing.mean += 0.2 * (durationMs - timing.mean)
    }
  }

  const exchange = async (
    calls: readonly RpcCall[],
    send: SendOptions,
  ): Promise<readonly (RpcOutcome | TocsinError)[]> => {
    const started = performance.now()
    const first = calls[0]
    const method = calls.length === 1 && first ? first.method : `batch:${first?.method ?? ''}`
    const bodies = calls.map(
      (call, id) =>
        `{"jsonrpc":"2.0","id":${id},"method":"${call.method}","params":${JSON.stringify(call.params)}}`,
    )
    let ok = false
    try {
      const answer = await poster.post(
        calls.length === 1 ? (bodies[0] ?? '') : `[${bodies.join(',')}]`,
        {
          timeoutMs: send.timeoutMs ?? options.timeoutMs,
          signal: send.signal,
        },
      )
      const outcomes = readAnswer(answer, calls)
      for (const [index, outcome] of outcomes.entries()) {
        const called = calls[index]
        if (outcome instanceof TocsinError || outcome.ok || !called) continue
        if (outcome.error.code === -32601)
          missing.set(called.method, performance.now() + MISSING_MS)
      }
      const failed = outcomes.find((outcome) => outcome instanceof TocsinError)
      if (failed && outcomes.every((outcome) => outcome instanceof TocsinError)) throw failed
      ok = failed === undefined
      if (failed) fail(failed)
      else succeed(method, performance.now() - started)
      return outcomes
    } catch (error) {
      const code = error instanceof TocsinError ? error.code : ''
      if (code === 'rpc.network' || code === 'timeout')
        verified = verified === 'wrong' ? 'wrong' : 'unknown'
      if (code !== 'rpc.aborted' && code !== 'rpc.no_batch') fail(error)
      throw error
    } finally {
      options.onRequest({
        endpoint: name,
        method,
        calls: calls.length,
        durationMs: performance.now() - started,
        ok,
      })
    }
  }

  /**
   * A node that fails some calls of a batch is asked for these again, without the others: a batch that is long enough
   * would never come through whole.
   */
  const exchangeAll = async (
    calls: readonly RpcCall[],
    sending: SendOptions,
  ): Promise<readonly RpcOutcome[]> => {
    const outcomes: RpcOutcome[] = []
    let open = [...calls.keys()]
    for (let attempt = 0; ; attempt++) {
      const asked = attempt === 0 ? calls : open.flatMap((index) => calls[index] ?? [])
      const answers = await exchange(asked, sending)
      const left: number[] = []
      let failure: TocsinError | undefined
      for (const [place, index] of open.entries()) {
        const answer = answers[place]
        if (answer instanceof TocsinError) {
          failure ??= answer
          left.push(index)
        } else if (answer) outcomes[index] = answer
      }
      if (failure === undefined) return outcomes
      if (attempt === REASKS) throw failure
      open = left
    }
  }

  const exclude = (reason: string): void => {
    verified = 'wrong'
    checkedAt = performance.now()
    lastError = { text: reason, at: Number.POSITIVE_INFINITY }
  }

  const verify = async (): Promise<void> => {
    const [outcome] = await exchangeAll([{ method: 'eth_chainId', params: [] }], {
      timeoutMs: Math.min(options.timeoutMs, 5_000),
    })
    const found = outcome?.ok ? Number(outcome.result) : Number.NaN
    if (found === chainId) {
      if (verified === 'wrong') lastError = undefined
      verified = 'right'
      return
    }
    const reason = `The endpoint serves chain ${Number.isNaN(found) ? '(no answer)' : found}, not ${chainId}.`
    exclude(reason)
    throw new TocsinError('rpc.chain_mismatch', reason, {
      hints: ['Correct `rpc` of this chain in the watchlist.'],
    })
  }

  const ready = async (): Promise<void> => {
    if (verified === 'right') return
    if (verified === 'wrong' && performance.now() - checkedAt < RECHECK_MS)
      throw new TocsinError(
        'rpc.chain_mismatch',
        lastError?.text ?? 'The endpoint serves another chain.',
      )
    verifying ??= verify().finally(() => {
      verifying = undefined
    })
    await verifying
  }

  const send = async (
    calls: readonly RpcCall[],
    sending: SendOptions = {},
  ): Promise<readonly RpcOutcome[]> => {
    await ready()
    if (calls.length > MAX_CALLS_PER_EXCHANGE) {
      const parts: (readonly RpcOutcome[])[] = []
      for (let at = 0; at < calls.length; at += MAX_CALLS_PER_EXCHANGE)
        parts.push(await send(calls.slice(at, at + MAX_CALLS_PER_EXCHANGE), sending))
      return parts.flat()
    }
    if (calls.length > 1 && !takesBatches)
      return (await Promise.all(calls.map((call) => exchangeAll([call], sending)))).flat()
    try {
      return await exchangeAll(calls, sending)
    } catch (error) {
      if (!(error instanceof TocsinError) || error.code !== 'rpc.no_batch') throw error
      takesBatches = false
      return send(calls, sending)
    }
  }

  const lag = (): number =>
    Math.max(0, (options.bestHead() ?? 0) - (head?.number ?? options.bestHead() ?? 0))
  const isUsable = (): boolean => verified !== 'wrong' && failuresInARow < 3
  const score = (): number =>
    verified === 'wrong' ? 0 : (1 - errorRate) / (1 + (latencyMs ?? 50) / 200) / (1 + lag())

  return {
    name,
    redactedUrl: redactUrl(options.http),
    wsUrl: options.ws,
    send,
    noteHead: (next) => {
      head = next
    },
    refuse: (reason) => fail(new TocsinError('rpc.refused', reason)),
    exclude,
    lacks: (method) => (missing.get(method) ?? 0) > performance.now(),
    isUsable,
    isExcluded: () => verified === 'wrong' && performance.now() - checkedAt < RECHECK_MS,
    coolUntilMs: () => coolUntil,
    head: () => head,
    score,
    hedgeAfterMs: (method) => {
      const timing = timings.get(method)
      if (timing === undefined) return 1_000
      return Math.min(Math.max(timing.mean + 4 * timing.deviation, 40), options.timeoutMs / 2)
    },
    health: () => {
      const isLagging = lag() > LAG_BLOCKS
      const shown =
        lastError && performance.now() - lastError.at < ERROR_SHOWN_MS ? lastError.text : undefined
      return {
        name,
        url: redactUrl(options.http),
        score: Math.round(score() * 1_000) / 1_000,
        head: head?.number,
        ok: isUsable() && !isLagging,
        lastError: isLagging && verified !== 'wrong' ? `${lag()} blocks behind the others.` : shown,
        latencyMs: latencyMs === undefined ? undefined : Math.round(latencyMs * 10) / 10,
      }
    },
    stop: () => poster.stop(),
  }
}

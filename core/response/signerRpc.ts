import { http } from 'viem'
import { type Hex, messageOf, redactUrl, sleep, TocsinError } from '../base/index.ts'

export type RpcAnswer =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly code: number; readonly message: string; readonly data: Hex }

export type EndpointHealth = {
  readonly name: string
  readonly url: string
  readonly ok: boolean
  readonly lastError: string | undefined
}

/** The signer's own way to one chain. Several endpoints: the second is asked when the first is slow or fails. */
export type SignerRpc = {
  readonly chainId: number
  /** A JSON-RPC error about the request itself is an answer; throws `rpc.unreachable` when no endpoint answers. */
  readonly ask: (method: string, params: readonly unknown[]) => Promise<RpcAnswer>
  /** The value, or throws `rpc.error`. */
  readonly get: (method: string, params: readonly unknown[]) => Promise<unknown>
  /** The same to every endpoint at once; one answer per endpoint, in their order. */
  readonly askEach: (method: string, params: readonly unknown[]) => readonly Promise<RpcAnswer>[]
  readonly health: () => readonly EndpointHealth[]
}

/** What the signer asks of its endpoints, each by its place in the list: `signer-1`, `signer-2`, … */
export type SignerRpcHooks = {
  readonly onRequest: (endpoint: string, durationMs: number) => void
  readonly onError: (endpoint: string, error: unknown) => void
}

type Endpoint = {
  readonly name: string
  readonly url: string
  readonly ask: (method: string, params: readonly unknown[]) => Promise<RpcAnswer>
  readonly state: { ok: boolean; lastError: string | undefined; verified: boolean }
}

const TIMEOUT_MS = 3_000
const HEDGE_MS = 250
const MAX_MESSAGE = 300
/**
 * These travel alone. A batch is answered when its slowest call is: what goes out must not wait for it, nor what another
 * question hangs on.
 */
const ALONE: readonly string[] = ['eth_sendRawTransaction', 'eth_getTransactionByHash']

/** Errors which say that the endpoint cannot serve now, rather than what the chain says. */
const isEndpointFault = (code: number, message: string): boolean =>
  code === -32_005 ||
  code === -32_603 ||
  code === -32_002 ||
  /rate limit|too many requests|header not found|unavailable/i.test(message)

const readData = (error: object): Hex => {
  const data: unknown = 'data' in error ? error.data : undefined
  return typeof data === 'string' && /^0x[0-9a-fA-F]*$/.test(data) ? (data as Hex) : '0x'
}

const readRpcError = (error: unknown): RpcAnswer | undefined => {
  let current: unknown = error
  for (let depth = 0; depth < 6 && typeof current === 'object' && current !== null; depth++) {
    if ('name' in current && current.name === 'RpcRequestError' && 'code' in current) {
      const details: unknown = 'details' in current ? current.details : undefined
      return {
        ok: false,
        code: Number(current.code),
        message: String(details ?? '').slice(0, MAX_MESSAGE),
        data: readData(current),
      }
    }
    current = 'cause' in current ? current.cause : undefined
  }
  return undefined
}

const createEndpoint = (
  name: string,
  url: string,
  chainId: number,
  hooks: SignerRpcHooks | undefined,
): Endpoint => {
  if (!/^https?:/.test(url))
    throw new TocsinError(
      'signer.endpoint',
      `The signer speaks HTTP; ${redactUrl(url)} is not an http(s) endpoint.`,
      {
        hints: ['Name http:// or https:// endpoints in `signer.rpc`.'],
        exitCode: 2,
      },
    )
  const options = { chain: undefined, retryCount: 0, timeout: TIMEOUT_MS }
  const batched = http(url, {
    batch: { batchSize: 40, wait: 0 },
    retryCount: 0,
    timeout: TIMEOUT_MS,
  })(options)
  const single = http(url, { retryCount: 0, timeout: TIMEOUT_MS })(options)
  const state: Endpoint['state'] = { ok: true, lastError: undefined, verified: false }
  let canBatch = true
  const send = async (method: string, params: readonly unknown[]): Promise<RpcAnswer> => {
    const isBatched = canBatch && !ALONE.includes(method)
    try {
      const transport = isBatched ? batched : single
      return { ok: true, value: await transport.request({ method, params }) }
    } catch (error) {
      const answer = readRpcError(error)
      if (answer) return answer
      if (!isBatched) throw error
      // Some providers refuse batches: from now on one by one.
      const value: unknown = await single
        .request({ method, params })
        .catch((second: unknown) => readRpcError(second) ?? Promise.reject(second))
      canBatch = false
      return typeof value === 'object' && value !== null && 'ok' in value
        ? (value as RpcAnswer)
        : { ok: true, value }
    }
  }
  const verify = async (): Promise<void> => {
    if (state.verified) return
    const answer = await send('eth_chainId', [])
    if (!answer.ok || Number(answer.value) !== chainId)
      throw new TocsinError(
        'rpc.chain_mismatch',
        `${redactUrl(url)} does not serve chain ${chainId}.`,
      )
    state.verified = true
  }
  const ask: Endpoint['ask'] = async (method, params) => {
    const began = performance.now()
    try {
      await verify()
      const answer = await send(method, params)
      if (!answer.ok && isEndpointFault(answer.code, answer.message)) {
        state.ok = false
        state.lastError = answer.message
        hooks?.onError(name, new TocsinError('rpc.endpoint_fault', answer.message))
        return answer
      }
      state.ok = true
      state.lastError = undefined
      return answer
    } catch (error) {
      state.ok = false
      state.lastError = messageOf(error).split('\n')[0]?.slice(0, MAX_MESSAGE)
      hooks?.onError(name, error)
      throw error
    } finally {
      hooks?.onRequest(name, performance.now() - began)
    }
  }
  return { name, url: redactUrl(url), ask, state }
}

const isFinal = (answer: RpcAnswer): boolean =>
  answer.ok || !isEndpointFault(answer.code, answer.message)

/** Asks one after the other, the next as soon as the one before is slow or fails; the first real answer wins. */
const askHedged = (
  endpoints: readonly Endpoint[],
  method: string,
  params: readonly unknown[],
): Promise<RpcAnswer> =>
  new Promise((resolve, reject) => {
    let open = endpoints.length
    let last: unknown
    let lastAnswer: RpcAnswer | undefined
    let started = 0
    const startNext = (): void => {
      const endpoint = endpoints[started]
      if (!endpoint) return
      const mine = ++started
      const moveOn = (): void => {
        if (started === mine) startNext()
      }
      const lost = (): void => {
        open--
        if (open > 0) moveOn()
        else if (lastAnswer) resolve(lastAnswer)
        else
          reject(
            new TocsinError(
              'rpc.unreachable',
              `No endpoint of the signer answered ${method}: ${messageOf(last).split('\n')[0]?.slice(0, MAX_MESSAGE)}`,
              {
                cause: last,
                retry: { afterMs: 1_000 },
                hints: ['Check `signer.rpc` of the watchlist.'],
              },
            ),
          )
      }
      endpoint.ask(method, params).then(
        (answer) => {
          if (isFinal(answer)) resolve(answer)
          else {
            lastAnswer = answer
            lost()
          }
        },
        (error: unknown) => {
          last = error
          lost()
        },
      )
      if (started < endpoints.length) void sleep(HEDGE_MS).then(moveOn)
    }
    startNext()
  })

/** Connects lazily. Wrong chain ids are refused per endpoint. */
export const createSignerRpc = (options: {
  readonly chainId: number
  readonly urls: readonly string[]
  /** What the endpoints are called in metrics, with their number. Default: `signer`. */
  readonly prefix?: string
  readonly hooks?: SignerRpcHooks
}): SignerRpc => {
  const endpoints = options.urls.map((url, index) =>
    createEndpoint(
      `${options.prefix ?? 'signer'}-${index + 1}`,
      url,
      options.chainId,
      options.hooks,
    ),
  )
  const ask: SignerRpc['ask'] = (method, params) => {
    const ranked = [...endpoints].sort((a, b) => Number(b.state.ok) - Number(a.state.ok))
    return askHedged(ranked, method, params)
  }
  return {
    chainId: options.chainId,
    ask,
    get: async (method, params) => {
      const answer = await ask(method, params)
      if (answer.ok) return answer.value
      throw new TocsinError('rpc.error', `${method}: ${answer.message} (${answer.code})`)
    },
    askEach: (method, params) => endpoints.map((endpoint) => endpoint.ask(method, params)),
    health: () =>
      endpoints.map(({ name, url, state }) => ({
        name,
        url,
        ok: state.ok,
        lastError: state.lastError,
      })),
  }
}

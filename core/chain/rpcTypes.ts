import type { Hex } from '../base/index.ts'

export type RpcCall = { readonly method: string; readonly params: readonly unknown[] }

/** An error that the node gave on purpose: asking again gives the same. */
export type RpcRejection = {
  readonly code: number
  readonly message: string
  /** Revert data, when the node gave any. */
  readonly data: Hex | undefined
  /** The call ran and failed (revert, out of gas), as opposed to a request that the node refused. */
  readonly isExecution: boolean
}

/** A definite answer to one call. Transient failures never become an outcome: they are retried, or the request throws. */
export type RpcOutcome =
  | { readonly ok: true; readonly result: unknown }
  | { readonly ok: false; readonly error: RpcRejection }

/** What an endpoint knows of the chain's head. */
export type EndpointHead = { readonly number: number; readonly hash: Hex }

/** Health of one endpoint; the URL is redacted. */
export type EndpointHealth = {
  readonly name: string
  readonly url: string
  /** 0 (unusable) to 1. */
  readonly score: number
  readonly head: number | undefined
  readonly ok: boolean
  readonly lastError: string | undefined
  readonly latencyMs: number | undefined
}

export type SendOptions = {
  /** Longest wait for one HTTP exchange (ms). Default: the pool's. */
  readonly timeoutMs?: number
  readonly signal?: AbortSignal
}

/** One node behind the pool. */
export type Endpoint = {
  readonly name: string
  readonly redactedUrl: string
  readonly wsUrl: string | undefined
  /** One HTTP exchange, no retry. Verifies the chain id first when that is due. Throws when anything in it failed transiently. */
  readonly send: (
    calls: readonly RpcCall[],
    options?: SendOptions,
  ) => Promise<readonly RpcOutcome[]>
  readonly noteHead: (head: EndpointHead) => void
  /** The endpoint answered, but with what cannot be used (null block, missing receipts, …). */
  readonly refuse: (reason: string) => void
  /** The endpoint serves another chain: unused until a later check finds otherwise. */
  readonly exclude: (reason: string) => void
  readonly lacks: (method: string) => boolean
  /** Serves this chain as far as is known, and answers. */
  readonly isUsable: () => boolean
  readonly isExcluded: () => boolean
  /** Earliest time (performance.now) at which the endpoint wants to be asked again. */
  readonly coolUntilMs: () => number
  readonly head: () => EndpointHead | undefined
  readonly score: () => number
  /** When a second endpoint should be asked, because this one is slower than usual with this method (ms). */
  readonly hedgeAfterMs: (method: string) => number
  readonly health: () => EndpointHealth
  readonly stop: () => void
}

export type RequestOptions = SendOptions & {
  /** Reason why an answer cannot be used (it is then asked for elsewhere, and later); undefined when it can. */
  readonly refuse?: (
    outcomes: readonly RpcOutcome[],
  ) => Promise<string | undefined> | string | undefined
  /** Only these endpoints, by name. Default: all. */
  readonly among?: ReadonlySet<string>
  /** How often all endpoints are tried. Default: 4. */
  readonly rounds?: number
  /** Share load between endpoints of like score. Default: false. */
  readonly spread?: boolean
}

/** One measured HTTP exchange with an endpoint. */
export type RpcSample = {
  readonly chainName: string
  readonly endpoint: string
  readonly method: string
  readonly calls: number
  readonly durationMs: number
  readonly ok: boolean
}

export type RpcPool = {
  readonly chainId: number
  readonly chainName: string
  readonly endpoints: readonly Endpoint[]
  /**
   * Result of one call.
   * @throws TocsinError `rpc.unavailable`, `rpc.rejected`, `rpc.method_missing`, `rpc.chain_mismatch`, `rpc.stopped`
   */
  readonly request: (
    method: string,
    params: readonly unknown[],
    options?: Omit<RequestOptions, 'refuse'> & {
      readonly refuse?: (result: unknown) => Promise<string | undefined> | string | undefined
    },
  ) => Promise<unknown>
  /** Outcomes of many calls in one exchange, in the order of asking. Throws like `request`, but rejections are outcomes. */
  readonly batch: (
    calls: readonly RpcCall[],
    options?: RequestOptions,
  ) => Promise<readonly RpcOutcome[]>
  readonly health: () => readonly EndpointHealth[]
  readonly stop: () => Promise<void>
}

export type RpcPoolOptions = {
  readonly chainId: number
  readonly chainName: string
  readonly endpoints: readonly {
    readonly name: string
    readonly http: string
    readonly ws?: string | undefined
  }[]
  /** Longest wait for one HTTP exchange (ms). Default: 8000. */
  readonly timeoutMs?: number
  /** Longest answer taken (bytes, after decompression). Default: 64 MiB. */
  readonly maxBytes?: number
  /** Hears of failures, text redacted. */
  readonly onError?: (endpoint: string, error: unknown) => void
  readonly metrics?: { readonly onRequest: (sample: RpcSample) => void }
}

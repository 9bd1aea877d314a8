import type { Address } from '../base/index.ts'
import { createBlockFetcher } from './createBlockFetcher.ts'
import { createInputs } from './createInputs.ts'
import { createStateReader, type RpcStateReader } from './createStateReader.ts'
import { createTracer, type TraceMethod, type Tracer } from './createTracer.ts'
import type { RpcPool } from './rpcTypes.ts'
import type { ChainSource } from './types.ts'

export type ChainSourceOptions = {
  /** How call traces are had. Default: 'auto' (Parity's methods first: nodes that have them answer from what they keep, or at least as fast). */
  readonly traces?: 'auto' | 'none' | TraceMethod
  /** Address of Multicall3; used once it answers as the node does. Default: where it lies on nearly every chain. */
  readonly multicall3?: Address | 'none' | undefined
  /** Longest wait for traces (ms). Default: 60000. */
  readonly tracesTimeoutMs?: number
}

export type RpcChainSource = ChainSource & {
  readonly reader: RpcStateReader
  /** Root of the account's storage at a block; undefined when the node gives no proofs. */
  readonly storageHash: RpcStateReader['storageHash']
  readonly prefetchInputs: NonNullable<ChainSource['prefetchInputs']>
  readonly tracesOfAll: Tracer['tracesOfAll']
}

/** State, calldata and call traces of a chain over RPC. Everything belongs to exactly the block that was asked for, or it throws. */
export const createChainSource = (
  pool: RpcPool,
  options: ChainSourceOptions = {},
): RpcChainSource => {
  const fetcher = createBlockFetcher({ pool, transactions: 'receipts' })
  const whole = createBlockFetcher({ pool, transactions: 'full' })
  const reader = createStateReader({ pool, fetcher, multicall3: options.multicall3 })
  const calldata = createInputs(pool, whole)
  return {
    chainId: pool.chainId,
    name: pool.chainName,
    reader,
    storageHash: reader.storageHash,
    inputs: calldata.inputs,
    prefetchInputs: calldata.prefetch,
    ...createTracer({
      pool,
      fetcher,
      methods: options.traces ?? 'auto',
      timeoutMs: options.tracesTimeoutMs ?? 60_000,
    }),
  }
}

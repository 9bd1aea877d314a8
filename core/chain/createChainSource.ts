import type { Address, Hex } from '../base/index.ts'
import { TocsinError } from '../base/index.ts'
import { type BlockFetcher, createBlockFetcher } from './createBlockFetcher.ts'
import { createStateReader, type RpcStateReader } from './createStateReader.ts'
import { createTracer, type TraceMethod } from './createTracer.ts'
import { parseInput } from './parseRpc.ts'
import type { RpcPool } from './rpcTypes.ts'
import type { ChainHeader, ChainSource } from './types.ts'

export type ChainSourceOptions = {
  /** How call traces are had. Default: 'auto' (debug first). */
  readonly traces?: 'auto' | 'none' | TraceMethod
  /** Address of Multicall3; used once it has code. */
  readonly multicall3?: Address | undefined
  /** Longest wait for traces (ms). Default: 60000. */
  readonly tracesTimeoutMs?: number
}

export type RpcChainSource = ChainSource & {
  readonly reader: RpcStateReader
  /** Root of the account's storage at a block; undefined when the node gives no proofs. */
  readonly storageHash: RpcStateReader['storageHash']
}

/** More transactions than this are had cheaper with the whole block. */
const SINGLE_INPUTS = 100

const createInputs =
  (pool: RpcPool, whole: BlockFetcher) =>
  async (
    block: ChainHeader,
    hashes: readonly Hex[],
  ): Promise<readonly { hash: Hex; input: Hex; valueWei: bigint }[]> => {
    if (hashes.length > SINGLE_INPUTS) {
      const { transactions } = await whole.byHash(block.hash)
      const byHash = new Map(transactions.map((tx) => [tx.hash, tx]))
      return hashes.map((hash) => {
        const tx = byHash.get(hash)
        if (tx?.input === undefined || tx.value === undefined)
          throw new TocsinError(
            'chain.unknown_transaction',
            `Block ${block.number} has no transaction ${hash}.`,
          )
        return { hash, input: tx.input, valueWei: tx.value }
      })
    }
    let inputs: readonly { hash: Hex; input: Hex; valueWei: bigint }[] = []
    await pool.batch(
      hashes.map((hash) => ({ method: 'eth_getTransactionByHash', params: [hash] })),
      {
        refuse: (outcomes) => {
          try {
            inputs = outcomes.map((outcome, index) =>
              parseInput(
                outcome.ok ? outcome.result : undefined,
                hashes[index] ?? '0x',
                block.hash,
              ),
            )
            return undefined
          } catch {
            return `The node lacks transactions of block ${block.number}.`
          }
        },
      },
    )
    return inputs
  }

/** State, calldata and call traces of a chain over RPC. Everything belongs to exactly the block that was asked for, or it throws. */
export const createChainSource = (
  pool: RpcPool,
  options: ChainSourceOptions = {},
): RpcChainSource => {
  const fetcher = createBlockFetcher({ pool, transactions: 'receipts' })
  const whole = createBlockFetcher({ pool, transactions: 'full' })
  const reader = createStateReader({ pool, fetcher, multicall3: options.multicall3 })
  return {
    chainId: pool.chainId,
    name: pool.chainName,
    reader,
    storageHash: reader.storageHash,
    inputs: createInputs(pool, whole),
    traces: createTracer({
      pool,
      fetcher,
      methods: options.traces ?? 'auto',
      timeoutMs: options.tracesTimeoutMs ?? 60_000,
    }),
  }
}

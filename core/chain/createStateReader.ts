import { type Address, type Hex, TocsinError } from '../base/index.ts'
import type { BlockFetcher } from './createBlockFetcher.ts'
import { createMulticall, type StateCall } from './createMulticall.ts'
import { isRawRecord, parseHash, parseHex, parseQuantity, toQuantity } from './parseRpc.ts'
import type { RpcCall, RpcOutcome, RpcPool } from './rpcTypes.ts'
import type { StateReader } from './types.ts'

type Read = {
  readonly method: string
  /** Parameters before the block. */
  readonly params: readonly unknown[]
  /** A call from nobody in particular, which Multicall3 could make as well. */
  readonly plainCall?: StateCall | undefined
  readonly resolve: (outcome: RpcOutcome) => void
  readonly reject: (error: unknown) => void
}

export type RpcStateReader = StateReader & Required<Pick<StateReader, 'storageHash'>>

/** Nodes that answered that they give no proofs are asked again after this long (ms). */
const NO_PROOF_MS = 300_000

const resultOf = (outcome: RpcOutcome, what: string): unknown => {
  if (outcome.ok) return outcome.result
  throw new TocsinError(
    outcome.error.code === -32601 ? 'rpc.method_missing' : 'rpc.rejected',
    `${what}: ${outcome.error.message} (${outcome.error.code})`,
  )
}

/**
 * Reads state at block hashes. Everything asked within one turn of the event loop for one block travels as one
 * JSON-RPC batch, and plain calls among it as one Multicall3 call where the chain has that contract.
 */
export const createStateReader = (options: {
  readonly pool: RpcPool
  readonly fetcher: BlockFetcher
  readonly multicall3?: Address | 'none' | undefined
}): RpcStateReader => {
  const { pool, fetcher } = options
  const queues = new Map<Hex, Read[]>()
  let takesHashes = true
  let noProofsUntil = 0

  const toCalls = (reads: readonly Read[], block: unknown): readonly RpcCall[] =>
    reads.map(({ method, params }) => ({ method, params: [...params, block] }))

  const isHashRefused = (outcomes: readonly RpcOutcome[]): boolean =>
    outcomes.every(
      (outcome) => !outcome.ok && outcome.error.code === -32602 && !outcome.error.isExecution,
    )

  /** For nodes without EIP-1898: by height, with the block's hash looked at before and after in the same exchange. */
  const readByNumber = async (
    reads: readonly Read[],
    block: Hex,
  ): Promise<readonly RpcOutcome[]> => {
    const number = toQuantity((await fetcher.headerByHash(block)).number)
    const check: RpcCall = { method: 'eth_getBlockByNumber', params: [number, false] }
    const outcomes = await pool.batch([check, ...toCalls(reads, number), check], {
      refuse: (all) => {
        const isRight = [all[0], all[all.length - 1]].every(
          (outcome) =>
            outcome?.ok && isRawRecord(outcome.result) && outcome.result['hash'] === block,
        )
        return isRight ? undefined : 'The node has another block at this height.'
      },
    })
    return outcomes.slice(1, -1)
  }

  const readAt = async (reads: readonly Read[], block: Hex): Promise<readonly RpcOutcome[]> => {
    if (!takesHashes) return readByNumber(reads, block)
    const outcomes = await pool.batch(toCalls(reads, { blockHash: block }))
    if (!isHashRefused(outcomes)) return outcomes
    const byNumber = await readByNumber(reads, block)
    if (!isHashRefused(byNumber)) takesHashes = false
    return byNumber
  }

  const multicall = createMulticall({
    address: options.multicall3,
    callAt: async (calls, block) =>
      readAt(
        calls.map(({ to, data }) => ({
          method: 'eth_call',
          params: [{ to, data }],
          resolve: () => undefined,
          reject: () => undefined,
        })),
        block,
      ),
  })

  /** Off the way of what was asked. */
  const learn = (reads: readonly Read[], block: Hex, outcomes: readonly RpcOutcome[]): void => {
    if (!multicall || multicall.isTrusted()) return
    const plain = reads.flatMap(({ plainCall }, index) => {
      const outcome = outcomes[index]
      return plainCall && outcome ? [{ call: plainCall, outcome }] : []
    })
    void multicall.learn(
      plain.map(({ call }) => call),
      block,
      plain.map(({ outcome }) => outcome),
    )
  }

  const settle = async (reads: readonly Read[], block: Hex): Promise<void> => {
    try {
      const outcomes = await readAt(reads, block)
      for (const [index, read] of reads.entries()) {
        const outcome = outcomes[index]
        if (outcome) read.resolve(outcome)
        else read.reject(new TocsinError('rpc.garbage', 'The answer lacks one of its calls.'))
      }
      learn(reads, block, outcomes)
    } catch (error) {
      for (const read of reads) read.reject(error)
    }
  }

  const flush = (block: Hex): void => {
    const reads = queues.get(block) ?? []
    queues.delete(block)
    void settle(reads, block)
  }

  const ask = (
    method: string,
    params: readonly unknown[],
    block: Hex,
    plainCall?: StateCall,
  ): Promise<RpcOutcome> =>
    new Promise((resolve, reject) => {
      const read = { method, params, plainCall, resolve, reject }
      const queue = queues.get(block)
      if (queue) return void queue.push(read)
      queues.set(block, [read])
      // After every promise of this turn has run: bots that run side by side ask together.
      setImmediate(flush, block)
    })

  const code = async (address: Address, block: Hex): Promise<Hex> =>
    parseHex(resultOf(await ask('eth_getCode', [address], block), 'eth_getCode'), 'code')

  const callOne = (
    request: StateCall & { readonly from?: Address },
    block: Hex,
  ): Promise<RpcOutcome> =>
    ask('eth_call', [request], block, request.from === undefined ? request : undefined)

  return {
    call: async ({ to, data, from, block }) => {
      const outcome =
        from === undefined && multicall?.isTrusted()
          ? await multicall.call({ to, data }, block)
          : await callOne({ to, data, ...(from === undefined ? {} : { from }) }, block)
      if (outcome.ok) return { ok: true, data: parseHex(outcome.result, 'result of a call') }
      if (outcome.error.isExecution) return { ok: false, data: outcome.error.data ?? '0x' }
      return { ok: true, data: parseHex(resultOf(outcome, 'eth_call'), 'result of a call') }
    },
    storage: async (address, slot, block) => {
      const word = parseHex(
        resultOf(await ask('eth_getStorageAt', [address, slot], block), 'eth_getStorageAt'),
        'storage word',
      )
      return `0x${word.slice(2).padStart(64, '0')}`
    },
    code,
    balance: async (address, block) =>
      parseQuantity(
        resultOf(await ask('eth_getBalance', [address], block), 'eth_getBalance'),
        'balance',
      ),
    storageHash: async (address, block) => {
      if (performance.now() < noProofsUntil) return undefined
      const outcome = await ask('eth_getProof', [address, []], block)
      if (!outcome.ok && !outcome.error.isExecution) {
        noProofsUntil = performance.now() + NO_PROOF_MS
        return undefined
      }
      const proof = resultOf(outcome, 'eth_getProof')
      return parseHash(isRawRecord(proof) ? proof['storageHash'] : undefined, 'storage hash')
    },
  }
}

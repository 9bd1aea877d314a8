import type { Hex } from '../base/index.ts'
import type { FetchedBlock } from './assembleBlock.ts'
import type { RpcChainSource } from './createChainSource.ts'
import { createLimiter } from './createLimiter.ts'
import type { CallTrace, ChainSource } from './types.ts'

export type EarlyTraces = Pick<ChainSource, 'inputs' | 'traces'> & {
  /** Begins to fetch the traces of these blocks. */
  readonly begin: (blocks: readonly FetchedBlock[]) => void
}

const KEPT = 512
/** Exchanges at once: nodes run transactions again for each. */
const PARALLEL = 16
/** Transactions per exchange: small blocks travel together. */
const TRANSACTIONS_PER_EXCHANGE = 200

const groupBlocks = (blocks: readonly FetchedBlock[]): readonly (readonly FetchedBlock[])[] => {
  const groups: FetchedBlock[][] = []
  let size = TRANSACTIONS_PER_EXCHANGE
  for (const block of blocks) {
    if (size >= TRANSACTIONS_PER_EXCHANGE) {
      groups.push([])
      size = 0
    }
    groups.at(-1)?.push(block)
    size += block.transactions.length
  }
  return groups
}

/** Call traces that are fetched before anybody asks, and the calldata that is known from them. */
export const createEarlyTraces = (plain: RpcChainSource): EarlyTraces => {
  const early = new Map<Hex, Promise<readonly CallTrace[]>>()
  const limit = createLimiter(PARALLEL)

  const begin = (blocks: readonly FetchedBlock[]): void => {
    for (const group of groupBlocks(blocks)) {
      const tracing = limit(() => plain.tracesOfAll(group))
      for (const [place, { hash }] of group.entries()) {
        const own = tracing.then((all) => all[place] ?? [])
        own.catch(() => early.delete(hash))
        early.set(hash, own)
      }
    }
    for (const hash of early.keys()) {
      if (early.size <= KEPT) break
      early.delete(hash)
    }
  }

  return {
    begin,
    traces: async (block, hashes) => {
      const known = early.get(block.hash)
      if (known === undefined) return plain.traces(block, hashes)
      // Handed out once. Not at the end of a block's turn: whoever looks ahead has not asked by then.
      early.delete(block.hash)
      const all = await known
      if (hashes === undefined) return all
      const wanted = new Set(hashes)
      return all.filter(({ txHash }) => wanted.has(txHash))
    },
    // A call trace begins with the transaction itself: where traces are fetched anyway, calldata costs nothing more.
    inputs: async (block, hashes) => {
      const known = early.get(block.hash)
      if (known === undefined) return plain.inputs(block, hashes)
      const roots = new Map<Hex, CallTrace>()
      for (const call of await known) if (call.path.length === 0) roots.set(call.txHash, call)
      const inputs = hashes.flatMap((hash) => {
        const root = roots.get(hash)
        return root ? [{ hash, input: root.input, valueWei: root.valueWei }] : []
      })
      return inputs.length === hashes.length ? inputs : plain.inputs(block, hashes)
    },
  }
}

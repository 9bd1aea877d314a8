import { TocsinError } from '../base/index.ts'
import type { FetchedBlock } from './assembleBlock.ts'
import { createBatchSizer } from './createBatchSizer.ts'
import { createBlockFetcher } from './createBlockFetcher.ts'
import {
  type ChainSourceOptions,
  createChainSource,
  type RpcChainSource,
} from './createChainSource.ts'
import { createEarlyTraces } from './createEarlyTraces.ts'
import { prefetch } from './prefetch.ts'
import type { RpcPool } from './rpcTypes.ts'
import type { ChainBlock, ChainHeader } from './types.ts'

export type RangeSourceOptions = ChainSourceOptions & {
  readonly from: number
  /** Inclusive. */
  readonly to: number
  /** Default: 'auto'. */
  readonly transactions?: 'auto' | 'full' | 'receipts'
  /** Most blocks per exchange. Default: 50. */
  readonly batchBlocks?: number
  /** Exchanges at once. Default: 6. */
  readonly parallel?: number
  /** Fetch call traces beside the blocks: of all, or of those for which it gives true. Default: none. */
  readonly prefetchTraces?: boolean | ((block: FetchedBlock) => boolean)
  /** False when the header's bloom proves that nothing wanted is in the block: it then comes with `skipped`. */
  readonly isNeeded?: (header: ChainHeader) => boolean
  readonly signal?: AbortSignal
}

export type RangeSource = AsyncIterable<ChainBlock> & {
  /** Reads for these blocks; hands out prefetched traces. */
  readonly source: RpcChainSource
}

/**
 * A range of history at full speed: parallel batches, handed out in order, complete by the same proofs as live
 * blocks, each block's parent being the one before it. Iterate once or many times.
 * @throws TocsinError `chain.broken_range` when the chain changed underneath
 */
export const createRangeSource = (pool: RpcPool, options: RangeSourceOptions): RangeSource => {
  const { from, to } = options
  const fetcher = createBlockFetcher({ pool, transactions: options.transactions ?? 'auto' })
  const plain = createChainSource(pool, options)
  const early = createEarlyTraces(plain)
  const { prefetchTraces = false } = options
  const wantsTraces = (block: FetchedBlock): boolean =>
    block.skipped !== true &&
    block.transactions.length > 0 &&
    (typeof prefetchTraces === 'function' ? prefetchTraces(block) : prefetchTraces)

  /** What cannot be had in one exchange (too large, one bad block) is asked for in halves. */
  const loadSplit = async (
    numbers: readonly number[],
    signal: AbortSignal,
  ): Promise<readonly FetchedBlock[]> => {
    try {
      return await fetcher.byNumbers(numbers, {
        signal,
        spread: true,
        rounds: numbers.length > 1 ? 3 : 8,
        ...(options.isNeeded ? { isNeeded: options.isNeeded } : {}),
      })
    } catch (error) {
      if (numbers.length === 1 || signal.aborted) throw error
      const half = Math.ceil(numbers.length / 2)
      return [
        ...(await loadSplit(numbers.slice(0, half), signal)),
        ...(await loadSplit(numbers.slice(half), signal)),
      ]
    }
  }

  async function* blocks(): AsyncGenerator<ChainBlock, void, undefined> {
    const sizer = createBatchSizer(options.batchBlocks ?? 50)
    let parent: ChainHeader | undefined
    const loaded = prefetch({
      from,
      to,
      batchSize: sizer.size,
      parallel: options.parallel ?? 6,
      signal: options.signal,
      load: async (numbers, signal) => {
        const batch = await loadSplit(numbers, signal)
        sizer.note(
          batch.length,
          batch.reduce((sum, { transactions }) => sum + transactions.length, 0),
        )
        early.begin(batch.filter(wantsTraces))
        return batch
      },
    })
    for await (const block of loaded) {
      if (parent && block.parentHash !== parent.hash)
        throw new TocsinError(
          'chain.broken_range',
          `Block ${block.number} does not follow from block ${parent.number}: the chain changed while it was read.`,
          { hints: ['End the range at a finalised block, or run it again.'] },
        )
      parent = block
      yield { ...block, seenAtMs: performance.timeOrigin + performance.now(), catchingUp: true }
    }
  }

  return {
    [Symbol.asyncIterator]: blocks,
    source: { ...plain, inputs: early.inputs, traces: early.traces },
  }
}

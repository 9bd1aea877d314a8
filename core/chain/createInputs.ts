import { type Hex, isTocsinError, TocsinError } from '../base/index.ts'
import type { BlockFetcher } from './createBlockFetcher.ts'
import { createWayChooser } from './createWayChooser.ts'
import { decodeRawBlock, type RawInput } from './decodeRawBlock.ts'
import { flattenParity } from './flattenTraces.ts'
import { parseHex, parseInput, toQuantity } from './parseRpc.ts'
import type { RpcPool } from './rpcTypes.ts'
import type { ChainHeader, ChainSource } from './types.ts'

/** Up to so many transactions are asked for one by one. */
const SINGLE_INPUTS = 8
/** A comparison waits until the block at hand is done (ms). */
const PROBE_AFTER_MS = 250

type Way = 'raw' | 'whole' | 'trace'
type Fetch = (block: ChainHeader, hashes: readonly Hex[]) => Promise<readonly RawInput[]>

const pick = (
  block: ChainHeader,
  hashes: readonly Hex[],
  found: ReadonlyMap<Hex, RawInput>,
): readonly RawInput[] =>
  hashes.map((hash) => {
    const input = found.get(hash)
    if (input === undefined)
      throw new TocsinError(
        'chain.unknown_transaction',
        `Block ${block.number} has no transaction ${hash}.`,
      )
    return input
  })

const fetchSingly = async (
  pool: RpcPool,
  block: ChainHeader,
  hashes: readonly Hex[],
): Promise<readonly RawInput[]> => {
  let inputs: readonly RawInput[] = []
  await pool.batch(
    hashes.map((hash) => ({ method: 'eth_getTransactionByHash', params: [hash] })),
    {
      refuse: (outcomes) => {
        try {
          inputs = outcomes.map((outcome, index) =>
            parseInput(outcome.ok ? outcome.result : undefined, hashes[index] ?? '0x', block.hash),
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

/**
 * Calldata of many transactions of a block. Which way is fast depends on the node's software, so they are timed
 * against each other: the raw block (`debug_getRawBlock`; spares both sides most of the work), the roots of
 * `trace_block` (at hand in some nodes, in others all transactions run again), or the whole block (some recover every
 * sender anew).
 */
export const createInputs = (pool: RpcPool, whole: BlockFetcher): ChainSource['inputs'] => {
  const chooser = createWayChooser<Way>(['raw', 'whole', 'trace'])
  const ways: Readonly<Record<Way, Fetch>> = {
    raw: async (block, hashes) => {
      const raw = await pool.request('debug_getRawBlock', [toQuantity(block.number)], { rounds: 1 })
      // Asked for by number: another block at that height lacks the hashes, and another way follows.
      const inputs = decodeRawBlock(parseHex(raw, 'raw block'), hashes)
      return inputs ?? pick(block, hashes, new Map())
    },
    whole: async (block, hashes) => {
      const { transactions } = await whole.byHash(block.hash)
      const found = transactions.flatMap(({ hash, input, value }) =>
        input === undefined || value === undefined ? [] : [{ hash, input, valueWei: value }],
      )
      return pick(block, hashes, new Map(found.map((input) => [input.hash, input])))
    },
    trace: async (block, hashes) => {
      const raw = await pool.request('trace_block', [toQuantity(block.number)], { rounds: 1 })
      const found = new Map<Hex, RawInput>()
      for (const { path, txHash, input, valueWei } of flattenParity(raw, block.hash))
        if (path.length === 0) found.set(txHash, { hash: txHash, input, valueWei })
      return pick(block, hashes, found)
    },
  }
  const timed = async (
    way: Way,
    block: ChainHeader,
    hashes: readonly Hex[],
  ): Promise<readonly RawInput[]> => {
    const started = performance.now()
    try {
      const inputs = await ways[way](block, hashes)
      chooser.note(way, performance.now() - started)
      return inputs
    } catch (error) {
      const isMissing =
        isTocsinError(error) &&
        (error.code === 'rpc.method_missing' || error.code === 'rpc.rejected')
      if (isMissing) chooser.lacks(way)
      throw error
    }
  }
  const compare = (chosen: Way, block: ChainHeader, hashes: readonly Hex[]): void => {
    const other = chooser.nextProbe(chosen)
    if (other === undefined) return
    // What fails tells nothing but that it was not faster.
    setTimeout(
      () => void timed(other, block, hashes).catch(() => undefined),
      PROBE_AFTER_MS,
    ).unref()
  }

  return async (block, hashes) => {
    if (hashes.length <= SINGLE_INPUTS) return fetchSingly(pool, block, hashes)
    let cause: unknown
    for (const way of chooser.order()) {
      try {
        const inputs = await timed(way, block, hashes)
        compare(way, block, hashes)
        return inputs
      } catch (error) {
        if (isTocsinError(error) && error.code === 'rpc.stopped') throw error
        cause = error
      }
    }
    throw cause
  }
}

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
/** Beside the receipts only what takes at most so long: it must not keep the node from them (ms). */
const PREFETCH_LIMIT_MS = 15
/** Of the last so many blocks, half must have needed much calldata. */
const RECENT = 8
/** A comparison waits until the block at hand is done (ms). */
const PROBE_AFTER_MS = 250

type Way = 'raw' | 'whole' | 'trace'
type Place = Pick<ChainHeader, 'number' | 'hash'>
/** All calldata of a block is at hand: this finds the wanted. */
type Lookup = (hashes: readonly Hex[]) => readonly RawInput[]

export type Inputs = {
  readonly inputs: ChainSource['inputs']
  /** Begins to fetch a block's calldata beside its receipts, where the last blocks needed much of it and it comes fast. */
  readonly prefetch: (block: Place) => void
}

const unknown = (block: Place, hash: Hex): TocsinError =>
  new TocsinError('chain.unknown_transaction', `Block ${block.number} has no transaction ${hash}.`)

const lookIn =
  (block: Place, inputs: Iterable<RawInput>): Lookup =>
  (hashes) => {
    const found = new Map([...inputs].map((input) => [input.hash, input]))
    return hashes.map((hash) => {
      const input = found.get(hash)
      if (input === undefined) throw unknown(block, hash)
      return input
    })
  }

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
export const createInputs = (pool: RpcPool, whole: BlockFetcher): Inputs => {
  const chooser = createWayChooser<Way>(['raw', 'whole', 'trace'])
  /** Asked for by number: where another block is at that height now, the hashes tell, and another way follows. */
  const ways: Readonly<Record<Way, (block: Place) => Promise<Lookup>>> = {
    raw: async (block) => {
      const answer = await pool.request('debug_getRawBlock', [toQuantity(block.number)], {
        rounds: 1,
      })
      const raw = parseHex(answer, 'raw block')
      return (hashes) => {
        const inputs = decodeRawBlock(raw, hashes)
        if (inputs === undefined) throw unknown(block, hashes[0] ?? '0x')
        return inputs
      }
    },
    whole: async (block) => {
      const { transactions } = await whole.byHash(block.hash)
      const inputs = transactions.flatMap(({ hash, input, value }) =>
        input === undefined || value === undefined ? [] : [{ hash, input, valueWei: value }],
      )
      return lookIn(block, inputs)
    },
    trace: async (block) => {
      const raw = await pool.request('trace_block', [toQuantity(block.number)], { rounds: 1 })
      const roots = flattenParity(raw, block.hash).filter(({ path }) => path.length === 0)
      return lookIn(
        block,
        roots.map(({ txHash, input, valueWei }) => ({ hash: txHash, input, valueWei })),
      )
    },
  }
  const timed = async (way: Way, block: Place): Promise<Lookup> => {
    const started = performance.now()
    try {
      const lookup = await ways[way](block)
      chooser.note(way, performance.now() - started)
      return lookup
    } catch (error) {
      const isMissing =
        isTocsinError(error) &&
        (error.code === 'rpc.method_missing' || error.code === 'rpc.rejected')
      if (isMissing) chooser.lacks(way)
      throw error
    }
  }
  const compare = (chosen: Way, block: Place): void => {
    const other = chooser.nextProbe(chosen)
    if (other === undefined) return
    // What fails tells nothing but that it was not faster.
    setTimeout(() => void timed(other, block).catch(() => undefined), PROBE_AFTER_MS).unref()
  }

  /** Whether the last blocks needed much calldata, newest last. */
  let recent: readonly boolean[] = []
  let early: { readonly hash: Hex; readonly lookup: Promise<Lookup> } | undefined

  const inputs: Inputs['inputs'] = async (block, hashes) => {
    recent = [...recent.slice(1 - RECENT), hashes.length > SINGLE_INPUTS]
    if (hashes.length <= SINGLE_INPUTS) return fetchSingly(pool, block, hashes)
    let cause: unknown
    if (early?.hash === block.hash) {
      try {
        return (await early.lookup)(hashes)
      } catch (error) {
        cause = error
      }
    }
    for (const way of chooser.order()) {
      try {
        const found = (await timed(way, block))(hashes)
        compare(way, block)
        return found
      } catch (error) {
        if (isTocsinError(error) && error.code === 'rpc.stopped') throw error
        cause = error
      }
    }
    throw cause
  }

  return {
    inputs,
    prefetch: (block) => {
      const [way] = chooser.order()
      if (way === undefined || way === 'whole' || early?.hash === block.hash) return
      if (recent.filter(Boolean).length < RECENT / 2) return
      if ((chooser.meanMs(way) ?? Number.POSITIVE_INFINITY) > PREFETCH_LIMIT_MS) return
      const lookup = timed(way, block)
      lookup.then(
        () => compare(way, block),
        () => undefined,
      )
      early = { hash: block.hash, lookup }
    },
  }
}

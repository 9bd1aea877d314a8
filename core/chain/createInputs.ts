import { type Hex, isTocsinError, TocsinError } from '../base/index.ts'
import type { BlockFetcher } from './createBlockFetcher.ts'
import { decodeRawBlock, type RawInput } from './decodeRawBlock.ts'
import { parseHex, parseInput } from './parseRpc.ts'
import type { RpcPool } from './rpcTypes.ts'
import type { ChainHeader, ChainSource } from './types.ts'

/** More transactions than this are had cheaper from the raw block. */
const SINGLE_INPUTS = 8
/** Without raw blocks, more than this are had cheaper with the whole block. */
const BATCHED_INPUTS = 100

const fetchWhole = async (
  whole: BlockFetcher,
  block: ChainHeader,
  hashes: readonly Hex[],
): Promise<readonly RawInput[]> => {
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
 * Calldata of single transactions. Nodes that give raw blocks (`debug_getRawBlock`) spare both sides most of the work:
 * a JSON block makes a node recover every sender.
 */
export const createInputs = (pool: RpcPool, whole: BlockFetcher): ChainSource['inputs'] => {
  let givesRaw = true
  const fetchRaw = async (
    block: ChainHeader,
    hashes: readonly Hex[],
  ): Promise<readonly RawInput[] | undefined> => {
    if (!givesRaw) return undefined
    try {
      const raw = await pool.request('debug_getRawBlock', [`0x${block.number.toString(16)}`], {
        rounds: 1,
      })
      // Asked for by number: another block at that height lacks the hashes, and the usual ways follow.
      return decodeRawBlock(parseHex(raw, 'raw block'), hashes)
    } catch (error) {
      if (isTocsinError(error) && error.code === 'rpc.stopped') throw error
      givesRaw = false
      return undefined
    }
  }
  return async (block, hashes) => {
    if (hashes.length <= SINGLE_INPUTS) return fetchSingly(pool, block, hashes)
    const raw = await fetchRaw(block, hashes)
    if (raw) return raw
    return hashes.length > BATCHED_INPUTS
      ? fetchWhole(whole, block, hashes)
      : fetchSingly(pool, block, hashes)
  }
}

import type { Hex } from '../../base/index.ts'
import type { RpcPool } from '../../chain/index.ts'
import type { ChainBlock } from '../../chain/types.ts'
import type { Database } from '../../store/index.ts'
import type { FindingRow } from '../engineStore.ts'
import { closePending, loadPending, type OpenPending } from './pendingStore.ts'

/** Pending transactions with findings, until they are mined or will never be. */
export type PendingBook = {
  readonly add: (rows: readonly FindingRow[]) => void
  /** Closes what the block, the nodes or the time has settled. Call it after the block is committed. */
  readonly onBlock: (block: ChainBlock) => Promise<void>
  readonly size: () => number
}

/** Asked for at one block. */
const MAX_ASKED = 100
/** Heads at which no node knew the transaction before it counts as gone. */
const MAX_ABSENT = 3

type Entry = OpenPending & { absent: number }

type Sight = 'pending' | 'mined' | 'absent' | 'replaced' | 'unknown'

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null

const readSight = (entry: Entry, transaction: unknown, count: unknown, upTo: number): Sight => {
  if (isObject(transaction)) {
    const at = transaction['blockNumber']
    // A block that is not committed yet will say so itself.
    return typeof at === 'string' && Number(at) <= upTo ? 'mined' : 'pending'
  }
  if (transaction !== null) return 'unknown'
  return typeof count === 'string' && Number(count) > entry.nonce ? 'replaced' : 'absent'
}

export const createPendingBook = async (options: {
  readonly db: Database
  readonly pool: RpcPool
  readonly maxAgeBlocks: number
  readonly onClosed: (hash: Hex, status: 'landed' | 'dropped') => void
}): Promise<PendingBook> => {
  const { db, pool, maxAgeBlocks } = options
  const open = new Map<Hex, Entry>()
  for (const entry of await loadPending(db, pool.chainId))
    open.set(entry.hash, { ...entry, absent: 0 })

  /** What the nodes say of those that the block does not hold. */
  const look = async (
    entries: readonly Entry[],
    upTo: number,
  ): Promise<ReadonlyMap<Hex, Sight>> => {
    const asked = entries.slice(0, MAX_ASKED)
    const outcomes = await pool.batch(
      asked.flatMap(({ hash, from }) => [
        { method: 'eth_getTransactionByHash', params: [hash] },
        { method: 'eth_getTransactionCount', params: [from, 'latest'] },
      ]),
      { timeoutMs: 3_000, rounds: 1 },
    )
    const valueAt = (index: number): unknown => {
      const outcome = outcomes[index]
      return outcome?.ok ? outcome.result : undefined
    }
    return new Map(
      asked.map((entry, index) => [
        entry.hash,
        readSight(entry, valueAt(2 * index), valueAt(2 * index + 1), upTo),
      ]),
    )
  }

  const onBlock: PendingBook['onBlock'] = async (block) => {
    if (open.size === 0) return
    const landed = block.transactions.flatMap(({ hash }) => (open.has(hash) ? [hash] : []))
    const close = async (hashes: readonly Hex[], status: 'landed' | 'dropped'): Promise<void> => {
      await closePending(db, pool.chainId, hashes, status)
      for (const hash of hashes) {
        open.delete(hash)
        options.onClosed(hash, status)
      }
    }
    await close(landed, 'landed')
    const left = [...open.values()]
    if (left.length === 0) return
    const late = left.filter(({ sinceBlock }) => block.number - sinceBlock > maxAgeBlocks)
    const sights = await look(left, block.number).catch(() => new Map<Hex, Sight>())
    const mined = left.filter(({ hash }) => sights.get(hash) === 'mined')
    await close(
      mined.map(({ hash }) => hash),
      'landed',
    )
    const gone = left.filter((entry) => {
      const sight = sights.get(entry.hash)
      entry.absent = sight === 'absent' || sight === 'replaced' ? entry.absent + 1 : 0
      // One look may have met a node that lags; a nonce that is used says more than silence.
      return entry.absent >= (sight === 'replaced' ? 2 : MAX_ABSENT)
    })
    const over = new Set([...gone, ...late].map(({ hash }) => hash))
    for (const { hash } of mined) over.delete(hash)
    await close([...over], 'dropped')
  }

  return {
    add: (rows) => {
      for (const { txHash, metadata, blockNumber } of rows)
        if (txHash && !open.has(txHash))
          open.set(txHash, {
            hash: txHash,
            from: metadata['pendingFrom'] ?? '',
            nonce: Number(metadata['pendingNonce'] ?? 0),
            sinceBlock: blockNumber,
            absent: 0,
          })
    },
    onBlock,
    size: () => open.size,
  }
}

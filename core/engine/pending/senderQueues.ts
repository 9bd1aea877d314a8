import type { Address, Hex } from '../../base/index.ts'
import type { PendingTransaction } from '../../chain/index.ts'

/** What each sender has pending, so that a transaction is simulated behind those of its sender that must go first. */
export type SenderQueues = {
  readonly add: (tx: PendingTransaction) => void
  /** The transaction behind its predecessors without a gap, in the order of their nonces. */
  readonly line: (tx: PendingTransaction) => readonly PendingTransaction[]
  readonly remove: (hashes: ReadonlySet<Hex>) => void
}

const MAX_KEPT = 5_000
const MAX_BEFORE = 8

export const createSenderQueues = (): SenderQueues => {
  const bySender = new Map<Address, Map<number, PendingTransaction>>()
  const byHash = new Map<Hex, PendingTransaction>()
  const forget = (tx: PendingTransaction): void => {
    byHash.delete(tx.hash)
    const mine = bySender.get(tx.from)
    if (mine?.get(tx.nonce)?.hash === tx.hash) mine.delete(tx.nonce)
    if (mine?.size === 0) bySender.delete(tx.from)
  }
  return {
    add: (tx) => {
      const mine = bySender.get(tx.from) ?? new Map<number, PendingTransaction>()
      bySender.set(tx.from, mine)
      const replaced = mine.get(tx.nonce)
      if (replaced) byHash.delete(replaced.hash)
      mine.set(tx.nonce, tx)
      byHash.set(tx.hash, tx)
      if (byHash.size <= MAX_KEPT) return
      for (const oldest of byHash.values()) {
        forget(oldest)
        break
      }
    },
    line: (tx) => {
      const mine = bySender.get(tx.from)
      const line = [tx]
      for (let nonce = tx.nonce - 1; line.length <= MAX_BEFORE; nonce--) {
        const before = mine?.get(nonce)
        if (!before) break
        line.unshift(before)
      }
      return line
    },
    remove: (hashes) => {
      for (const hash of hashes) {
        const tx = byHash.get(hash)
        if (tx) forget(tx)
      }
    },
  }
}

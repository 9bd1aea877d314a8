import type { Address, Hex } from '../../base/index.ts'
import type { PendingTransaction } from '../../chain/index.ts'

/** `direct`: it names something watched. `remote`: it may reach it through a contract. `none`: it cannot. */
export type Interest = 'direct' | 'remote' | 'none'

/** What a transaction has to do with the watched addresses, as far as it can be seen without running it. */
export const judgeInterest = (tx: PendingTransaction, watched: ReadonlySet<Address>): Interest => {
  if (tx.to !== null && watched.has(tx.to)) return 'direct'
  if (watched.has(tx.from)) return 'direct'
  if (tx.accessList.some((address) => watched.has(address))) return 'direct'
  if (tx.to !== null && tx.input.length < 10) return 'none'
  for (const address of watched) if (tx.input.includes(address.slice(2))) return 'direct'
  return 'remote'
}

export type PendingQueue = {
  readonly add: (tx: PendingTransaction, interest: 'direct' | 'remote') => void
  /** The next to simulate: what names something watched first, and of those the best paid. Undefined when there is none, or not yet. */
  readonly take: () => PendingTransaction | undefined
  readonly remove: (hashes: ReadonlySet<Hex>) => void
  readonly size: () => number
  /** How many were thrown away, for there were too many. */
  readonly missed: () => number
  /** Until one may be taken (ms). */
  readonly waitMs: () => number
}

const MAX_EACH = 500

const bestPaid = (list: readonly PendingTransaction[]): number => {
  let best = 0
  for (const [index, tx] of list.entries())
    if (tx.maxPriorityFeePerGasWei > (list[best]?.maxPriorityFeePerGasWei ?? 0n)) best = index
  return best
}

/** Pending transactions that wait for their simulation: bounded, and no more than so many in a second. */
export const createPendingQueue = (options: {
  readonly maxPerS: number
  readonly now?: () => number
}): PendingQueue => {
  const { maxPerS, now = () => performance.now() } = options
  const lists = { direct: [] as PendingTransaction[], remote: [] as PendingTransaction[] }
  let tokens = maxPerS
  let filledAt = now()
  let missed = 0
  const fill = (): void => {
    const at = now()
    tokens = Math.min(maxPerS, tokens + ((at - filledAt) / 1_000) * maxPerS)
    filledAt = at
  }
  return {
    add: (tx, interest) => {
      const list = lists[interest]
      list.push(tx)
      if (list.length <= MAX_EACH) return
      list.shift()
      missed++
    },
    take: () => {
      fill()
      if (tokens < 1) return undefined
      const { direct, remote } = lists
      const [taken] = direct.length > 0 ? direct.splice(bestPaid(direct), 1) : remote.splice(0, 1)
      if (taken) tokens--
      return taken
    },
    remove: (hashes) => {
      for (const list of [lists.direct, lists.remote])
        for (let index = list.length - 1; index >= 0; index--)
          if (hashes.has(list[index]?.hash ?? '0x')) list.splice(index, 1)
    },
    size: () => lists.direct.length + lists.remote.length,
    missed: () => missed,
    waitMs: () => {
      fill()
      return tokens >= 1 ? 0 : ((1 - tokens) / maxPerS) * 1_000
    },
  }
}

export type BatchSizer = {
  readonly size: () => number
  readonly note: (blocks: number, transactions: number) => void
  readonly shrink: () => void
}

/** Receipts per exchange at which an answer is some megabytes. */
const TRANSACTIONS_PER_BATCH = 2_000

/** How many blocks fit into one exchange: small blocks travel in large batches, large ones in small, failing ones alone. */
export const createBatchSizer = (max: number): BatchSizer => {
  let perBlock: number | undefined
  let ceiling = max
  return {
    size: () => {
      const fitting = perBlock === undefined ? 4 : TRANSACTIONS_PER_BATCH / Math.max(perBlock, 1)
      return Math.max(1, Math.min(ceiling, Math.floor(fitting)))
    },
    note: (blocks, transactions) => {
      if (blocks === 0) return
      const mean = transactions / blocks
      perBlock = perBlock === undefined ? mean : perBlock + 0.3 * (mean - perBlock)
      ceiling = Math.min(max, ceiling + 1)
    },
    shrink: () => {
      ceiling = Math.max(1, Math.floor(ceiling / 2))
    },
  }
}

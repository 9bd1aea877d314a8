/** How transactions are fetched: whole, or receipts only with calldata on request. */
export type FetchMode = 'full' | 'receipts'

/** What one block took either way (ms). */
export type Comparison = {
  readonly transactions: number
  readonly full: number
  readonly receipts: number
}

export type ModeChooser = {
  readonly mode: () => FetchMode
  /** A block was fetched: true when it should be fetched the other way too, off the hot path, for comparison. */
  readonly isProbeDue: (transactions: number) => boolean
  readonly note: (comparison: Comparison) => void
}

/** A whole block may cost this much more than its receipts before calldata is left out. */
const WORTH = 1.5
/** The first comparisons are made while all is cold, so others follow soon. */
const EARLY_PROBES: readonly number[] = [1, 2, 3, 6, 12, 24, 48, 96]
const PROBE_EVERY = 256
const KEPT_WEIGHT = 0.7

/**
 * Decides between whole blocks and receipts only, by blocks that were fetched both ways. Large blocks count for more
 * than small ones, whose times say little. Compared again and again whichever is chosen, so that no first impression
 * stays.
 */
export const createModeChooser = (setting: 'auto' | FetchMode): ModeChooser => {
  let logRatios = 0
  let weight = 0
  let blocks = 0
  return {
    mode: () => {
      if (setting !== 'auto') return setting
      return weight > 0 && Math.exp(logRatios / weight) <= WORTH ? 'full' : 'receipts'
    },
    note: ({ transactions, full, receipts }) => {
      if (transactions === 0 || full <= 0 || receipts <= 0) return
      logRatios = logRatios * KEPT_WEIGHT + transactions * Math.log(full / receipts)
      weight = weight * KEPT_WEIGHT + transactions
    },
    isProbeDue: (transactions) => {
      if (setting !== 'auto' || transactions === 0) return false
      blocks++
      return EARLY_PROBES.includes(blocks) || blocks % PROBE_EVERY === 0
    },
  }
}

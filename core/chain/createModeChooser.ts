/** How transactions are fetched: whole, or receipts only with calldata on request. */
export type FetchMode = 'full' | 'receipts'

export type ModeChooser = {
  readonly mode: () => FetchMode
  /** True when a block of the other kind should be fetched once for comparison, off the hot path. */
  readonly shouldProbe: (transactions: number) => boolean
  readonly note: (kind: FetchMode, durationMs: number) => void
}

/** A whole block may cost this much more than its receipts before calldata is left out. */
const WORTH = 1.5
const FIRST_PROBES = 3
const PROBE_EVERY = 256

/**
 * Decides between whole blocks and receipts only, by what either took lately. Decaying sums make large blocks count
 * for more than small ones, whose times say nothing.
 */
export const createModeChooser = (setting: 'auto' | FetchMode): ModeChooser => {
  const spent = { full: 0, receipts: 0 }
  const samples = { full: 0, receipts: 0 }
  let blocks = 0
  const note = (kind: FetchMode, durationMs: number): void => {
    const weight = samples[kind]
    samples[kind] = weight * 0.9 + 1
    spent[kind] = spent[kind] * 0.9 + durationMs
  }
  const mean = (kind: FetchMode): number => spent[kind] / samples[kind]
  const mode = (): FetchMode => {
    if (setting !== 'auto') return setting
    if (samples.full === 0 || samples.receipts === 0) return 'receipts'
    return mean('full') > WORTH * mean('receipts') ? 'receipts' : 'full'
  }
  return {
    mode,
    note,
    shouldProbe: (transactions) => {
      if (setting !== 'auto' || transactions === 0 || mode() === 'full') return false
      blocks++
      return blocks <= FIRST_PROBES || blocks % PROBE_EVERY === 0
    },
  }
}

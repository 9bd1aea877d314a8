import type { Address } from '../../base/index.ts'

/** One label of a file, as it was understood. */
export type LabelRow = {
  /** Lower case. */
  readonly address: Address
  /** For people: "Binance 14". Cleaned, at most 100 characters. */
  readonly name: string
  /** Lower case with dashes, at most 16. */
  readonly tags: readonly string[]
  /** Undefined: on every chain. */
  readonly chainId: number | undefined
  /** Where the file says that it knows this from. */
  readonly origin: string | undefined
}

/** A label of one of the watchlist's files. Earlier files come first: of two for one address the first holds. */
export type ConfigLabel = LabelRow & {
  /** Name of the file. */
  readonly source: string
}

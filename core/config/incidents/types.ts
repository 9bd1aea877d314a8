import type { Hex } from '../../base/index.ts'
import type { Place } from '../types.ts'

/** One thing that really happened, as somebody labelled it. */
export type LabelledIncident = {
  readonly name: string
  /** Name of the chain in the watchlist. */
  readonly chain: string
  /** First block in which it could be seen; undefined where only transactions are named. */
  readonly from: number | undefined
  /** Last block of it; undefined: `from`, or the last of the transactions. */
  readonly to: number | undefined
  /** Block, or transaction, with which the money was gone; findings before it have a lead. */
  readonly loss: number | Hex | undefined
  readonly txs: readonly Hex[]
  /** Names of watched things; none: anything on the chain. */
  readonly things: readonly string[]
  /** Bots that should find it; none: any. */
  readonly bots: readonly string[]
  /** Alerts that count as finding it; none: any. */
  readonly alerts: readonly string[]
  /** Where it stands, and where each of its transactions does. */
  readonly at: Place
  readonly txsAt: readonly Place[]
  readonly lossAt: Place
}

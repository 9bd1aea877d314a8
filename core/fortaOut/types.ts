import type { Address } from '../base/index.ts'
import type { WatchedThing } from '../config/types.ts'
import type { Label } from '../engine/types.ts'

/** What of a watchlist goes into a packed bot; amounts are tagged texts in the file. */
export type PackedWatch = {
  /** Whose findings are told; the others of `bots` only feed it. */
  readonly bot: string
  /** Parameters as the watchlist gives them, by bot. */
  readonly bots: Readonly<
    Record<
      string,
      { readonly enabled: true; readonly parameters: Readonly<Record<string, unknown>> }
    >
  >
  readonly chains: readonly PackedChain[]
}
export type PackedChain = {
  readonly id: number
  readonly name: string
  readonly traces: 'auto' | 'none' | 'parity' | 'debug'
  readonly multicall3?: Address | 'none' | undefined
  readonly things: readonly WatchedThing[]
  readonly labels: readonly Label[]
}

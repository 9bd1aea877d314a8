import type { Address, BotContext, BotThing, LogNeed, ReadNeed } from 'tocsin'
import type { TvlDropParameters } from './parameters.ts'

export type TvlContext = BotContext<TvlDropParameters>
export type TvlThing = BotThing<TvlDropParameters>

/** One value of a thing at one block. */
export type Line = {
  /** Tells the lines of a thing apart, for ever: part of the names of its windows. */
  readonly key: string
  /** Smallest units of `token`; where there is no token, of `unit`. */
  readonly value: bigint
  /** What people read when there is no token. */
  readonly unit: string
  readonly token: Address | undefined
  /** Shares outstanding against the value. */
  readonly shares: bigint | undefined
  /**
   * Of a pool whose price moves: balances and the square root of the price (X96). Compared at the price of the earlier
   * block, at which no swap can lower the value.
   */
  readonly pool:
    | { readonly amount0: bigint; readonly amount1: bigint; readonly sqrtPriceX96: bigint }
    | undefined
  /** Counts only as long as it was nearly all of this other line. */
  readonly insteadOf: string | undefined
}

export type Reading = {
  readonly lines: readonly Line[]
  /** What could not be read, one phrase each. */
  readonly failed: readonly string[]
}

/** How the value of one thing is measured. */
export type Gauge = {
  readonly thing: TvlThing
  readonly reads: readonly ReadNeed[]
  readonly logs: readonly LogNeed[]
  /** True when the answers cost reads of their own, so that they are asked for when something happened only. */
  readonly isLazy: boolean
  readonly measure: (ctx: TvlContext) => Promise<Reading> | Reading
}

export const plainLine = (
  line: Pick<Line, 'key' | 'value' | 'token'> &
    Partial<Pick<Line, 'unit' | 'shares' | 'insteadOf'>>,
): Line => ({
  unit: 'smallest units',
  shares: undefined,
  pool: undefined,
  insteadOf: undefined,
  ...line,
})

import type { LiquidityEvent } from './liquidityEvents.ts'

/** What providers took out, net, of what there was. Negative when more came than went. */
export type Removal = {
  readonly removed: bigint
  readonly before: bigint
  /** What it was measured by, for people. */
  readonly by:
    | 'shares'
    | 'in-range liquidity at the old price'
    | 'in-range liquidity at the new price'
}

/** v2: shares tell how much of both reserves belongs to providers, whatever swaps do. */
export const measureShares = (supply: {
  readonly before: bigint
  readonly after: bigint
}): Removal => ({
  removed: supply.before - supply.after,
  before: supply.before,
  by: 'shares',
})

/** Net liquidity that the events took out of the ranges around one tick. */
export const removedAt = (events: readonly LiquidityEvent[], tick: number): bigint =>
  events.reduce((sum, { name, range }) => {
    if (!range || tick < range.lower || tick >= range.upper) return sum
    return name === 'Burn' ? sum + range.liquidity : sum - range.liquidity
  }, 0n)

const isWorse = (a: Removal, b: Removal): boolean => a.removed * b.before > b.removed * a.before

/**
 * v3: what Mint and Burn changed around the tick before the block, of the liquidity that was there, and the same around
 * the tick after it; the worse of both. Swaps that cross ticks change the liquidity in range too, but no event of a
 * provider tells of that, so they count for nothing.
 */
export const measureRange = (
  events: readonly LiquidityEvent[],
  before: { readonly tick: number; readonly liquidity: bigint },
  after: { readonly tick: number; readonly liquidity: bigint },
): Removal | undefined => {
  const atOld: Removal = {
    removed: removedAt(events, before.tick),
    before: before.liquidity,
    by: 'in-range liquidity at the old price',
  }
  const gone = removedAt(events, after.tick)
  const atNew: Removal = {
    removed: gone,
    // What would lie here if no provider had done anything in this block.
    before: after.liquidity + gone,
    by: 'in-range liquidity at the new price',
  }
  const usable = [atOld, atNew].filter((one) => one.before > 0n)
  return usable.reduce<Removal | undefined>(
    (worst, one) => (!worst || isWorse(one, worst) ? one : worst),
    undefined,
  )
}

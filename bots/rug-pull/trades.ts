import type { Address } from 'tocsin'
import type { RugPullParameters } from './parameters.ts'

/** Trades of one token against its watched pools. Halved when large, so that the share of sells follows the times. */
export type Trades = {
  readonly buys: number
  readonly sells: number
  /** Buys since the last sell, and some of who bought. */
  readonly run: number
  readonly buyers: readonly Address[]
}

export const NO_TRADES: Trades = { buys: 0, sells: 0, run: 0, buyers: [] }
const MAX_TRADES = 1_000
const MAX_BUYERS = 64

export const addTrade = (trades: Trades, trade: 'sell' | Address): Trades => {
  const isFull = trades.buys + trades.sells >= MAX_TRADES
  const buys = isFull ? trades.buys / 2 : trades.buys
  const sells = isFull ? trades.sells / 2 : trades.sells
  if (trade === 'sell') return { buys, sells: sells + 1, run: 0, buyers: [] }
  const isKnown = trades.buyers.includes(trade) || trades.buyers.length >= MAX_BUYERS
  return {
    buys: buys + 1,
    sells,
    run: trades.run + 1,
    buyers: isKnown ? trades.buyers : [...trades.buyers, trade],
  }
}

/** Whether so many buys without a sell are no chance. The run itself does not count as history. */
export const lacksSells = (
  { buys, sells, run, buyers }: Trades,
  { minTrades, minSellBps, chance, minBuyers }: RugPullParameters,
): boolean => {
  const known = buys + sells - run
  if (known < minTrades || buyers.length < minBuyers) return false
  const share = sells / known
  return (
    share * 10_000 >= minSellBps && run * Math.log(1 - Math.min(share, 0.99)) <= Math.log(chance)
  )
}

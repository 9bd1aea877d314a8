import type { Hex } from '../../base/index.ts'
import type { BotContext } from '../types.ts'

type PoolVariant = 'uniswap-v2' | 'uniswap-v3' | 'uniswap-v4' | 'curve'

/** Pools that have an address of their own and tell a price of two tokens: what bots that read prices or reserves accept. */
export const isUniswapPool = (thing: {
  readonly kind: string
  readonly variant?: string
}): boolean =>
  thing.kind === 'pool' && (thing.variant === 'uniswap-v2' || thing.variant === 'uniswap-v3')

/** Topics of the logs that tell a pool's price: `Sync` of Uniswap v2, `Swap` of v3 and v4, `TokenExchange` of Curve. */
export const POOL_PRICE_TOPIC: Readonly<Record<PoolVariant, Hex>> = {
  'uniswap-v2': '0x1c411e9a96e071241c2f21f7726b17ae89e3cab4c78be50e062b03a9fffbbad1',
  'uniswap-v3': '0xc42079f94a6350d7e6235f29174924f928cc2ac818eb64fed8004e115fbcca67',
  'uniswap-v4': '0x40e9cecb9f5f1f1c5b9c97dec2917b7ee92e57ba5563708daca94dd84ad7112f',
  curve: '0x8b3e96f2b889fa771c53c981b40daf005f63f637f1869f707052d15a3dd97140',
}

/** One smallest unit of token1 for one of token0, as poolPrice says it. */
const ONE_X128 = 128n
const MOST_BPS = 1_000_000_000

const word = (data: Hex, index: number): bigint => {
  const text = data.slice(2 + 64 * index, 66 + 64 * index)
  return text.length === 64 ? BigInt(`0x${text}`) : 0n
}

/** Both reserves of a v2 pair from the data of its `Sync`. */
export const reservesOf = (data: Hex): readonly [bigint, bigint] => [word(data, 0), word(data, 1)]

/** Price of a pair with these reserves: token1 for token0 in smallest units, times 2^128. Undefined when one is empty. */
export const priceOfReserves = (reserve0: bigint, reserve1: bigint): bigint | undefined =>
  reserve0 > 0n && reserve1 > 0n ? (reserve1 << ONE_X128) / reserve0 : undefined

/** The same from the root that a v3 pool keeps (X96). */
export const priceOfRoot = (sqrtPriceX96: bigint): bigint | undefined =>
  sqrtPriceX96 > 0n ? (sqrtPriceX96 * sqrtPriceX96) >> 64n : undefined

/** The price that a log tells, times 2^128; undefined when it tells none. */
export const priceOfLog = (
  variant: PoolVariant,
  log: { readonly topics: readonly Hex[]; readonly data: Hex },
): bigint | undefined => {
  if (log.topics[0] !== POOL_PRICE_TOPIC[variant]) return undefined
  if (variant === 'curve') return undefined
  if (variant === 'uniswap-v2') return priceOfReserves(...reservesOf(log.data))
  return log.data.length >= 322 ? priceOfRoot(word(log.data, 2)) : undefined
}

/** How far two prices lie apart, as a part of the lower one (bps, rounded down). The same in both directions. */
export const gapBps = (a: bigint, b: bigint): number => {
  const [low, high] = a < b ? [a, b] : [b, a]
  if (low <= 0n) return high > 0n ? MOST_BPS : 0
  const gap = ((high - low) * 10_000n) / low
  return gap > BigInt(MOST_BPS) ? MOST_BPS : Number(gap)
}

type Track = {
  readonly price: bigint
  readonly atS: number
  /** Sum of price times seconds since `sinceS`, up to `atS`. */
  readonly sum: bigint
  readonly sinceS: number
  readonly sinceBlock: number
  /** The price before the second of `atS`. */
  readonly base: bigint
}

/** A price over block time, and its time-weighted average. */
export type PriceTrack = {
  readonly last: () => bigint | undefined
  /** Blocks since the first price; 0 in its own block. */
  readonly blocks: () => number
  /** The price at the end of this block. */
  readonly record: (price: bigint) => void
  /** Average over the span, or since the first price where that is shorter. This block's own price has no weight. Of a chain's first second the price that it began with. */
  readonly average: () => bigint | undefined
}

/** Samples in a span: the average is exact at a sample, and straight between two. */
const SAMPLES = 128

/** Keeps a price in the bot's state under `key`: five numbers, and at most about 130 samples over `spanS` seconds. */
export const trackPrice = <P>(
  ctx: Pick<BotContext<P>, 'state' | 'window' | 'block'>,
  key: string,
  spanS: number,
): PriceTrack => {
  const nowS = ctx.block.timestampS
  const stateKey = `price:${key}`
  const read = (): Track | undefined => ctx.state.get<Track>(stateKey)
  const samples = () => ctx.window(`sum:${key}`, { keepS: spanS })
  const sumAt = (track: Track, atS: number): bigint => {
    if (track.atS <= atS) return track.sum + track.price * BigInt(atS - track.atS)
    const window = samples()
    const before = window.before(nowS - atS)
    const after = window.first(nowS - atS)
    const [fromS, fromSum] = before ? [before.timestampS, before.value] : [track.sinceS, 0n]
    const [toS, toSum] = after ? [after.timestampS, after.value] : [track.atS, track.sum]
    if (toS <= fromS) return fromSum
    return fromSum + ((toSum - fromSum) * BigInt(atS - fromS)) / BigInt(toS - fromS)
  }
  return {
    last: () => read()?.price,
    blocks: () => ctx.block.number - (read()?.sinceBlock ?? ctx.block.number),
    record: (price) => {
      const old = read()
      if (old?.price === price) return
      const sum = old ? old.sum + old.price * BigInt(nowS - old.atS) : 0n
      ctx.state.set(stateKey, {
        price,
        atS: nowS,
        sum,
        sinceS: old?.sinceS ?? nowS,
        sinceBlock: old?.sinceBlock ?? ctx.block.number,
        base: old === undefined ? price : old.atS === nowS ? old.base : old.price,
      })
      const window = samples()
      const last = window.last()
      if (!last || nowS - last.timestampS >= spanS / SAMPLES) window.add(sum)
    },
    average: () => {
      const track = read()
      if (!track) return undefined
      const startS = Math.max(nowS - spanS, track.sinceS)
      if (startS >= nowS) return track.base
      const end = track.sum + track.price * BigInt(nowS - track.atS)
      return (end - sumAt(track, startS)) / BigInt(nowS - startS)
    },
  }
}

import {
  type Address,
  type BotBlock,
  POOL_PRICE_TOPIC,
  priceOfLog,
  priceOfReserves,
  priceOfRoot,
  readToken,
  trackPrice,
} from 'tocsin'
import { uniswapV2PairAbi, uniswapV3PoolAbi } from '../../abis/index.ts'
import {
  answerGap,
  type Feed,
  type OracleContext,
  type OracleThing,
  type PoolThing,
} from './feed.ts'

/** Another opinion of the same price, in the oracle's decimals. */
export type Source = {
  readonly name: string
  readonly address: Address
  readonly kind: 'pool' | 'oracle'
  /** Its price now, and its average; the nearer one to the answer counts. */
  readonly prices: readonly bigint[]
  /** Since when the pair is known to be the same; undefined when the watchlist says so. */
  readonly sinceS: number | undefined
}

type PoolFacts = {
  readonly token0: Address
  readonly token1: Address
  readonly decimals0: number
  readonly decimals1: number
}
type Pairing = Record<string, { readonly looks: number; readonly sinceS: number }>

/** Within this of each other two prices agree (bps). */
const AGREE_BPS = 100

const readPool = async (ctx: OracleContext, thing: PoolThing): Promise<PoolFacts | undefined> => {
  const key = `pool:${thing.name}`
  const known = ctx.state.get<PoolFacts>(key)
  if (known) return known
  const { address } = thing
  const read = (functionName: string) =>
    ctx.read.call<Address>({ address, abi: uniswapV2PairAbi, functionName })
  const [token0, token1] = await Promise.all([read('token0'), read('token1')])
  if (!token0.ok || !token1.ok) return undefined
  const [one, two] = await Promise.all(
    [token0.value, token1.value].map((token) => readToken(ctx, token.toLowerCase() as Address)),
  )
  if (one?.decimals === undefined || two?.decimals === undefined) return undefined
  const facts = {
    token0: one.address,
    token1: two.address,
    decimals0: one.decimals,
    decimals1: two.decimals,
  }
  ctx.state.set(key, facts)
  return facts
}

const presentPrice = async (ctx: OracleContext, thing: PoolThing): Promise<bigint | undefined> => {
  const { address } = thing
  if (thing.variant === 'uniswap-v2') {
    const answer = await ctx.read.call<readonly [bigint, bigint, number]>({
      address,
      abi: uniswapV2PairAbi,
      functionName: 'getReserves',
    })
    return answer.ok ? priceOfReserves(answer.value[0], answer.value[1]) : undefined
  }
  const answer = await ctx.read.call<readonly [bigint, ...unknown[]]>({
    address,
    abi: uniswapV3PoolAbi,
    functionName: 'slot0',
  })
  return answer.ok ? priceOfRoot(answer.value[0]) : undefined
}

/** Follows the pools' prices. @returns the names of those that moved, or are seen for the first time */
export const followPools = async (
  ctx: OracleContext,
  block: BotBlock,
  pools: readonly PoolThing[],
): Promise<ReadonlySet<string>> => {
  const moved = new Set<string>()
  for (const thing of pools) {
    const topic = POOL_PRICE_TOPIC[thing.variant]
    const track = trackPrice(ctx, thing.name, thing.parameters.twapS)
    const log = block.logs.findLast(
      ({ address, topics }) => address === thing.address && topics[0] === topic,
    )
    const isNew = track.last() === undefined
    if (!log && !isNew) continue
    const price = (log && priceOfLog(thing.variant, log)) ?? (await presentPrice(ctx, thing))
    if (price === undefined) continue
    track.record(price)
    moved.add(thing.name)
  }
  return moved
}

/** The pool's price as the oracle would say it. */
const asAnswer = (
  priceX128: bigint,
  pool: PoolFacts,
  decimals: number,
  isInverse: boolean,
): bigint => {
  const [unit0, unit1] = [10n ** BigInt(pool.decimals0), 10n ** BigInt(pool.decimals1)]
  const scale = 10n ** BigInt(decimals)
  if (!isInverse) return ((priceX128 * unit0 * scale) / unit1) >> 128n
  return priceX128 > 0n ? ((unit1 * scale) << 128n) / (priceX128 * unit0) : 0n
}

/** Which way round the watchlist says a pool is of the oracle's pair. */
const namedWay = (thing: OracleThing, pool: PoolFacts): boolean | undefined => {
  const [base, quote] = [thing.base?.toLowerCase(), thing.quote?.toLowerCase()]
  if (base === pool.token0 && quote === pool.token1) return false
  if (base === pool.token1 && quote === pool.token0) return true
  return undefined
}

const isNearOne = (answer: bigint, decimals: number): boolean =>
  answerGap(answer, 10n ** BigInt(decimals)) < 1_000

const isAgreed = (price: bigint, answer: bigint, decimals: number): boolean =>
  !isNearOne(answer, decimals) && answerGap(price, answer) <= AGREE_BPS

/** The way round in which a pool has agreed with the answer for long enough; counts this block when it has not yet. */
const learnedWay = (
  ctx: OracleContext,
  thing: OracleThing,
  decimals: number,
  answer: bigint,
  pool: { readonly name: string; readonly facts: PoolFacts; readonly price: bigint },
): { readonly isInverse: boolean; readonly sinceS: number } | undefined => {
  const key = `pairs:${thing.name}`
  const pairing = { ...ctx.state.get<Pairing>(key) }
  let hasChanged = false
  for (const isInverse of [false, true]) {
    const id = `${isInverse ? '1' : '0'}:${pool.name}`
    const known = pairing[id]
    if (known && known.looks >= thing.parameters.pairBlocks)
      return { isInverse, sinceS: known.sinceS }
    const agrees = isAgreed(asAnswer(pool.price, pool.facts, decimals, isInverse), answer, decimals)
    if (!agrees && !known) continue
    hasChanged = true
    const sinceS = known?.sinceS ?? ctx.block.timestampS
    if (agrees) pairing[id] = { looks: (known?.looks ?? 0) + 1, sinceS }
    else delete pairing[id]
  }
  if (hasChanged) ctx.state.set(key, pairing)
  return undefined
}

const poolSource = async (
  ctx: OracleContext,
  thing: OracleThing,
  feed: Feed,
  answer: bigint,
  pool: PoolThing,
): Promise<Source | undefined> => {
  const facts = await readPool(ctx, pool)
  const track = trackPrice(ctx, pool.name, pool.parameters.twapS)
  const price = track.last()
  if (!facts || price === undefined) return undefined
  const { name, address } = pool
  const named = namedWay(thing, facts)
  // Who names a pair means that one alone.
  const isNamed = thing.base !== undefined && thing.quote !== undefined
  const learned = isNamed
    ? undefined
    : learnedWay(ctx, thing, feed.decimals, answer, { name, facts, price })
  const isInverse = named ?? learned?.isInverse
  if (isInverse === undefined) return undefined
  const prices = [price, track.average() ?? price].map((one) =>
    asAnswer(one, facts, feed.decimals, isInverse),
  )
  return { name, address, kind: 'pool', prices, sinceS: learned?.sinceS }
}

/** Opinions of watched pools of the pair. */
export const poolSources = async (
  ctx: OracleContext,
  thing: OracleThing,
  feed: Feed,
  answer: bigint,
  pools: readonly PoolThing[],
): Promise<readonly Source[]> => {
  const found: Source[] = []
  for (const pool of pools) {
    const source = await poolSource(ctx, thing, feed, answer, pool)
    if (source) found.push(source)
  }
  return found
}

/** Whether two feeds tell the price of one pair: by the watchlist, or by what both call themselves. */
export const isSamePair = (
  a: { readonly thing: OracleThing; readonly feed: Feed },
  b: { readonly thing: OracleThing; readonly feed: Feed },
): boolean => {
  if (a.thing.base && a.thing.quote && b.thing.base && b.thing.quote)
    return (
      a.thing.base.toLowerCase() === b.thing.base.toLowerCase() &&
      a.thing.quote.toLowerCase() === b.thing.quote.toLowerCase()
    )
  return a.feed.description !== '' && a.feed.description === b.feed.description
}

export const rescale = (answer: bigint, from: number, to: number): bigint =>
  to >= from ? answer * 10n ** BigInt(to - from) : answer / 10n ** BigInt(from - to)

import {
  type Address,
  type BotContext,
  type BotThing,
  type ReadResult,
  readToken,
  TocsinError,
  type TokenInfo,
} from 'tocsin'
import { erc20Abi, uniswapV2PairAbi, uniswapV3PoolAbi } from '../../abis/index.ts'
import { shareToken } from './curve.ts'
import type { LiquidityEvent } from './liquidityEvents.ts'
import { measureRange, measureShares, type Removal } from './measureRemoval.ts'
import type { LiquidityPullParameters } from './parameters.ts'
import { readV4Range } from './uniswapV4.ts'

export type PullContext = BotContext<LiquidityPullParameters>
export type PoolThing = Extract<BotThing<LiquidityPullParameters>, { readonly kind: 'pool' }>

const demand = <T>(thing: PoolThing, what: string, result: ReadResult<T>): T => {
  if (result.ok) return result.value
  throw new TocsinError(
    'bot.pool_unreadable',
    `The pool "${thing.name}" does not answer ${what}.`,
    {
      cause: new Error(result.reason),
      hints: ['Check its address and `variant` in the watchlist.'],
    },
  )
}

const supplyAt = async (
  ctx: PullContext,
  thing: PoolThing,
  shares: Address,
  at: 'block' | 'parent',
): Promise<bigint> =>
  demand(
    thing,
    'totalSupply()',
    await ctx.read.call<bigint>({
      address: shares,
      abi: erc20Abi,
      functionName: 'totalSupply',
      at,
    }),
  )

const rangeAt = async (ctx: PullContext, thing: PoolThing, at: 'block' | 'parent') => {
  const base = { address: thing.address, abi: uniswapV3PoolAbi, at } as const
  const [slot0, liquidity] = await Promise.all([
    ctx.read.call<readonly [bigint, number, ...unknown[]]>({ ...base, functionName: 'slot0' }),
    ctx.read.call<bigint>({ ...base, functionName: 'liquidity' }),
  ])
  // A pool that did not exist at the parent had nothing that could be pulled.
  if (at === 'parent' && (!slot0.ok || !liquidity.ok)) return undefined
  return {
    tick: demand(thing, 'slot0()', slot0)[1],
    liquidity: demand(thing, 'liquidity()', liquidity),
  }
}

/**
 * Net removal of a block in which providers did something; undefined when there was nothing before.
 * @throws TocsinError `bot.pool_unreadable` when the address is no such pool
 */
export const measurePool = async (
  ctx: PullContext,
  thing: PoolThing,
  events: readonly LiquidityEvent[],
): Promise<Removal | undefined> => {
  if (thing.variant === 'uniswap-v2' || thing.variant === 'curve') {
    const shares = thing.variant === 'curve' ? await shareToken(ctx, thing) : thing.address
    const [code, after] = await Promise.all([
      ctx.read.code(shares, 'parent'),
      supplyAt(ctx, thing, shares, 'block'),
    ])
    if (code === '0x') return undefined
    const removal = measureShares({ before: await supplyAt(ctx, thing, shares, 'parent'), after })
    return removal.before > 0n ? removal : undefined
  }
  const read = thing.variant === 'uniswap-v4' ? readV4Range : rangeAt
  const [before, after] = await Promise.all([read(ctx, thing, 'parent'), read(ctx, thing, 'block')])
  return before && after ? measureRange(events, before, after) : undefined
}

/** Both tokens of a pair: read once. Undefined while the pool does not say, and where it has no two tokens of its own. */
export const poolTokens = async (
  ctx: PullContext,
  thing: PoolThing,
): Promise<readonly [TokenInfo, TokenInfo] | undefined> => {
  if (thing.variant === 'curve' || thing.variant === 'uniswap-v4') return undefined
  const key = `tokens:${thing.name}`
  let tokens = ctx.state.get<[Address, Address]>(key)
  if (!tokens) {
    const read = (functionName: 'token0' | 'token1') =>
      ctx.read.call<Address>({ address: thing.address, abi: uniswapV2PairAbi, functionName })
    const [token0, token1] = await Promise.all([read('token0'), read('token1')])
    if (!token0.ok || !token1.ok) return undefined
    tokens = [token0.value.toLowerCase() as Address, token1.value.toLowerCase() as Address]
    ctx.state.set(key, tokens)
  }
  const [token0, token1] = tokens
  return Promise.all([readToken(ctx, token0), readToken(ctx, token1)])
}

import {
  type Address,
  addressTopic,
  type Hex,
  listReserves,
  type ReadResult,
  readReserve,
} from 'tocsin'
import { erc20Abi, uniswapV3PoolAbi } from '../../abis/index.ts'
import { outflowLogs } from './declaredGauges.ts'
import { type Gauge, type Line, plainLine, type TvlContext, type TvlThing } from './gauge.ts'

const TRANSFER: Hex = '0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef'

const balanceOf = (ctx: TvlContext, token: Address, holder: Address): Promise<ReadResult<bigint>> =>
  ctx.read.call<bigint>({
    address: token,
    abi: erc20Abi,
    functionName: 'balanceOf',
    args: [holder],
  })

const poolTokens = async (
  ctx: TvlContext,
  thing: TvlThing,
): Promise<readonly [Address, Address] | undefined> => {
  const known = ctx.state.get<[Address, Address]>(`pool:${thing.name}`)
  if (known) return known
  const read = (functionName: string): Promise<ReadResult<Address>> =>
    ctx.read.call<Address>({ address: thing.address, abi: uniswapV3PoolAbi, functionName })
  const [token0, token1] = await Promise.all([read('token0'), read('token1')])
  if (!token0.ok || !token1.ok) return undefined
  const tokens: [Address, Address] = [
    token0.value.toLowerCase() as Address,
    token1.value.toLowerCase() as Address,
  ]
  ctx.state.set(`pool:${thing.name}`, tokens)
  return tokens
}

/** Value of a v3 pool's balances in its token1, at a price. */
export const poolValue = (
  amounts: { readonly amount0: bigint; readonly amount1: bigint },
  sqrtPriceX96: bigint,
): bigint => ((amounts.amount0 * sqrtPriceX96 * sqrtPriceX96) >> 192n) + amounts.amount1

/** Balances of a v3 pool. */
export const concentratedGauge = (thing: TvlThing): Gauge => ({
  thing,
  isLazy: true,
  reads: [],
  logs: [
    { address: thing.address },
    ...outflowLogs(thing),
    { topics: [TRANSFER, null, addressTopic(thing.address)] },
  ],
  measure: async (ctx) => {
    const tokens = await poolTokens(ctx, thing)
    if (!tokens) return { lines: [], failed: ['token0() and token1()'] }
    const [amount0, amount1, slot0] = await Promise.all([
      balanceOf(ctx, tokens[0], thing.address),
      balanceOf(ctx, tokens[1], thing.address),
      ctx.read.call<readonly [bigint, ...unknown[]]>({
        address: thing.address,
        abi: uniswapV3PoolAbi,
        functionName: 'slot0',
      }),
    ])
    if (!amount0.ok || !amount1.ok) return { lines: [], failed: ['the balances of the pool'] }
    if (!slot0.ok) return { lines: [], failed: ['slot0()'] }
    const pool = { amount0: amount0.value, amount1: amount1.value, sqrtPriceX96: slot0.value[0] }
    const line: Line = {
      ...plainLine({
        key: 'balances',
        value: poolValue(pool, pool.sqrtPriceX96),
        token: tokens[1],
      }),
      pool,
    }
    return { lines: [line], failed: [] }
  },
})

/**
 * What a lending market has of each reserve, cash and loans, against what it owes depositors: a withdrawal takes from
 * both, a loan from neither.
 */
export const lendingGauge = (thing: TvlThing): Gauge => ({
  thing,
  isLazy: true,
  reads: [],
  logs: [{ address: thing.address }],
  measure: async (ctx) => {
    const reserves = await listReserves(ctx, thing.address)
    if (!reserves) return { lines: [], failed: ['the list of reserves'] }
    const states = await Promise.all(reserves.map((reserve) => readReserve(ctx, reserve)))
    const lines: Line[] = []
    const failed: string[] = []
    for (const [index, { asset }] of reserves.entries()) {
      const state = states[index]
      if (state) {
        const value = state.cash + state.debt
        lines.push(plainLine({ key: asset, value, token: asset, shares: state.supplied }))
      } else failed.push(`the reserve ${asset}`)
    }
    return { lines, failed }
  },
})

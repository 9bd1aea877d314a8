import { type Address, type ChainLog, decodeLog, type Hex, readToken, type TokenInfo } from 'tocsin'
import { parseAbi, toEventSelector } from 'viem/utils'
import { curveLiquidityEventsAbi, curvePoolAbi, erc20Abi } from '../../abis/index.ts'
import type { LiquidityEvent } from './liquidityEvents.ts'
import type { PoolThing, PullContext } from './pool.ts'

/** Topics of what providers do in a Curve pool, of every generation. */
export const CURVE_TOPICS: readonly Hex[] = [
  ...new Set(
    curveLiquidityEventsAbi.flatMap((item) =>
      item.type === 'event' ? [toEventSelector(item)] : [],
    ),
  ),
]

const MAX_COINS = 8
const oldCoins = parseAbi(['function coins(int128 index) view returns (address)'])

const amountsOf = (value: unknown): readonly bigint[] =>
  Array.isArray(value)
    ? value.slice(0, MAX_COINS).map((one: unknown) => (typeof one === 'bigint' ? one : 0n))
    : []

/** Of one coin: its amount at its place, where the event tells which coin it was. */
const single = (args: Readonly<Record<string, unknown>>): readonly bigint[] => {
  const place = args['token_id'] ?? args['coin_index']
  const amount = args['coin_amount']
  if (typeof amount !== 'bigint' || (typeof place !== 'bigint' && typeof place !== 'number'))
    return []
  const index = Number(place)
  return index >= 0 && index < MAX_COINS ? [...Array.from({ length: index }, () => 0n), amount] : []
}

/** What providers did in a Curve pool. */
export const readCurveEvents = (logs: readonly ChainLog[]): readonly LiquidityEvent[] =>
  logs.flatMap((log): readonly LiquidityEvent[] => {
    const decoded = decodeLog(curveLiquidityEventsAbi, log)
    if (!decoded) return []
    const { name, args } = decoded
    const amounts = name === 'RemoveLiquidityOne' ? single(args) : amountsOf(args['token_amounts'])
    const provider = args['provider']
    return [
      {
        name: name === 'AddLiquidity' ? 'Mint' : 'Burn',
        owner: typeof provider === 'string' ? (provider.toLowerCase() as Address) : undefined,
        amount0: amounts[0] ?? 0n,
        amount1: amounts[1] ?? 0n,
        amounts,
        range: undefined,
        txHash: log.txHash,
        logIndex: log.logIndex,
      },
    ]
  })

const known = async (
  ctx: PullContext,
  pool: Address,
  name: string,
): Promise<Address | undefined> => {
  const answer = await ctx.read.call<string>({
    address: pool,
    abi: curvePoolAbi,
    functionName: name,
  })
  return answer.ok && BigInt(answer.value) !== 0n
    ? (answer.value.toLowerCase() as Address)
    : undefined
}

/** The token of a pool's shares: what the watchlist says, what the pool says, else the pool itself. Asked once. */
export const shareToken = async (ctx: PullContext, thing: PoolThing): Promise<Address> => {
  if (thing.lpToken) return thing.lpToken.toLowerCase() as Address
  const key = `lp:${thing.name}`
  const kept = ctx.state.get<Address>(key)
  if (kept) return kept
  const isItself = await ctx.read.call({
    address: thing.address,
    abi: erc20Abi,
    functionName: 'totalSupply',
  })
  const token = isItself.ok
    ? thing.address
    : ((await known(ctx, thing.address, 'lp_token')) ??
      (await known(ctx, thing.address, 'token')) ??
      thing.address)
  ctx.state.set(key, token)
  return token
}

/** The coins of a pool, in their order. Asked once. */
export const curveCoins = async (
  ctx: PullContext,
  thing: PoolThing,
): Promise<readonly TokenInfo[]> => {
  const key = `coins:${thing.name}`
  let coins = ctx.state.get<readonly Address[]>(key)
  if (!coins) {
    const found: Address[] = []
    for (let index = 0; index < MAX_COINS; index++) {
      const ask = (abi: typeof curvePoolAbi | typeof oldCoins) =>
        ctx.read.call<string>({
          address: thing.address,
          abi,
          functionName: 'coins',
          args: [BigInt(index)],
        })
      let answer = await ask(curvePoolAbi)
      if (!answer.ok) answer = await ask(oldCoins)
      if (!answer.ok) break
      found.push(answer.value.toLowerCase() as Address)
    }
    coins = found
    ctx.state.set(key, coins)
  }
  return Promise.all(coins.map((coin) => readToken(ctx, coin)))
}

import type { Address, BotContext, BotThing, ReadResult } from 'tocsin'
import { parseAbi } from 'viem/utils'
import { aaveV3PoolAbi, erc4626Abi, uniswapV3PoolAbi } from '../../abis/index.ts'
import type { OutflowCapParameters } from './parameters.ts'

export type CapContext = BotContext<OutflowCapParameters>
export type CapThing = BotThing<OutflowCapParameters>

/** An address that holds tokens of a thing. */
export type Holder = {
  readonly thing: CapThing
  readonly address: Address
  /** The tokens that count; undefined: every one that it really holds. */
  readonly tokens: readonly Address[] | undefined
  /** Contracts whose burn or mint in the same transaction pays for what leaves: of lending markets, deposits and debts. */
  readonly receipts: readonly Address[]
}

const MAX_RESERVES = 128
const REFRESH_S = 3_600
const reserveAbi = parseAbi([
  'function getReserveData(address asset) view returns ((uint256 configuration, uint128 liquidityIndex, uint128 currentLiquidityRate, uint128 variableBorrowIndex, uint128 currentVariableBorrowRate, uint128 currentStableBorrowRate, uint40 lastUpdateTimestamp, uint16 id, address aTokenAddress, address stableDebtTokenAddress, address variableDebtTokenAddress, address interestRateStrategyAddress, uint128 accruedToTreasury, uint128 unbacked, uint128 isolationModeTotalDebt))',
])

const lower = (address: string): Address => address.toLowerCase() as Address

type Reserve = { readonly asset: Address; readonly deposit: Address; readonly debt: Address }

const readReserves = async (ctx: CapContext, thing: CapThing): Promise<readonly Reserve[]> => {
  const key = `reserves:${thing.name}`
  const known = ctx.state.get<{ atS: number; list: Reserve[] }>(key)
  if (known && ctx.block.timestampS - known.atS < REFRESH_S) return known.list
  const assets = await ctx.read.call<readonly Address[]>({
    address: thing.address,
    abi: aaveV3PoolAbi,
    functionName: 'getReservesList',
  })
  if (!assets.ok) return known?.list ?? []
  const list = await Promise.all(
    assets.value.slice(0, MAX_RESERVES).map(async (asset): Promise<readonly Reserve[]> => {
      const data = await ctx.read.call<{
        readonly aTokenAddress: Address
        readonly variableDebtTokenAddress: Address
      }>({
        address: thing.address,
        abi: reserveAbi,
        functionName: 'getReserveData',
        args: [asset],
      })
      if (!data.ok) return []
      const { aTokenAddress, variableDebtTokenAddress } = data.value
      return [
        {
          asset: lower(asset),
          deposit: lower(aTokenAddress),
          debt: lower(variableDebtTokenAddress),
        },
      ]
    }),
  )
  ctx.state.set(key, { atS: ctx.block.timestampS, list: list.flat() })
  return list.flat()
}

/** What does not change is read once; what does not answer counts as unknown, and is asked again an hour later. */
const readOnce = async (
  ctx: CapContext,
  thing: CapThing,
  read: () => Promise<readonly ReadResult<Address>[]>,
): Promise<readonly Address[] | undefined> => {
  const key = `tokens:${thing.name}`
  const known = ctx.state.get<{ atS: number; list: Address[] | null }>(key)
  if (known && (known.list || ctx.block.timestampS - known.atS < REFRESH_S))
    return known.list ?? undefined
  const answers = await read()
  const list = answers.flatMap((answer) => (answer.ok ? [lower(answer.value)] : []))
  const isWhole = list.length === answers.length
  ctx.state.set(key, { atS: ctx.block.timestampS, list: isWhole ? list : null })
  return isWhole ? list : undefined
}

const tokensOf = (ctx: CapContext, thing: CapThing): Promise<readonly Address[] | undefined> => {
  const ask =
    (...names: readonly string[]) =>
    () =>
      Promise.all(
        names.map((functionName) =>
          ctx.read.call<Address>({
            address: thing.address,
            abi: thing.kind === 'vault' ? erc4626Abi : uniswapV3PoolAbi,
            functionName,
          }),
        ),
      )
  if (thing.kind === 'vault')
    return thing.asset ? Promise.resolve([lower(thing.asset)]) : readOnce(ctx, thing, ask('asset'))
  if (thing.kind === 'pool') return readOnce(ctx, thing, ask('token0', 'token1'))
  const all = [...(thing.kind === 'treasury' ? thing.tokens : []), ...thing.parameters.tokens]
  return Promise.resolve(all.length > 0 ? [...new Set(all.map(lower))] : undefined)
}

/** Who holds what of the things that the block touches. */
export const holdersOf = async (
  ctx: CapContext,
  isTouched: (thing: CapThing) => boolean,
): Promise<readonly Holder[]> => {
  const all = await Promise.all(
    ctx.things.filter(isTouched).map(async (thing): Promise<readonly Holder[]> => {
      if (thing.kind === 'lending-market')
        return (await readReserves(ctx, thing)).map(({ asset, deposit, debt }) => ({
          thing,
          address: deposit,
          tokens: [asset],
          receipts: [deposit, debt],
        }))
      const tokens = await tokensOf(ctx, thing)
      return [{ thing, address: thing.address, tokens, receipts: [] }]
    }),
  )
  return all.flat()
}

import { parseAbi } from 'viem/utils'
import type { Address } from '../../base/index.ts'
import type { BotContext, ReadResult } from '../types.ts'

const MAX_RESERVES = 128
const KEEP_S = 3_600
const NOBODY = '0x0000000000000000000000000000000000000000'

/** What is read of an Aave v3 pool and its tokens. */
export const aaveV3ReserveAbi = parseAbi([
  'function getReservesList() view returns (address[])',
  'function getReserveData(address asset) view returns ((uint256 configuration, uint128 liquidityIndex, uint128 currentLiquidityRate, uint128 variableBorrowIndex, uint128 currentVariableBorrowRate, uint128 currentStableBorrowRate, uint40 lastUpdateTimestamp, uint16 id, address aTokenAddress, address stableDebtTokenAddress, address variableDebtTokenAddress, address interestRateStrategyAddress, uint128 accruedToTreasury, uint128 unbacked, uint128 isolationModeTotalDebt))',
  'function getReserveDeficit(address asset) view returns (uint256)',
  'function totalSupply() view returns (uint256)',
  'function balanceOf(address account) view returns (uint256)',
])

/** One reserve of an Aave v3 pool. Addresses are lower case. */
export type LendingReserve = {
  readonly asset: Address
  readonly aToken: Address
  /** Undefined where the market has none. */
  readonly stableDebt: Address | undefined
  readonly variableDebt: Address
  readonly strategy: Address
}

/** What a reserve owes and has, in smallest units of its asset. */
export type ReserveState = {
  /** Owed to depositors. */
  readonly supplied: bigint
  /** At hand for withdrawals. */
  readonly cash: bigint
  /** Owed by borrowers. */
  readonly debt: bigint
}

type Reader = Pick<BotContext<unknown>, 'read' | 'state' | 'block'>

const lower = (address: Address): Address => address.toLowerCase() as Address

/**
 * The reserves of an Aave v3 pool (128 at most), asked once an hour of block time and kept in the bot's state.
 * @returns undefined when the pool does not answer
 */
export const listReserves = async (
  ctx: Reader,
  pool: Address,
): Promise<readonly LendingReserve[] | undefined> => {
  const key = `reserves:${pool}`
  const known = ctx.state.get<{ atS: number; list: LendingReserve[] }>(key)
  if (known && ctx.block.timestampS - known.atS < KEEP_S) return known.list
  const base = { address: pool, abi: aaveV3ReserveAbi } as const
  const assets = await ctx.read.call<readonly Address[]>({
    ...base,
    functionName: 'getReservesList',
  })
  if (!assets.ok) return undefined
  const list: LendingReserve[] = []
  const answers = await Promise.all(
    assets.value.slice(0, MAX_RESERVES).map(async (asset) => ({
      asset,
      data: await ctx.read.call<Readonly<Record<string, Address>>>({
        ...base,
        functionName: 'getReserveData',
        args: [asset],
      }),
    })),
  )
  for (const { asset, data } of answers) {
    if (!data.ok) return undefined
    const at = (field: string): Address => lower(data.value[field] ?? NOBODY)
    const stable = at('stableDebtTokenAddress')
    list.push({
      asset: lower(asset),
      aToken: at('aTokenAddress'),
      stableDebt: stable === NOBODY ? undefined : stable,
      variableDebt: at('variableDebtTokenAddress'),
      strategy: at('interestRateStrategyAddress'),
    })
  }
  ctx.state.set(key, { atS: ctx.block.timestampS, list })
  return list
}

/** What a reserve owes and has at this block; undefined when any of its tokens does not answer. */
export const readReserve = async (
  ctx: Pick<Reader, 'read'>,
  reserve: LendingReserve,
): Promise<ReserveState | undefined> => {
  const abi = aaveV3ReserveAbi
  const supplyOf = (address: Address): Promise<ReadResult<bigint>> =>
    ctx.read.call<bigint>({ address, abi, functionName: 'totalSupply' })
  const [supplied, cash, variable, stable] = await Promise.all([
    supplyOf(reserve.aToken),
    ctx.read.call<bigint>({
      address: reserve.asset,
      abi,
      functionName: 'balanceOf',
      args: [reserve.aToken],
    }),
    supplyOf(reserve.variableDebt),
    reserve.stableDebt === undefined
      ? ({ ok: true, value: 0n } as const)
      : supplyOf(reserve.stableDebt),
  ])
  if (!supplied.ok || !cash.ok || !variable.ok || !stable.ok) return undefined
  return { supplied: supplied.value, cash: cash.value, debt: variable.value + stable.value }
}

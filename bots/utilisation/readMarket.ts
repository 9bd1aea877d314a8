import {
  type Address,
  addressOfWord,
  type BotBlock,
  type BotContext,
  type BotThing,
  type LendingReserve,
  listReserves,
  type ReserveState,
  readReserve,
} from 'tocsin'
import { parseAbi } from 'viem/utils'
import type { UtilisationParameters } from './parameters.ts'

export type UtilisationContext = BotContext<UtilisationParameters>
export type UtilisationThing = BotThing<UtilisationParameters>

const marketAbi = parseAbi([
  'function ADDRESSES_PROVIDER() view returns (address)',
  'function getPriceOracle() view returns (address)',
  'function getAssetPrice(address asset) view returns (uint256)',
  'function BASE_CURRENCY_UNIT() view returns (uint256)',
  'function getOptimalUsageRatio(address reserve) view returns (uint256)',
  'function decimals() view returns (uint8)',
])
const RAY_BPS = 10n ** 23n

export type UsedReserve = {
  readonly reserve: LendingReserve
  readonly state: ReserveState
  readonly usedBps: number
}

/** The reserves that the logs of this block name; all of them when none is named. */
const concerned = (
  block: BotBlock,
  pool: Address,
  reserves: readonly LendingReserve[],
): readonly LendingReserve[] => {
  const named = new Set<Address>()
  for (const { address, topics } of block.logs)
    if (address === pool)
      for (const topic of topics.slice(1)) {
        const one = addressOfWord(topic)
        if (one) named.add(one)
      }
  const some = reserves.filter(({ asset }) => named.has(asset))
  return some.length > 0 ? some : reserves
}

/** Utilisation of the reserves that matter in this block; undefined when the market does not answer. */
export const readUsed = async (
  ctx: UtilisationContext,
  block: BotBlock,
  thing: UtilisationThing,
  isBeat: boolean,
): Promise<{ readonly used: readonly UsedReserve[]; readonly failed: readonly string[] }> => {
  const reserves = await listReserves(ctx, thing.address)
  if (!reserves) return { used: [], failed: ['the list of reserves'] }
  const wanted = isBeat ? reserves : concerned(block, thing.address, reserves)
  const states = await Promise.all(wanted.map((reserve) => readReserve(ctx, reserve)))
  const used: UsedReserve[] = []
  const failed: string[] = []
  for (const [index, reserve] of wanted.entries()) {
    const state = states[index]
    if (!state) failed.push(`the reserve ${reserve.asset}`)
    else {
      const whole = state.cash + state.debt
      const usedBps = whole > 0n ? Number((state.debt * 10_000n) / whole) : 0
      used.push({ reserve, state, usedBps })
    }
  }
  return { used, failed }
}

/** Where the rates of a reserve jump (bps of utilisation); undefined when its strategy does not say. */
export const kinkOf = async (
  ctx: UtilisationContext,
  reserve: LendingReserve,
): Promise<number | undefined> => {
  const answer = await ctx.read.call<bigint>({
    address: reserve.strategy,
    abi: marketAbi,
    functionName: 'getOptimalUsageRatio',
    args: [reserve.asset],
  })
  const kink = answer.ok ? Number(answer.value / RAY_BPS) : 0
  return kink > 0 && kink <= 10_000 ? kink : undefined
}

/** What the deposits of a reserve are worth (whole dollars) by the market's own oracle; undefined without one. */
export const worthOf = async (
  ctx: UtilisationContext,
  pool: Address,
  { reserve, state }: Pick<UsedReserve, 'reserve' | 'state'>,
): Promise<bigint | undefined> => {
  const ask = <T>(address: Address, functionName: string, args: readonly unknown[] = []) =>
    ctx.read.call<T>({ address, abi: marketAbi, functionName, args })
  const provider = await ask<Address>(pool, 'ADDRESSES_PROVIDER')
  if (!provider.ok) return undefined
  const oracle = await ask<Address>(provider.value, 'getPriceOracle')
  if (!oracle.ok) return undefined
  const [price, unit, decimals] = await Promise.all([
    ask<bigint>(oracle.value, 'getAssetPrice', [reserve.asset]),
    ask<bigint>(oracle.value, 'BASE_CURRENCY_UNIT'),
    ask<number>(reserve.asset, 'decimals'),
  ])
  if (!price.ok || !unit.ok || !decimals.ok || unit.value === 0n || price.value === 0n)
    return undefined
  return (state.supplied * price.value) / unit.value / 10n ** BigInt(decimals.value)
}

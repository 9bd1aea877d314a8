import { type Address, type ChainLog, decodeLog, type LogNeed } from 'tocsin'
import { formatUnits, parseAbi, toEventSelector } from 'viem/utils'
import { priceAbi } from './priceEvents.ts'
import type { AdminContext, AdminEvent, AdminThing } from './types.ts'

const marketAbi = parseAbi([
  'function ADDRESSES_PROVIDER() view returns (address)',
  'function getPriceOracle() view returns (address)',
])
const oracleAbi = parseAbi([
  'function getAssetPrice(address asset) view returns (uint256)',
  'function BASE_CURRENCY_UNIT() view returns (uint256)',
])
const ABROAD: readonly string[] = [
  'AssetSourceUpdated',
  'FallbackOracleUpdated',
  'PriceOracleUpdated',
  'PriceOracleSentinelUpdated',
]
const items = priceAbi.filter(({ name }) => ABROAD.includes(name))
const topics = items.map((item) => toEventSelector(item))

/** Where a market of Aave takes its prices from is known only on chain: every oracle's events are looked at. They are rare. */
export const priceNeeds = (things: readonly AdminThing[]): readonly LogNeed[] =>
  things.some(({ kind }) => kind === 'lending-market') ? [{ topics: [topics] }] : []

/** What the oracle and the address book of a market tell of its prices. Those that are watched tell it themselves. */
export const readMarketPrices = async (
  ctx: AdminContext,
  thing: AdminThing,
  logs: readonly ChainLog[],
): Promise<readonly AdminEvent[]> => {
  if (thing.kind !== 'lending-market') return []
  const told = logs.filter(
    (log) => log.topics[0] && topics.includes(log.topics[0]) && !ctx.thingAt(log.address),
  )
  if (told.length === 0) return []
  const ask = async (
    address: Address,
    functionName: string,
    at?: 'parent',
  ): Promise<Address | undefined> => {
    const answer = await ctx.read.call<string>({
      address,
      abi: marketAbi,
      functionName,
      ...(at ? { at } : {}),
    })
    return answer.ok ? (answer.value.toLowerCase() as Address) : undefined
  }
  const provider = await ask(thing.address, 'ADDRESSES_PROVIDER')
  if (!provider) return []
  const own = new Set([
    provider,
    await ask(provider, 'getPriceOracle'),
    await ask(provider, 'getPriceOracle', 'parent'),
  ])
  return told.flatMap((log): readonly AdminEvent[] => {
    const decoded = own.has(log.address) ? decodeLog(items, log) : undefined
    return decoded ? [{ ...decoded, log, isDecoded: true }] : []
  })
}

/** What the oracle answers before and after, beside each event that gives an asset another source. */
export const withPrices = async (
  ctx: AdminContext,
  thing: AdminThing,
  events: readonly AdminEvent[],
): Promise<readonly AdminEvent[]> => {
  const found: AdminEvent[] = []
  for (const event of events) found.push(await withPrice(ctx, thing, event))
  return found
}

const withPrice = async (
  ctx: AdminContext,
  thing: AdminThing,
  event: AdminEvent,
): Promise<AdminEvent> => {
  const { asset } = event.args
  if (event.name !== 'AssetSourceUpdated' || typeof asset !== 'string') return event
  const ask = async (at: 'block' | 'parent', functionName: string, args: readonly unknown[]) => {
    const { address } = event.log
    const answer = await ctx.read.call<bigint>({ address, abi: oracleAbi, functionName, args, at })
    return answer.ok ? answer.value : undefined
  }
  const [before, after] = [
    await ask('parent', 'getAssetPrice', [asset]),
    await ask('block', 'getAssetPrice', [asset]),
  ]
  // A first source has no price before it; one that gives no price stops the market rather than robs it.
  if (!before || after === undefined) return event
  const unit = (await ask('block', 'BASE_CURRENCY_UNIT', [])) ?? 1n
  const gap = after > before ? after - before : before - after
  const isWide = gap * 10_000n > before * BigInt(thing.parameters.priceGapBps)
  const decimals = unit.toString().length - 1
  return {
    ...event,
    args: {
      ...event.args,
      priceBefore: formatUnits(before, decimals),
      priceAfter: formatUnits(after, decimals),
      priceGap: isWide ? 'wide' : 'narrow',
    },
  }
}

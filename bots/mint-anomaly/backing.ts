import { type Address, addressTopic, type BotBlock, type Hex } from 'tocsin'
import { parseAbi } from 'viem/utils'
import { erc20Abi } from '../../abis/index.ts'
import { wordOf } from './readFlow.ts'
import type { MintContext, MintThing } from './types.ts'

const TRANSFER: Hex = '0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef'
const ZERO: Address = '0x0000000000000000000000000000000000000000'
const namesAbi = parseAbi([
  'function underlying() view returns (address)',
  'function asset() view returns (address)',
  'function UNDERLYING_ASSET_ADDRESS() view returns (address)',
])

type Kind = { readonly asset: Address | 'native' | 'none' }

/** What the new units rest on: `backed`, `bare`, or nothing is known of any collateral. */
export type Backing = {
  readonly verdict: 'backed' | 'bare' | 'unknown'
  readonly asset: Address | 'native' | undefined
  readonly before: bigint
  readonly after: bigint
}

const UNKNOWN: Backing = { verdict: 'unknown', asset: undefined, before: 0n, after: 0n }

/** What a token says that it wraps; else native coin, when it holds as much as it has given out. Found once. */
const kindOf = async (ctx: MintContext, thing: MintThing, supply: bigint): Promise<Kind> => {
  const key = `backing:${thing.name}`
  const known = ctx.state.get<Kind>(key)
  if (known) return known
  const [names, wei] = await Promise.all([
    Promise.all(
      (['underlying', 'asset', 'UNDERLYING_ASSET_ADDRESS'] as const).map((functionName) =>
        ctx.read.call<Address>({ address: thing.address, abi: namesAbi, functionName }),
      ),
    ),
    ctx.read.balance(thing.address, 'parent'),
  ])
  const named = names.flatMap((one) => (one.ok ? [one.value.toLowerCase() as Address] : []))
  const asset = named.find((one) => one !== ZERO && one !== thing.address)
  const isNative = supply > 0n && wei * 100n >= supply * 99n
  const kind: Kind = { asset: asset ?? (isNative ? 'native' : 'none') }
  ctx.state.set(key, kind)
  return kind
}

const held = async (
  ctx: MintContext,
  thing: MintThing,
  asset: Address | 'native',
  at: 'block' | 'parent',
): Promise<bigint | undefined> => {
  if (asset === 'native') return ctx.read.balance(thing.address, at)
  const answer = await ctx.read.call<bigint>({
    address: asset,
    abi: erc20Abi,
    functionName: 'balanceOf',
    args: [thing.address],
    at,
  })
  return answer.ok ? answer.value : undefined
}

/**
 * Whether collateral came in for what was minted in this block, at the rate that held before. Collateral is what the
 * token names by `underlying()`, `asset()` or `UNDERLYING_ASSET_ADDRESS()`, or native coin; it must lie with the token.
 */
export const findBacking = async (
  ctx: MintContext,
  block: BotBlock,
  thing: MintThing,
  supply: { readonly before: bigint; readonly after: bigint },
): Promise<Backing> => {
  const { asset } = await kindOf(ctx, thing, supply.before)
  if (asset === 'none') return UNKNOWN
  const [before, after] = await Promise.all([
    held(ctx, thing, asset, 'parent'),
    held(ctx, thing, asset, 'block'),
  ])
  if (before === undefined || after === undefined || before === 0n) return UNKNOWN
  const self = addressTopic(thing.address)
  const came = block.transactions
    .flatMap(({ logs }) => logs)
    .filter(
      ({ address, topics }) =>
        address === asset && topics[0] === TRANSFER && topics.length === 3 && topics[2] === self,
    )
    .reduce((sum, log) => sum + (wordOf(log.data) ?? 0n), 0n)
  const grown = after > before ? after - before : 0n
  const income = came > grown ? came : grown
  const minted = supply.after - supply.before
  const isEnough =
    income * supply.before * 10_000n >=
    minted * before * BigInt(10_000 - thing.parameters.toleranceBps)
  const facts = { asset, before, after }
  if (isEnough) return { ...facts, verdict: 'backed' }
  // Collateral that is mostly elsewhere proves nothing by not moving.
  return { ...facts, verdict: before * 2n >= supply.before ? 'bare' : 'unknown' }
}

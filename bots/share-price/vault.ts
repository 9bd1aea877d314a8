import {
  type Address,
  type BotContext,
  type BotThing,
  type ReadNeed,
  readToken,
  type TokenInfo,
} from 'tocsin'
import { erc4626Abi } from '../../abis/index.ts'
import type { SharePriceParameters } from './parameters.ts'

export type ShareContext = BotContext<SharePriceParameters>
export type VaultThing = BotThing<SharePriceParameters> & { readonly kind: 'vault' }

/** Shares that the vault is asked for: many, so that the answer has digits enough whatever the decimals are. */
export const PROBE = 10n ** 24n

/** A vault at the end of one block. */
export type Snapshot = {
  /** Smallest units of the asset for `PROBE` smallest units of shares. */
  readonly price: bigint
  readonly assets: bigint
  readonly shares: bigint
}

/** How the vault counts. */
export type Units = {
  readonly asset: TokenInfo | undefined
  /** Undefined where the token does not say. */
  readonly assetDecimals: number | undefined
  readonly shareDecimals: number | undefined
}

export const readsOf = (thing: VaultThing): readonly ReadNeed[] => {
  const base = { kind: 'call', address: thing.address, abi: erc4626Abi } as const
  return [
    { ...base, key: `${thing.name}:price`, functionName: 'convertToAssets', args: [PROBE] },
    { ...base, key: `${thing.name}:assets`, functionName: 'totalAssets' },
    { ...base, key: `${thing.name}:shares`, functionName: 'totalSupply' },
  ]
}

/** Undefined while the vault does not say what it holds. */
export const readSnapshot = (ctx: ShareContext, thing: VaultThing): Snapshot | undefined => {
  const assets = ctx.reads<bigint>(`${thing.name}:assets`)
  const shares = ctx.reads<bigint>(`${thing.name}:shares`)
  if (!assets.ok || !shares.ok) return undefined
  const asked = ctx.reads<bigint>(`${thing.name}:price`)
  if (asked.ok) return { price: asked.value, assets: assets.value, shares: shares.value }
  if (shares.value === 0n) return undefined
  const price = (assets.value * PROBE) / shares.value
  return { price, assets: assets.value, shares: shares.value }
}

/** The asset and both decimals: read once. */
export const readUnits = async (ctx: ShareContext, thing: VaultThing): Promise<Units> => {
  const key = `asset:${thing.name}`
  let address = (thing.asset?.toLowerCase() as Address | undefined) ?? ctx.state.get<Address>(key)
  if (address === undefined) {
    const { address: vault } = thing
    const answer = await ctx.read.call<Address>({
      address: vault,
      abi: erc4626Abi,
      functionName: 'asset',
    })
    if (answer.ok) {
      address = answer.value.toLowerCase() as Address
      ctx.state.set(key, address)
    }
  }
  const [asset, share] = await Promise.all([
    address === undefined ? undefined : readToken(ctx, address),
    readToken(ctx, thing.address),
  ])
  return { asset, assetDecimals: asset?.decimals, shareDecimals: share.decimals }
}

/** Value of shares at a price, in smallest units of the asset. */
export const worthOf = (shares: bigint, price: bigint): bigint => (shares * price) / PROBE

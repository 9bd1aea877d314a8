import type { Address, BotContext, Hex } from 'tocsin'
import { getContractAddress } from 'viem/utils'
import type { AttackerPreparationParameters } from './parameters.ts'

export type PrepContext = BotContext<AttackerPreparationParameters>

export type Funding = {
  readonly by: string
  readonly kind: 'mixer' | 'bridge'
  readonly atS: number
  readonly tx: Hex
}

/** Whoever prepared something: a deployer and what it made. */
export type Suspect = {
  readonly deployer: Address
  readonly contract: Address
  readonly atS: number
  readonly block: number
  /** Short words for what speaks against it. */
  readonly signs: readonly string[]
  readonly tx: Hex
  /** Things that were told to be named by it. */
  readonly things: readonly string[]
}

const MAX_FUNDED = 512
const MAX_SUSPECTS = 64
const DAY_S = 86_400

type Entry<T> = readonly [Address, T]

/** Addresses that got something from a mixer or a bridge: of the span, the newest 512. */
export const noteFunding = (ctx: PrepContext, to: Address, funding: Funding): void => {
  const key = `funded:${Math.floor(funding.atS / DAY_S)}`
  const today = ctx.state.get<readonly Entry<Funding>[]>(key)
  if (!today) {
    const oldest = (funding.atS - ctx.parameters.windowS) / DAY_S - 1
    for (const old of ctx.state.keys('funded:'))
      if (Number(old.slice('funded:'.length)) < oldest) ctx.state.delete(old)
  }
  const others = (today ?? []).filter(([address]) => address !== to)
  ctx.state.set(key, [...others, [to, funding] as const].slice(-MAX_FUNDED))
}

export const findFunding = (ctx: PrepContext, address: Address): Funding | undefined => {
  const nowS = ctx.block.timestampS
  for (const key of [...ctx.state.keys('funded:')].sort().reverse())
    for (const [to, funding] of ctx.state.get<readonly Entry<Funding>[]>(key) ?? [])
      if (to === address && nowS - funding.atS <= ctx.parameters.windowS) return funding
  return undefined
}

/** Those of the span, the newest 64. */
export const listSuspects = (ctx: PrepContext): readonly Suspect[] =>
  (ctx.state.get<readonly Suspect[]>('suspects') ?? []).filter(
    ({ atS }) => ctx.block.timestampS - atS <= ctx.parameters.windowS,
  )

export const noteSuspect = (ctx: PrepContext, suspect: Suspect): void =>
  ctx.state.set('suspects', [...listSuspects(ctx), suspect].slice(-MAX_SUSPECTS))

/** How many transactions an account sent before it made the contract; undefined when more than `most`. */
export const nonceOf = (from: Address, contract: Address, most: number): number | undefined => {
  for (let nonce = 0; nonce <= most; nonce++)
    if (getContractAddress({ from, nonce: BigInt(nonce) }).toLowerCase() === contract) return nonce
  return undefined
}

type Naming = { readonly deployer: Address; readonly atS: number }
const MAX_NAMINGS = 64

/** How many others named the thing in the last 30 days; keeps that this one did. At most 64 of each thing. */
export const countNamings = (ctx: PrepContext, thing: string, deployer: Address): number => {
  const key = `named:${thing}`
  const nowS = ctx.block.timestampS
  const others = (ctx.state.get<readonly Naming[]>(key) ?? []).filter(
    (one) => nowS - one.atS < 30 * DAY_S && one.deployer !== deployer,
  )
  ctx.state.set(key, [...others, { deployer, atS: nowS }].slice(-MAX_NAMINGS))
  return others.length
}

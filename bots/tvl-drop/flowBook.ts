import { type Address, addressOfWord, addressTopic, type BotBlock, type Hex } from 'tocsin'
import type { TvlContext, TvlThing } from './gauge.ts'

const TRANSFER: Hex = '0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef'
/** Parts of the day, and parties that are kept of each: those who got the most. */
const BUCKETS = 6
const MAX_PARTIES = 32

/** What one party got from a thing, less what it gave to it. */
export type Party = {
  readonly address: Address
  readonly net: bigint
  /** Transactions in which it got something, and the most that one of them brought. */
  readonly steps: number
  readonly largest: bigint
}

const bucketS = (thing: TvlThing): number => Math.ceil(thing.parameters.slowWindowS / BUCKETS)
const keyOf = (thing: TvlThing, token: Address, bucket: number): string =>
  `flows:${thing.name}:${token}:${bucket}`

const flowsIn = (block: BotBlock, thing: TvlThing, token: Address): Map<Address, Party> => {
  const self = addressTopic(thing.address)
  const parties = new Map<Address, Party>()
  const seen = new Map<Address, Hex>()
  for (const { address, topics, data, txHash } of block.logs) {
    if (address !== token || topics[0] !== TRANSFER || data.length !== 66) continue
    const [, from, to] = topics
    if (from === to || (from !== self && to !== self)) continue
    const party = addressOfWord((from === self ? to : from) ?? '0x')
    if (party === undefined) continue
    const units = BigInt(data)
    const known = parties.get(party) ?? { address: party, net: 0n, steps: 0, largest: 0n }
    const isOut = from === self
    const isStep = isOut && seen.get(party) !== txHash
    if (isStep) seen.set(party, txHash)
    parties.set(party, {
      address: party,
      net: known.net + (isOut ? units : -units),
      steps: known.steps + (isStep ? 1 : 0),
      largest: isOut && units > known.largest ? units : known.largest,
    })
  }
  return parties
}

const join = (one: Party, other: Party | undefined): Party =>
  other
    ? {
        address: one.address,
        net: one.net + other.net,
        steps: one.steps + other.steps,
        largest: one.largest > other.largest ? one.largest : other.largest,
      }
    : one

const byNet = (a: Party, b: Party): number => (a.net === b.net ? 0 : a.net > b.net ? -1 : 1)

/** Adds the block's flows of a token. Kept: a dozen lists of at most 32 parties, of two spans. */
export const noteFlows = (
  ctx: TvlContext,
  block: BotBlock,
  thing: TvlThing,
  token: Address,
): void => {
  if (block.logs.length === 0) return
  const fresh = flowsIn(block, thing, token)
  if (fresh.size === 0) return
  const bucket = Math.floor(ctx.block.timestampS / bucketS(thing))
  const key = keyOf(thing, token, bucket)
  const known = ctx.state.get<readonly Party[]>(key)
  if (!known) {
    const oldest = bucket - 2 * BUCKETS
    for (const old of ctx.state.keys(`flows:${thing.name}:${token}:`))
      if (Number(old.slice(old.lastIndexOf(':') + 1)) <= oldest) ctx.state.delete(old)
  }
  const parties = new Map((known ?? []).map((one) => [one.address, one]))
  for (const one of fresh.values()) parties.set(one.address, join(one, parties.get(one.address)))
  ctx.state.set(key, [...parties.values()].sort(byNet).slice(0, MAX_PARTIES))
}

const sumOf = (
  ctx: TvlContext,
  thing: TvlThing,
  token: Address,
  from: number,
): Map<Address, Party> => {
  const all = new Map<Address, Party>()
  for (let bucket = from; bucket < from + BUCKETS; bucket++)
    for (const one of ctx.state.get<readonly Party[]>(keyOf(thing, token, bucket)) ?? [])
      all.set(one.address, join(one, all.get(one.address)))
  return all
}

export type Takers = {
  readonly parties: readonly Party[]
  readonly net: bigint
  readonly steps: number
  readonly largest: bigint
  /** None of them got anything in the span before this one. */
  readonly areNew: boolean
}

/** The strangers who got the most within the span. Exchanges and own addresses are none. */
export const listTakers = (ctx: TvlContext, thing: TvlThing, token: Address): Takers => {
  const now = Math.floor(ctx.block.timestampS / bucketS(thing))
  const isKnown = (address: Address): boolean =>
    ctx.thingAt(address) !== undefined ||
    (ctx.labels.get(address)?.tags ?? []).some((tag) => tag === 'own' || tag.startsWith('exchange'))
  const parties = [...sumOf(ctx, thing, token, now - BUCKETS + 1).values()]
    .filter(({ address, net }) => net > 0n && !isKnown(address))
    .sort(byNet)
    .slice(0, thing.parameters.slowTakers)
  const before = sumOf(ctx, thing, token, now - 2 * BUCKETS + 1)
  return {
    parties,
    net: parties.reduce((sum, { net }) => sum + net, 0n),
    steps: parties.reduce((sum, { steps }) => sum + steps, 0),
    largest: parties.reduce((most, one) => (one.largest > most ? one.largest : most), 0n),
    areNew: parties.every(({ address }) => !before.has(address)),
  }
}

import {
  type Address,
  addressOfWord,
  type BotContext,
  type BotThing,
  type ChainLog,
  type Hex,
} from 'tocsin'
import type { ExchangeFlowParameters } from './parameters.ts'

export type FlowContext = BotContext<ExchangeFlowParameters>
export type FlowThing = BotThing<ExchangeFlowParameters>
export type Direction = 'deposit' | 'withdrawal'

export const TRANSFER: Hex = '0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef'

export type Move = {
  readonly token: Address
  readonly from: Address
  readonly to: Address
  readonly units: bigint
  readonly txHash: Hex
}

/** An ERC-20 transfer of something; other logs with this topic are undefined. */
export const readMove = (log: ChainLog): Move | undefined => {
  const [topic, fromWord, toWord] = log.topics
  if (topic !== TRANSFER || log.topics.length !== 3 || log.data.length !== 66) return undefined
  const from = addressOfWord(fromWord ?? '0x')
  const to = addressOfWord(toWord ?? '0x')
  if (!from || !to || from === to) return undefined
  const units = BigInt(log.data)
  return units === 0n ? undefined : { token: log.address, from, to, units, txHash: log.txHash }
}

const tagsOf = (ctx: FlowContext, address: Address): readonly string[] => {
  const thing = ctx.thingAt(address)
  return thing?.kind === 'label' ? thing.tags : (ctx.labels.get(address)?.tags ?? [])
}

/** An exchange's own wallet, or one in which it takes a customer's deposits. */
export const isExchange = (ctx: FlowContext, address: Address): boolean => {
  const tags = tagsOf(ctx, address)
  return tags.includes('exchange') || tags.includes('exchange-deposit')
}

/** Which way it goes, seen from outside; between two wallets of exchanges it goes no way. */
export const directionOf = (ctx: FlowContext, move: Move): Direction | undefined => {
  const [from, to] = [isExchange(ctx, move.from), isExchange(ctx, move.to)]
  if (from === to) return undefined
  return to ? 'deposit' : 'withdrawal'
}

export type Role = 'treasury' | 'multisig' | 'deployer' | 'whale'
const LABELS: readonly Role[] = ['treasury', 'deployer', 'whale']

/** What a watched thing is to this bot, when it is one whose dealings with exchanges matter. */
export const roleOf = (thing: FlowThing | undefined): Role | undefined => {
  if (thing?.kind === 'treasury' || thing?.kind === 'multisig') return thing.kind
  if (thing?.kind !== 'label') return undefined
  return LABELS.find((role) => thing.tags.includes(role))
}

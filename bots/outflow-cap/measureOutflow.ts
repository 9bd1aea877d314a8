import { type Address, addressTopic, type ChainLog, type ChainTransaction, type Hex } from 'tocsin'
import type { Holder } from './holders.ts'

export const TRANSFER: Hex = '0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef'
/** Of wrapped native coin: `Withdrawal(address,uint256)` and `Deposit(address,uint256)`. */
export const UNWRAP: Hex = '0x7fcf532c15f0a6db0bd6d0e038bea71d30d808c7d98cb3bf7268a95bf5081b65'
export const WRAP: Hex = '0xe1fffcc4923d04b559f4d29a8bfc6cda04eb5b0d3c460751c2402c5c5cc9109c'
const ZERO = `0x${'0'.repeat(64)}`
/** Of a pool: `Burn` of v2, `Burn` and `Collect` of v3. */
const EXITS: ReadonlySet<Hex> = new Set<Hex>([
  '0xdccd412f0b1252819cb1fd330b93224ca42612892bb3f4f789976e6d81936496',
  '0x0c396cd989a39f4459b5fa1aed6a9a8dcdbc45908acfd67e028cd568da98982c',
  '0x70935338e69775456a85ddef226c395fb668b63fa0115f5f20610b388e6ca9c0',
])

/** What one transaction moved of one token of one holder. */
export type Outflow = {
  readonly token: Address
  /** Out less in; negative when more came in. Smallest units. */
  readonly net: bigint
  /** Of the largest transfer out. */
  readonly to: Address | undefined
  readonly largest: bigint
}

const addressOf = (topic: Hex): Address => `0x${topic.slice(26)}`

type Move = { readonly isOut: boolean; readonly units: bigint; readonly to: Address | undefined }

/** What a log moved to or from an address; undefined when it is none of its moves. */
const moveOf = ({ topics, data }: ChainLog, self: Hex): Move | undefined => {
  const [topic, first, second] = topics
  if (first === undefined || data.length !== 66) return undefined
  if (topic === TRANSFER && topics.length === 3 && second !== undefined) {
    if (first === second || (first !== self && second !== self)) return undefined
    return { isOut: first === self, units: BigInt(data), to: addressOf(second) }
  }
  if ((topic !== UNWRAP && topic !== WRAP) || topics.length !== 2 || first !== self)
    return undefined
  return { isOut: topic === UNWRAP, units: BigInt(data), to: undefined }
}

/** Net flows of one holder in one transaction, by token. */
export const measureOutflows = (tx: ChainTransaction, holder: Holder): readonly Outflow[] => {
  const self = addressTopic(holder.address)
  const flows = new Map<Address, Outflow>()
  for (const log of tx.logs) {
    const token = log.address
    if (holder.tokens && !holder.tokens.includes(token)) continue
    const move = moveOf(log, self)
    if (!move) continue
    const { isOut, units } = move
    const flow = flows.get(token) ?? { token, net: 0n, to: undefined, largest: 0n }
    const isLargest = isOut && units > flow.largest
    flows.set(token, {
      token,
      net: flow.net + (isOut ? units : -units),
      to: isLargest ? move.to : flow.to,
      largest: isLargest ? units : flow.largest,
    })
  }
  return [...flows.values()]
}

/** Whether deposits were burned, or debts minted, in the transaction for (nearly) as much. */
export const isReceipted = (tx: ChainTransaction, holder: Holder, units: bigint): boolean =>
  tx.logs.some(
    ({ address, topics, data }) =>
      holder.receipts.includes(address) &&
      topics[0] === TRANSFER &&
      (topics[1] === ZERO || topics[2] === ZERO) &&
      data.length === 66 &&
      BigInt(data) * 100n >= units * 99n,
  )

/** Whether providers of the pool took out what is theirs, or another of its tokens came in for it. */
export const isTrade = (tx: ChainTransaction, holder: Holder, flows: readonly Outflow[]): boolean =>
  flows.some(({ net }) => net < 0n) ||
  tx.logs.some(
    ({ address, topics: [topic] }) =>
      address === holder.address && topic !== undefined && EXITS.has(topic),
  )

import type { Address, Hex } from '../base/index.ts'
import {
  isRawRecord,
  parseAddress,
  parseHash,
  parseHex,
  parseInteger,
  parseQuantity,
} from './parseRpc.ts'

/** A transaction that was sent and is not mined. Everything in it is its sender's word. */
export type PendingTransaction = {
  readonly hash: Hex
  readonly from: Address
  /** `null` for a contract creation. */
  readonly to: Address | null
  readonly input: Hex
  readonly valueWei: bigint
  readonly gas: bigint
  readonly nonce: number
  /** Most that it pays per gas, and most of that for the block's builder; equal where it has one price. */
  readonly maxFeePerGasWei: bigint
  readonly maxPriorityFeePerGasWei: bigint
  readonly accessList: readonly Address[]
  /** `performance.timeOrigin + performance.now()` (ms) when it was first heard of. */
  readonly seenAtMs: number
}

/** Longest calldata that is looked at (characters): what is longer costs more than a block allows. */
const MAX_INPUT = 2 * 512 * 1024

const parseAccessList = (value: unknown): readonly Address[] =>
  Array.isArray(value)
    ? value
        .slice(0, 100)
        .flatMap((entry) =>
          isRawRecord(entry) ? [parseAddress(entry['address'], 'access list')] : [],
        )
    : []

/** Undefined for a transaction that is mined already, or too large. @throws TocsinError `chain.malformed` */
export const parsePending = (raw: unknown, seenAtMs: number): PendingTransaction | undefined => {
  if (!isRawRecord(raw)) return undefined
  if (raw['blockHash'] !== null && raw['blockHash'] !== undefined) return undefined
  const input = parseHex(raw['input'] ?? raw['data'], 'calldata')
  if (input.length > MAX_INPUT) return undefined
  const { to } = raw
  const price = raw['maxFeePerGas'] ?? raw['gasPrice']
  return {
    hash: parseHash(raw['hash'], 'transaction hash').toLowerCase() as Hex,
    from: parseAddress(raw['from'], 'sender'),
    to: to === null || to === undefined ? null : parseAddress(to, 'recipient'),
    input: input.toLowerCase() as Hex,
    valueWei: parseQuantity(raw['value'], 'value'),
    gas: parseQuantity(raw['gas'], 'gas'),
    nonce: parseInteger(raw['nonce'], 'nonce'),
    maxFeePerGasWei: parseQuantity(price, 'price'),
    maxPriorityFeePerGasWei: parseQuantity(raw['maxPriorityFeePerGas'] ?? price, 'tip'),
    accessList: parseAccessList(raw['accessList']),
    seenAtMs,
  }
}

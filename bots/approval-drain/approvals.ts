import { type Address, addressOfWord, type ChainLog, type Hex } from 'tocsin'

export const TRANSFER: Hex = '0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef'
export const APPROVAL: Hex = '0x8c5be1e5ebec7d5bd14f71427d1e84f3dd0314c0f7b2291e5b200ac8c7c3b925'
export const APPROVAL_FOR_ALL: Hex =
  '0x17307eab39ab6107e8899845ad3d59bd9653f200f220920489ca2b5937696c31'
/** Of ERC-1155: `TransferSingle` and `TransferBatch`. */
export const TRANSFER_SINGLE: Hex =
  '0xc3d58168c5ae7397731d063d5bbf3d657854427343f4c083240f7aacaa2d0f62'
export const TRANSFER_BATCH: Hex =
  '0x4a39dc06d4c0dbc64b70af90fd698a233a518aa5d07e595d983b8c0526c8f7fb'
export const PERMIT2: Address = '0x000000000022d473030f116ddee9f6b43ac78ba3'
/** Of Permit2: `Permit(owner, token, spender, …)` and `Approval(owner, token, spender, …)`. */
export const PERMIT2_PERMIT: Hex =
  '0xc6a377bfc4eb120024a8ac08eef205be16b817020812c73223e81d1bdb9708ec'
export const PERMIT2_APPROVAL: Hex =
  '0xda9fa7c1b00402c17d0161b249b1ab8bbec047c5a52207b9c112deffd817036b'

export type Approval = {
  readonly token: Address
  readonly owner: Address
  readonly spender: Address
  /** Undefined where all of a collection is given away. */
  readonly units: bigint | undefined
}

const ZERO = '0x0000000000000000000000000000000000000000'
const wordOf = (data: Hex, index: number): bigint | undefined => {
  const word = data.slice(2 + index * 64, 66 + index * 64)
  return word.length === 64 ? BigInt(`0x${word}`) : undefined
}

/** What a log gives away; undefined when it is no approval, or takes one back. */
export const parseApproval = (log: ChainLog): Approval | undefined => {
  const [topic, first, second, third] = log.topics
  const owner = addressOfWord(first ?? '0x')
  const other = addressOfWord(second ?? '0x')
  if (owner === undefined || other === undefined) return undefined
  if (topic === PERMIT2_PERMIT || topic === PERMIT2_APPROVAL) {
    const spender = addressOfWord(third ?? '0x')
    const units = wordOf(log.data, 0)
    if (log.address !== PERMIT2 || spender === undefined || !units) return undefined
    return { token: other, owner, spender, units }
  }
  if (other === ZERO || owner === other) return undefined
  if (topic === APPROVAL_FOR_ALL)
    return wordOf(log.data, 0) === 1n
      ? { token: log.address, owner, spender: other, units: undefined }
      : undefined
  if (topic !== APPROVAL) return undefined
  // Four topics: a single token of a collection.
  const units = third === undefined ? wordOf(log.data, 0) : 1n
  return units ? { token: log.address, owner, spender: other, units } : undefined
}

export type Move = { readonly token: Address; readonly from: Address; readonly to: Address }

/** Who gave what to whom, of fungible and other tokens, mints among them; undefined for anything else, burns too. */
export const parseMove = ({ address, topics }: ChainLog): Move | undefined => {
  const [topic, first, second, third] = topics
  const isMulti = topic === TRANSFER_SINGLE || topic === TRANSFER_BATCH
  if (!isMulti && topic !== TRANSFER) return undefined
  const from = addressOfWord((isMulti ? second : first) ?? '0x')
  const to = addressOfWord((isMulti ? third : second) ?? '0x')
  if (from === undefined || to === undefined || to === ZERO) return undefined
  return from === to ? undefined : { token: address, from, to }
}

import { type Address, addressOfWord, type ChainLog, type Hex } from 'tocsin'

export const TRANSFER: Hex = '0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef'
export const ZERO: Address = '0x0000000000000000000000000000000000000000'

export type Transfer = {
  readonly token: Address
  readonly from: Address
  readonly to: Address
  /** Smallest units. */
  readonly units: bigint
}

/**
 * An ERC-20 transfer. ERC-721 shares the topic but indexes the third argument, and old tokens index none: those, and
 * data of another length than one word, are undefined.
 */
export const parseTransfer = (
  log: Pick<ChainLog, 'address' | 'topics' | 'data'>,
): Transfer | undefined => {
  const [topic, fromWord, toWord] = log.topics
  if (topic !== TRANSFER || log.topics.length !== 3 || log.data.length !== 66) return undefined
  const from = addressOfWord(fromWord ?? '0x')
  const to = addressOfWord(toWord ?? '0x')
  return from && to ? { token: log.address, from, to, units: BigInt(log.data) } : undefined
}

import { keccak_256 } from '@noble/hashes/sha3'
import type { Hex } from '../base/index.ts'
import type { ChainLog } from './types.ts'

const BYTES = 256
const CACHED_ITEMS = 32_768

// Addresses and topics repeat from block to block: what was hashed is kept, oldest out first.
const cache = new Map<Hex, number>()

/** The three bloom bits (11 bits each) of an address or topic, packed into one number. */
const bitsOf = (item: Hex): number => {
  const known = cache.get(item)
  if (known !== undefined) return known
  const hash = keccak_256(Buffer.from(item.slice(2), 'hex'))
  const at = (index: number): number => (((hash[index] ?? 0) << 8) | (hash[index + 1] ?? 0)) & 2_047
  const bits = (at(0) * 2_048 + at(2)) * 2_048 + at(4)
  if (cache.size >= CACHED_ITEMS) {
    const oldest = cache.keys().next()
    if (!oldest.done) cache.delete(oldest.value)
  }
  cache.set(item, bits)
  return bits
}

const eachBit = (bits: number, visit: (byte: number, mask: number) => void): void => {
  const first = Math.floor(bits / 4_194_304)
  const rest = bits % 4_194_304
  for (const bit of [first, rest >> 11, rest & 2_047]) visit(BYTES - 1 - (bit >> 3), 1 << (bit & 7))
}

/** The logs bloom that a header of a block with these logs must carry. */
export const computeLogsBloom = (logs: Iterable<Pick<ChainLog, 'address' | 'topics'>>): Hex => {
  const bloom = Buffer.alloc(BYTES)
  const seen = new Set<Hex>()
  const add = (item: Hex): void => {
    if (seen.has(item)) return
    seen.add(item)
    eachBit(bitsOf(item), (byte, mask) => {
      bloom[byte] = (bloom[byte] ?? 0) | mask
    })
  }
  for (const log of logs) {
    add(log.address)
    for (const topic of log.topics) add(topic)
  }
  return `0x${bloom.toString('hex')}`
}

import { hexToBytes, keccak256 } from 'viem/utils'
import type { Hex } from '../base/index.ts'

/** The three places of a 2048-bit logs bloom that a value sets: byte offset and mask each. */
export type BloomBits = readonly (readonly [byte: number, mask: number])[]

export const bloomBits = (value: Hex): BloomBits => {
  const hash = hexToBytes(keccak256(hexToBytes(value)))
  return [0, 2, 4].map((offset) => {
    const bit = (((hash[offset] ?? 0) << 8) | (hash[offset + 1] ?? 0)) & 2047
    return [255 - (bit >> 3), 1 << (bit & 7)] as const
  })
}

/** False: the value is in no log of the block. True: it may be. */
export const bloomMayHold = (bloom: Uint8Array, bits: BloomBits): boolean =>
  bits.every(([byte, mask]) => ((bloom[byte] ?? 0) & mask) !== 0)

/** Bytes of a header's bloom; undefined when it has none that could be trusted (then everything is possible). */
export const parseBloom = (bloom: Hex): Uint8Array | undefined =>
  bloom.length === 514 ? hexToBytes(bloom) : undefined

import type { Hex } from 'viem'

/** Reads one 32-byte word, given as 64 hexadecimal digits. */
export type WordReader = (word: string) => unknown

const NUMBER_BITS = 48

/** A reader for types that fill exactly one word; undefined for all others. Says what viem's decoder says. */
export const wordReader = (type: string): WordReader | undefined => {
  if (type === 'address') return (word): Hex => `0x${word.slice(24).toLowerCase()}`
  if (type === 'bool') return (word) => BigInt(`0x${word}`) === 1n
  const [, name, digits] = /^(uint|int|bytes)(\d+)$/.exec(type) ?? []
  const size = Number(digits)
  if (name === 'bytes') return (word): Hex => `0x${word.slice(0, size * 2)}`
  if (name === 'uint')
    return size > NUMBER_BITS ? (word) => BigInt(`0x${word}`) : (word) => Number(`0x${word}`)
  if (name === 'int') {
    const signed = (word: string): bigint => BigInt.asIntN(size, BigInt(`0x${word}`))
    return size > NUMBER_BITS ? signed : (word) => Number(signed(word))
  }
  return undefined
}

import { Buffer } from 'node:buffer'

const BITS = 10
const REGISTERS = 1 << BITS
const ZERO = 48

/**
 * A count of distinct texts in a kilobyte, whatever their number: standard error 3.3 %, nearly exact below a hundred.
 * Empty text for none; otherwise 1024 printable characters, one for each register. Bounded: 1024 characters.
 */
export type DistinctSketch = string

export const EMPTY_DISTINCT: DistinctSketch = ''

const mix = (hash: number): number => {
  let mixed = hash ^ (hash >>> 16)
  mixed = Math.imul(mixed, 0x85ebca6b)
  mixed ^= mixed >>> 13
  mixed = Math.imul(mixed, 0xc2b2ae35)
  return (mixed ^ (mixed >>> 16)) >>> 0
}

/** A 32-bit hash that is the same everywhere; not against forgers. FNV-1a, then the finaliser of MurmurHash3. */
export const hashText = (text: string, seed = 0): number => {
  let hash = (0x811c9dc5 ^ Math.imul(seed, 0x9e3779b1)) | 0
  for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193)
  return mix(hash)
}

/**
 * The sketch with more texts in it; texts that are in it change nothing.
 * Source: P. Flajolet, É. Fusy, O. Gandouet, F. Meunier, "HyperLogLog: the analysis of a near-optimal cardinality
 * estimation algorithm", AofA (2007), 137-156.
 */
export const addToDistinct = (sketch: DistinctSketch, texts: Iterable<string>): DistinctSketch => {
  let registers: Buffer | undefined
  for (const text of texts) {
    const at = hashText(text) >>> (32 - BITS)
    const rank = Math.clz32(hashText(text, 1)) + 1 + ZERO
    if (rank <= (registers ? (registers[at] ?? 0) : sketch.charCodeAt(at) || ZERO)) continue
    registers ??= sketch === '' ? Buffer.alloc(REGISTERS, ZERO) : Buffer.from(sketch, 'latin1')
    registers[at] = rank
  }
  return registers ? registers.toString('latin1') : sketch
}

/** How many distinct texts are in the sketch, about; small numbers by counting empty registers, as the source does. */
export const countDistinct = (sketch: DistinctSketch): number => {
  if (sketch === '') return 0
  let sum = 0
  let empty = 0
  for (let at = 0; at < REGISTERS; at++) {
    const rank = sketch.charCodeAt(at) - ZERO
    sum += 2 ** -rank
    if (rank === 0) empty++
  }
  const raw = ((0.7213 / (1 + 1.079 / REGISTERS)) * REGISTERS ** 2) / sum
  return Math.round(
    raw <= 2.5 * REGISTERS && empty > 0 ? REGISTERS * Math.log(REGISTERS / empty) : raw,
  )
}

import {
  type AbiEvent,
  type AbiParameter,
  decodeAbiParameters,
  type Hex,
  toEventSelector,
  toEventSignature,
} from 'viem'
import { type WordReader, wordReader } from './readWord.ts'

type KnownInput = {
  readonly at: number
  readonly type: AbiParameter
  /** Indexed, and only its hash is in the log. */
  readonly isHashed: boolean
  readonly read: WordReader | undefined
}

/** An event of an ABI, made ready to decode many logs. */
export type KnownEvent = {
  /** `Transfer(address,address,uint256)` */
  readonly signature: string
  readonly name: string
  readonly topic0: Hex
  readonly inputs: AbiEvent['inputs']
  readonly indexed: readonly KnownInput[]
  readonly plain: readonly KnownInput[]
  /** Every argument fills one word, as it does in most events: decoded without viem's general decoder. */
  readonly isWords: boolean
}

export type DecodedLog = {
  readonly event: KnownEvent
  /** In the order of the event's inputs. Addresses in lower case; indexed strings, bytes and arrays as their hash. */
  readonly values: readonly unknown[]
}

/** What JSON in Postgres can hold. */
type Plain = string | number | boolean | null | Plain[] | { [key: string]: Plain }

// Indexed values of these types are in the log as their hash alone.
const isHashed = ({ type }: AbiParameter): boolean =>
  type === 'string' || type === 'bytes' || type.startsWith('tuple') || type.endsWith(']')

const readHash: WordReader = (word) => `0x${word}`

export const knowEvent = (item: AbiEvent): KnownEvent => {
  const inputs: readonly KnownInput[] = item.inputs.map((type, at) => {
    const hashed = Boolean(type.indexed) && isHashed(type)
    return { at, type, isHashed: hashed, read: hashed ? readHash : wordReader(type.type) }
  })
  return {
    signature: toEventSignature(item),
    name: item.name,
    topic0: toEventSelector(item),
    inputs: item.inputs,
    indexed: inputs.filter(({ type }) => 'indexed' in type && type.indexed),
    plain: inputs.filter(({ type }) => !('indexed' in type && type.indexed)),
    isWords: inputs.every(({ read }) => read !== undefined),
  }
}

const lowerAddresses = (value: unknown, type: AbiParameter): unknown => {
  if (typeof value === 'string') return type.type === 'address' ? value.toLowerCase() : value
  if (Array.isArray(value)) {
    const inner = { ...type, type: type.type.replace(/\[\d*\]$/, '') }
    return value.map((item) => lowerAddresses(item, inner))
  }
  if (typeof value !== 'object' || value === null || !('components' in type)) return value
  const components = type.components
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => {
      const component = components.find(({ name }) => name === key)
      return [key, component ? lowerAddresses(item, component) : item]
    }),
  )
}

const decodeWords = (
  event: KnownEvent,
  topics: readonly Hex[],
  data: Hex,
): DecodedLog | undefined => {
  if (data.length < 2 + event.plain.length * 64) return undefined
  const values: unknown[] = new Array(event.inputs.length)
  for (const [index, { at, read }] of event.indexed.entries())
    values[at] = read?.(topics[index + 1]?.slice(2) ?? '')
  for (const [index, { at, read }] of event.plain.entries())
    values[at] = read?.(data.slice(2 + index * 64, 66 + index * 64))
  return { event, values }
}

/** Undefined when the log is not this event: another number of topics, or data that does not fit. */
export const decodeLog = (
  event: KnownEvent,
  topics: readonly Hex[],
  data: Hex,
): DecodedLog | undefined => {
  if (topics.length !== event.indexed.length + 1) return undefined
  if (event.isWords) return decodeWords(event, topics, data)
  const values: unknown[] = new Array(event.inputs.length)
  try {
    for (const [index, { at, type, isHashed }] of event.indexed.entries()) {
      const topic = topics[index + 1] ?? '0x'
      const [value] = isHashed ? [topic] : decodeAbiParameters([type], topic)
      values[at] = lowerAddresses(value, type)
    }
    if (event.plain.length > 0) {
      const decoded: readonly unknown[] = decodeAbiParameters(
        event.plain.map(({ type }) => type),
        data,
      )
      for (const [index, { at, type }] of event.plain.entries())
        values[at] = lowerAddresses(decoded[index], type)
    }
  } catch {
    // A stranger chooses what a contract emits: what does not decode is kept raw.
    return undefined
  }
  return { event, values }
}

// Postgres cannot hold the zero character in text.
export const cleanZeros = (text: string): string => text.replaceAll('\u0000', '')

const toPlain = (value: unknown): Plain => {
  if (typeof value === 'bigint') return value.toString()
  if (typeof value === 'string') return cleanZeros(value)
  if (typeof value === 'number' || typeof value === 'boolean') return value
  if (Array.isArray(value)) return value.map(toPlain)
  if (typeof value === 'object' && value !== null)
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, toPlain(item)]))
  return null
}

/** Arguments by name (by position where the ABI gives none). */
export const argsOf = ({ event, values }: DecodedLog): Record<string, Plain> =>
  Object.fromEntries(
    event.inputs.map((input, index) => [input.name || String(index), toPlain(values[index])]),
  )

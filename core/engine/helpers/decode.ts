import type { Abi, AbiEvent } from 'viem'
import type { Address, Hex } from '../../base/index.ts'
import { indexAbi } from '../abiIndex.ts'
import { decodeWords } from '../decodeWords.ts'

/** An address as a topic holds it: lower case, 32 bytes. */
export const addressTopic = (address: Address): Hex =>
  `0x${address.slice(2).toLowerCase().padStart(64, '0')}`

/** The address in the last 20 bytes of a word; undefined when it is no word of 32 bytes, or more than an address. */
export const addressOfWord = (word: Hex): Address | undefined =>
  /^0x0{24}[0-9a-fA-F]{40}$/.test(word) ? `0x${word.slice(26).toLowerCase()}` : undefined

export type Decoded = { readonly name: string; readonly args: Readonly<Record<string, unknown>> }

const named = (
  args: readonly unknown[],
  inputs: readonly { readonly name?: string | undefined }[],
): Decoded['args'] =>
  Object.fromEntries(args.map((value, index) => [inputs[index]?.name || String(index), value]))

type EventInput = AbiEvent['inputs'][number]

/** How an event's arguments lie in topics and data. */
type EventPlan = {
  readonly indexed: readonly (readonly [name: string, parameter: readonly [EventInput]])[]
  readonly names: readonly string[]
  readonly plain: readonly EventInput[]
}

const plans = new WeakMap<AbiEvent, EventPlan>()
const planOf = (event: AbiEvent): EventPlan => {
  const known = plans.get(event)
  if (known) return known
  // As viem has it: where one argument has no name, all are told by their place.
  const isUnnamed = event.inputs.some(({ name }) => !name)
  const named = event.inputs.map(
    (input, at) => [isUnnamed ? String(at) : (input.name ?? String(at)), input] as const,
  )
  const plain = named.filter(([, { indexed }]) => !indexed)
  const made: EventPlan = {
    indexed: named.flatMap(([name, input]) => (input.indexed ? [[name, [input]] as const] : [])),
    names: plain.map(([name]) => name),
    plain: plain.map(([, input]) => input),
  }
  plans.set(event, made)
  return made
}

/** Of what does not fit a word the topic holds the hash. */
const isHashed = (type: string): boolean =>
  type === 'string' || type === 'bytes' || type === 'tuple' || type.endsWith(']')

/**
 * An event by name; undefined when the log is none of the ABI's, or its topics and data do not fit. A contract may emit
 * anything at all, so what does not decode is never an error.
 */
export const decodeLog = (
  abi: Abi,
  log: { readonly topics: readonly Hex[]; readonly data: Hex },
): Decoded | undefined => {
  const [first] = log.topics
  const event = first === undefined ? undefined : indexAbi(abi).events.get(first)
  if (!event) return undefined
  const { indexed, names, plain } = planOf(event)
  const args: Record<string, unknown> = {}
  try {
    for (const [at, [name, parameter]] of indexed.entries()) {
      const topic = log.topics[at + 1]
      if (!topic) return undefined
      args[name] = isHashed(parameter[0].type) ? topic : decodeWords(parameter, topic)[0]
    }
    if (plain.length > 0) {
      if (log.data === '0x') return undefined
      const values = decodeWords(plain, log.data)
      for (const [at, name] of names.entries()) args[name] = values[at]
    }
    return { name: event.name, args }
  } catch {
    return undefined
  }
}

/** A call by function name; undefined when selector or arguments do not fit the ABI. */
export const decodeCall = (abi: Abi, input: Hex): Decoded | undefined => {
  const item = indexAbi(abi).functions.get(input.slice(0, 10).toLowerCase() as Hex)
  if (!item) return undefined
  if (item.inputs.length === 0) return { name: item.name, args: {} }
  try {
    const values = decodeWords(item.inputs, `0x${input.slice(10)}`)
    return { name: item.name, args: named(values, item.inputs) }
  } catch {
    return undefined
  }
}

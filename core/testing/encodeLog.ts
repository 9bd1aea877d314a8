import { type Abi, encodeAbiParameters, encodeEventTopics, getAbiItem } from 'viem'
import type { Address, Hex } from '../base/index.ts'

/** A log before it has a place in a block. */
export type LogInput = {
  readonly address: Address
  readonly topics: readonly Hex[]
  readonly data: Hex
}

/**
 * A log as the contract would emit it. `args` by name, or in order. Throws when the ABI has no such event.
 * @example encodeLog({ abi: erc20Abi, eventName: 'Transfer', args: { from, to, value: 1n }, address: token })
 */
export const encodeLog = (options: {
  readonly abi: Abi
  readonly eventName: string
  readonly args: Readonly<Record<string, unknown>> | readonly unknown[]
  readonly address: Address
}): LogInput => {
  const { abi, eventName, args } = options
  const item = getAbiItem({ abi, name: eventName })
  if (item?.type !== 'event') throw new Error(`The ABI has no event "${eventName}".`)
  const argument = (name: string | undefined, position: number): unknown => {
    const value = Array.isArray(args)
      ? args[position]
      : (args as Readonly<Record<string, unknown>>)[name ?? String(position)]
    if (value === undefined) throw new Error(`The event ${eventName} lacks "${name ?? position}".`)
    return value
  }
  const inputs = item.inputs.map((input, position) => ({
    ...input,
    value: argument(input.name, position),
  }))
  const indexed = inputs.filter((input) => input.indexed)
  const plain = inputs.filter((input) => !input.indexed)
  // Re-declared with the indexed inputs alone, so that unnamed ones and gaps are no trouble.
  const topics = encodeEventTopics({
    abi: [{ ...item, inputs: item.inputs }],
    eventName,
    args: indexed.every(({ name }) => name)
      ? Object.fromEntries(indexed.map(({ name, value }) => [name, value]))
      : indexed.map(({ value }) => value),
  })
  return {
    address: options.address.toLowerCase() as Address,
    topics: topics.flatMap((topic) => (typeof topic === 'string' ? [topic] : [])),
    data: encodeAbiParameters(
      plain,
      plain.map(({ value }) => value),
    ),
  }
}

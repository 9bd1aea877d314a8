import type { Abi } from 'viem'
import { decodeEventLog, decodeFunctionData, toFunctionSelector } from 'viem/utils'
import type { Address, Hex } from '../../base/index.ts'

/** An address as a topic holds it: lower case, 32 bytes. */
export const addressTopic = (address: Address): Hex =>
  `0x${address.slice(2).toLowerCase().padStart(64, '0')}`

/** The address in the last 20 bytes of a word; undefined when it is no word of 32 bytes, or more than an address. */
export const addressOfWord = (word: Hex): Address | undefined =>
  /^0x0{24}[0-9a-fA-F]{40}$/.test(word) ? `0x${word.slice(26).toLowerCase()}` : undefined

export type Decoded = { readonly name: string; readonly args: Readonly<Record<string, unknown>> }

const named = (
  args: unknown,
  inputs: readonly { readonly name?: string | undefined }[],
): Decoded['args'] => {
  if (Array.isArray(args))
    return Object.fromEntries(
      args.map((value, index) => [inputs[index]?.name || String(index), value]),
    )
  return typeof args === 'object' && args !== null ? { ...args } : {}
}

/**
 * An event by name; undefined when the log is none of the ABI's, or its topics and data do not fit. A contract may emit
 * anything at all, so what does not decode is never an error.
 */
export const decodeLog = (
  abi: Abi,
  log: { readonly topics: readonly Hex[]; readonly data: Hex },
): Decoded | undefined => {
  const [first, ...rest] = log.topics
  if (first === undefined) return undefined
  try {
    const { eventName, args } = decodeEventLog({
      abi,
      topics: [first, ...rest],
      data: log.data,
      strict: true,
    })
    return eventName === undefined ? undefined : { name: eventName, args: named(args, []) }
  } catch {
    return undefined
  }
}

/** A call by function name; undefined when selector or arguments do not fit the ABI. */
export const decodeCall = (abi: Abi, input: Hex): Decoded | undefined => {
  try {
    const { functionName, args } = decodeFunctionData({ abi, data: input })
    const selector = input.slice(0, 10).toLowerCase()
    const item = abi.find((one) => one.type === 'function' && toFunctionSelector(one) === selector)
    return {
      name: functionName,
      args: named(args ?? [], item?.type === 'function' ? item.inputs : []),
    }
  } catch {
    return undefined
  }
}

import type { Hex } from 'tocsin'
import { toFunctionSelector } from 'viem/utils'

/** Calldata where Compound keeps the function's signature apart from its arguments; an empty signature leaves it as it is. */
export const joinSignature = (signature: unknown, data: unknown): Hex => {
  const input: Hex = typeof data === 'string' && data.startsWith('0x') ? (data as Hex) : '0x'
  if (typeof signature !== 'string' || signature === '') return input
  try {
    return `${toFunctionSelector(signature)}${input.slice(2)}`
  } catch {
    return input
  }
}

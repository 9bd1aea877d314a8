import type { Abi } from 'viem'
import { parseAbiItem } from 'viem/utils'
import type { SignatureCondition } from '../../engine/light.ts'

/** An event or function for decoding: the entry of its ABI, else what its signature alone says; undefined for neither. */
export const declarationOf = (
  kind: 'event' | 'function',
  signature: string,
  item: Abi[number] | undefined,
): SignatureCondition['declaration'] | undefined => {
  if (item) return { ...item }
  const text = `${kind} ${signature}`
  try {
    parseAbiItem(text)
    return text
  } catch {
    // A struct, or no signature at all.
    return undefined
  }
}

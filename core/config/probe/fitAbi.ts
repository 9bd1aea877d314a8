import type { Abi } from 'viem'
import { toEventSelector, toFunctionSelector, toFunctionSignature } from 'viem/utils'

export type AbiFit = {
  /** Functions (events, for an ABI without any) that were looked for. */
  readonly total: number
  readonly missing: readonly string[]
}

/** Compilers push a selector without its leading zero bytes. */
const inCode = (code: string, selector: string): boolean =>
  code.includes(selector.slice(2).replace(/^(00)+/, ''))

/** How much of an ABI the bytecode knows: a selector that a contract answers to stands in its code. */
export const fitAbi = (abi: Abi, codes: readonly string[]): AbiFit => {
  const code = codes.join('').toLowerCase()
  const functions = abi.filter((item) => item.type === 'function')
  if (functions.length > 0) {
    const missing = functions.filter((item) => !inCode(code, toFunctionSelector(item)))
    return { total: functions.length, missing: missing.map(toFunctionSignature) }
  }
  const events = abi.filter((item) => item.type === 'event')
  const missing = events.filter((item) => !inCode(code, toEventSelector(item)))
  return { total: events.length, missing: missing.map((item) => item.name) }
}

/** Those of the named functions, such as `setFee(uint256)`, that the bytecode does not know. */
export const missingFunctions = (
  signatures: readonly string[],
  codes: readonly string[],
): readonly string[] => {
  const code = codes.join('').toLowerCase()
  return signatures.filter(
    (signature) => !inCode(code, toFunctionSelector(`function ${signature}`)),
  )
}

import type { AbiFunction } from 'viem'
import { decodeFunctionData, parseAbiItem, toFunctionSelector } from 'viem/utils'
import { cleanText, type Hex } from '../base/index.ts'
import type { ActionDefinition, Policy } from './types.ts'

const MAX_TEXT = 1_000

const parseFunction = (text: string): AbiFunction | undefined => {
  try {
    const item: unknown = parseAbiItem(`function ${text.replace(/^function\s+/, '')}` as string)
    const found = item as AbiFunction
    return found.type === 'function' ? found : undefined
  } catch {
    return undefined
  }
}

const isBytes = (value: unknown): value is Hex =>
  typeof value === 'string' && /^0x([0-9a-f]{2}){4,}$/i.test(value)

const show = (value: unknown, type: string, known: readonly AbiFunction[]): string => {
  if (type === 'bytes' && isBytes(value)) return decode(value, known) ?? value
  if (Array.isArray(value))
    return `[${value.map((each) => show(each, type.replace(/\[\d*\]$/, ''), known)).join(', ')}]`
  return typeof value === 'string' ? value : String(value)
}

const decode = (data: Hex, known: readonly AbiFunction[]): string | undefined => {
  const item = known.find((each) => data.startsWith(toFunctionSelector(each)))
  if (!item) return undefined
  try {
    const { args } = decodeFunctionData({ abi: [item], data })
    const values: readonly unknown[] = args ?? []
    const shown = item.inputs.map(
      ({ name, type }, index) => `${name ? `${name}: ` : ''}${show(values[index], type, known)}`,
    )
    return `${item.name}(${shown.join(', ')})`
  } catch {
    return undefined
  }
}

/**
 * What calldata calls, in words for people: `setReservePause(asset: 0x…, paused: true)`, also where it lies inside
 * another call. Undefined where the action type does not name the function, or the bytes are not of it.
 */
export const describeCall = (
  action: Pick<ActionDefinition, 'functions'> | undefined,
  policy: Pick<Policy, 'target' | 'chain' | 'parameters' | 'calldata'>,
): string | undefined => {
  const known = (action?.functions?.(policy) ?? []).flatMap((text) => parseFunction(text) ?? [])
  const text = decode(policy.calldata, known)
  return text === undefined ? undefined : cleanText(text, MAX_TEXT)
}

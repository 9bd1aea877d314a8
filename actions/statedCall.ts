import type { Address, Hex } from 'tocsin'
import type { AbiFunction, AbiParameter } from 'viem'
import {
  decodeAbiParameters,
  encodeAbiParameters,
  encodeFunctionData,
  isAddress,
  parseAbiItem,
  toFunctionSelector,
} from 'viem/utils'
import { z } from 'zod'
import { addressParameter } from './words.ts'

/** Stands for the signer's address among the arguments of a readiness check. */
const SIGNER = '$signer'

const scalar = z.union([z.string().max(10_000), z.boolean(), z.int()])
type Stated = string | boolean | number | readonly Stated[]
const stated: z.ZodType<Stated> = z.lazy(() => z.union([scalar, z.array(stated).max(200)]))

/** A function and its arguments, as people read them. */
export const statedCall = z.strictObject({
  function: z.string().max(500).describe('As in Solidity: "setFrozen(address,bool)"'),
  args: z.array(stated).max(50).default([]),
})
export type StatedCall = z.infer<typeof statedCall>

/** A read with one answer that must come. */
export const statedCheck = z.strictObject({
  to: addressParameter.optional().describe('Default: the target'),
  function: z.string().max(500).describe('With what it returns: "frozen(address) returns (bool)"'),
  args: z.array(stated).max(50).default([]),
  equals: scalar,
})
export type StatedCheck = z.infer<typeof statedCheck>

/** A time that a contract tells, in Unix seconds, and how far off it must be. */
export const statedTerm = z.strictObject({
  to: addressParameter.optional().describe('Default: the target'),
  function: z
    .string()
    .max(500)
    .describe('With what it returns: "getPausedState() returns (bool,uint256,uint256)"'),
  args: z.array(stated).max(50).default([]),
  output: z.int().min(0).max(20).default(0).describe('Which of its answers is the time, from 0'),
  daysLeft: z.int().min(0).max(3_650).default(14).describe('Nearer than this it is no longer well'),
})
export type StatedTerm = z.infer<typeof statedTerm>

const parseFunction = (text: string): AbiFunction => {
  const item: unknown = parseAbiItem(`function ${text.replace(/^function\s+/, '')}` as string)
  const found = item as AbiFunction
  if (found.type !== 'function') throw new TypeError('not a function')
  return found
}

const fail = (type: string, value: Stated): never => {
  throw new TypeError(`${JSON.stringify(value)} is no ${type}`)
}

const asNumber = (type: string, value: Stated): bigint => {
  if (typeof value === 'number') return BigInt(value)
  if (typeof value !== 'string' || !/^(-?\d+|0x[0-9a-fA-F]+)$/.test(value)) return fail(type, value)
  return BigInt(value)
}

const asText = (type: string, value: Stated, isRight: (text: string) => boolean): string =>
  typeof value === 'string' && isRight(value) ? value : fail(type, value)

/** The value that the encoder wants for a type, from how people write it. */
const toValue = (type: string, value: Stated, signer: Address | undefined): unknown => {
  const item = /^(.*)\[\d*\]$/.exec(type)?.[1]
  if (item !== undefined)
    return Array.isArray(value)
      ? value.map((each: Stated) => toValue(item, each, signer))
      : fail(type, value)
  if (/^u?int\d*$/.test(type)) return asNumber(type, value)
  if (type === 'bool') return typeof value === 'boolean' ? value : fail(type, value)
  if (type === 'address')
    return asText(type, signer && value === SIGNER ? signer : value, (text) => isAddress(text))
  if (type === 'string') return asText(type, value, () => true)
  if (/^bytes\d*$/.test(type))
    return asText(type, value, (text) => /^0x([0-9a-fA-F]{2})*$/.test(text))
  throw new TypeError(`${type} cannot be stated here`)
}

/** @throws TypeError when the function or an argument cannot be read. */
export const encodeStated = (
  { function: text, args }: StatedCall,
  signer?: Address,
): { readonly name: string; readonly selector: Hex; readonly data: Hex } => {
  const item = parseFunction(text)
  if (item.inputs.length !== args.length)
    throw new TypeError(`${item.name} takes ${item.inputs.length} arguments, not ${args.length}`)
  const values = item.inputs.map(({ type }, index) => toValue(type, args[index] ?? '', signer))
  return {
    name: item.name,
    selector: toFunctionSelector(item),
    data: encodeFunctionData({ abi: [item], functionName: item.name, args: values }),
  }
}

/** @throws TypeError when the function, an argument or the answer cannot be read. */
export const encodeCheck = (
  { to, function: text, args, equals }: StatedCheck,
  target: Address,
  signer?: Address,
): { readonly to: Address; readonly data: Hex; readonly equals: Hex } => {
  const outputs: readonly AbiParameter[] = parseFunction(text).outputs
  const [output] = outputs
  if (!output || outputs.length !== 1)
    throw new TypeError(`"${text.slice(0, 80)}" must say the one value that it returns`)
  return {
    to: to ?? target,
    data: encodeStated({ function: text, args }, signer).data,
    equals: encodeAbiParameters([output], [toValue(output.type, equals, signer)]),
  }
}

/** @throws TypeError when the function or an argument cannot be read, or its answer is no number. */
export const encodeTerm = (
  { to, function: text, args, output }: StatedTerm,
  target: Address,
): {
  readonly to: Address
  readonly data: Hex
  /** Unix seconds, of what the call returned; undefined when that is something else. */
  readonly read: (data: Hex) => bigint | undefined
} => {
  const item = parseFunction(text)
  const outputs: readonly AbiParameter[] = item.outputs
  if (!/^uint\d*$/.test(outputs[output]?.type ?? ''))
    throw new TypeError(`"${text.slice(0, 80)}" returns no number at place ${output}`)
  return {
    to: to ?? target,
    data: encodeStated({ function: text, args }).data,
    read: (data) => {
      try {
        const value: unknown = decodeAbiParameters(outputs, data)[output]
        return value === undefined ? undefined : BigInt(value as bigint)
      } catch {
        return undefined
      }
    },
  }
}

const whyOf = (work: () => unknown): string | undefined => {
  try {
    work()
    return undefined
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error)
    return text.split('\n')[0]?.slice(0, 200)
  }
}

const ANYONE: Address = `0x${'00'.repeat(20)}`

/** Why a stated call or check cannot be encoded, or undefined when it can. */
export const faultOfCall = (call: StatedCall): string | undefined => whyOf(() => encodeStated(call))
export const faultOfTerm = (term: StatedTerm): string | undefined =>
  whyOf(() => encodeTerm(term, ANYONE))
export const faultOfCheck = (check: StatedCheck): string | undefined =>
  whyOf(() => encodeCheck(check, ANYONE, ANYONE))

import type { Address, Hex } from 'tocsin'
import type { Abi, AbiFunction } from 'viem'
import { decodeFunctionData, toFunctionSelector } from 'viem/utils'
import { categoryOf, findKnown } from './knownFunctions.ts'
import type { Argument, Category, DecodedCall, RawCall } from './types.ts'

/** Bounds: what one proposal may make the bot look at. */
const MAX_CALLS = 100
const MAX_DEPTH = 3

const isHex = (value: unknown): value is Hex => typeof value === 'string' && value.startsWith('0x')
const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null
const lower = (value: unknown): Address => String(value).toLowerCase() as Address

const argsOf = (item: AbiFunction, input: Hex): readonly Argument[] | undefined => {
  try {
    const { args } = decodeFunctionData({ abi: [item], data: input })
    return (Array.isArray(args) ? args : []).map((value: unknown, index) => ({
      name: item.inputs[index]?.name || String(index),
      value,
    }))
  } catch {
    return undefined
  }
}

const findInAbi = (abi: Abi | undefined, selector: Hex): AbiFunction | undefined => {
  const item = abi?.find((one) => one.type === 'function' && toFunctionSelector(one) === selector)
  return item?.type === 'function' ? item : undefined
}

const categoryFor = (call: RawCall, item: AbiFunction | undefined): Category => {
  if (call.isDelegatecall) return 'foreign-code'
  if (call.input.length < 10) return call.valueWei > 0n ? 'money' : 'other'
  return item ? categoryOf(item.name) : 'unknown'
}

const decodeOne = (
  call: RawCall,
  depth: number,
  abiOf: (address: Address) => Abi | undefined,
): DecodedCall => {
  const selector = call.input.slice(0, 10).toLowerCase() as Hex
  const own = findInAbi(abiOf(call.target), selector)
  const item = own ?? findKnown(selector)?.item
  const args = item && argsOf(item, call.input)
  const fits = item !== undefined && args !== undefined
  return {
    ...call,
    item: fits ? item : undefined,
    args: args ?? [],
    source: fits ? (own ? 'abi' : 'built-in') : 'none',
    category: categoryFor(call, fits ? item : undefined),
    depth,
  }
}

const argument = (call: DecodedCall, ...names: string[]): unknown =>
  call.args.find(({ name }) => names.includes(name))?.value

const raw = (target: unknown, value: unknown, input: unknown, operation: unknown): RawCall[] =>
  isHex(target) && isHex(input)
    ? [
        {
          target: lower(target),
          valueWei: typeof value === 'bigint' ? value : 0n,
          input,
          isDelegatecall: Number(operation) === 1,
        },
      ]
    : []

/** The calls that a call carries: of timelocks, governors, Safes and multicalls. */
const carried = (call: DecodedCall): readonly RawCall[] => {
  const name = call.item?.name ?? ''
  if (name === 'multicall') {
    const parts = argument(call, 'data')
    return Array.isArray(parts)
      ? parts.slice(0, MAX_CALLS).flatMap((part: unknown) => raw(call.target, 0n, part, 0))
      : []
  }
  if (name === 'aggregate') {
    const parts = argument(call, 'calls')
    return Array.isArray(parts)
      ? parts
          .slice(0, MAX_CALLS)
          .flatMap((part: unknown) =>
            isRecord(part) ? raw(part['target'], 0n, part['callData'], 0) : [],
          )
      : []
  }
  if (!/^(schedule|execute|relay|execTransaction)/.test(name)) return []
  const targets = argument(call, 'targets')
  const payloads = argument(call, 'payloads', 'calldatas')
  const values = argument(call, 'values')
  if (Array.isArray(targets) && Array.isArray(payloads))
    return targets
      .slice(0, MAX_CALLS)
      .flatMap((target: unknown, index) =>
        raw(target, Array.isArray(values) ? values[index] : 0n, payloads[index], 0),
      )
  return raw(
    argument(call, 'target', 'to'),
    argument(call, 'value'),
    argument(call, 'payload', 'data'),
    argument(call, 'operation') ?? 0,
  )
}

/**
 * Reads calls by the watchlist's ABIs, else by the built-in list of admin functions, and what they carry inside, three
 * levels deep and at most 100 in all. What cannot be read stays, with category `unknown`.
 */
export const decodeCalls = (
  calls: readonly RawCall[],
  abiOf: (address: Address) => Abi | undefined,
): readonly DecodedCall[] => {
  const found: DecodedCall[] = []
  const visit = (call: RawCall, depth: number): void => {
    if (found.length >= MAX_CALLS) return
    const decoded = decodeOne(call, depth, abiOf)
    found.push(decoded)
    if (depth < MAX_DEPTH) for (const inner of carried(decoded)) visit(inner, depth + 1)
  }
  for (const call of calls) visit(call, 0)
  return found
}

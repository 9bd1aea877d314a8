import { type Abi, encodeFunctionData, encodeFunctionResult, toFunctionSelector } from 'viem'
import { type Address, type Hex, stableHash } from '../base/index.ts'
import type { StateReader } from '../chain/types.ts'
import type { Needs } from '../engine/types.ts'
import type { BlockInput } from './fakeChain.ts'

/** The answer of a read that reverts. */
export const REVERTS: unique symbol = Symbol('reverts')

/** State of a made-up chain at one block. Never changed, only followed by another. */
export type FakeState = {
  /** By `address:calldata`, or `address:selector*` for any arguments. */
  readonly calls: ReadonlyMap<string, Hex | typeof REVERTS>
  readonly storage: ReadonlyMap<string, Hex>
  readonly balances: ReadonlyMap<string, bigint>
  readonly code: ReadonlyMap<string, Hex>
  readonly roots: ReadonlyMap<string, Hex>
  /** Storage root of every contract that `roots` does not name. */
  readonly anyRoot: Hex
}

export const EMPTY_STATE: FakeState = {
  calls: new Map(),
  storage: new Map(),
  balances: new Map(),
  code: new Map(),
  roots: new Map(),
  anyRoot: '0x00',
}

const ZERO: Hex = `0x${'0'.repeat(64)}`
const lower = <T extends Hex>(value: T): T => value.toLowerCase() as T
const entries = <V>(record: Readonly<Record<Address, V>> = {}): readonly [string, V][] =>
  Object.entries(record).map(([address, value]) => [address.toLowerCase(), value])

const answer = (abi: Abi, functionName: string, result: unknown): Hex | typeof REVERTS =>
  result === REVERTS ? REVERTS : encodeFunctionResult({ abi, functionName, result })

const question = (abi: Abi, functionName: string, args: readonly unknown[] | undefined): string => {
  if (args) return encodeFunctionData({ abi, functionName, args })
  const item = abi.find((one) => one.type === 'function' && one.name === functionName)
  if (item?.type !== 'function') throw new Error(`The ABI has no function "${functionName}".`)
  return item.inputs.length > 0 ? `${toFunctionSelector(item)}*` : toFunctionSelector(item)
}

/** The state after a block. Declared reads are given by their keys. */
export const nextState = (
  before: FakeState,
  input: BlockInput,
  needs: Needs,
  salt: string,
): FakeState => {
  const calls = new Map(before.calls)
  const storage = new Map(before.storage)
  const balances = new Map([...before.balances, ...entries(input.balances)])
  for (const [key, value] of Object.entries(input.reads ?? {})) {
    const need = needs.reads?.find((read) => read.key === key)
    if (!need) throw new Error(`The bot declares no read "${key}".`)
    const address = lower(need.address)
    if (need.kind === 'balance') balances.set(address, value as bigint)
    else if (need.kind === 'storage') storage.set(`${address}:${lower(need.slot)}`, value as Hex)
    else {
      const { abi, functionName, args = [] } = need
      calls.set(`${address}:${question(abi, functionName, args)}`, answer(abi, functionName, value))
    }
  }
  for (const { address, abi, functionName, args, result } of input.calls ?? [])
    calls.set(
      `${lower(address)}:${question(abi, functionName, args)}`,
      answer(abi, functionName, result),
    )
  for (const { address, slot, value } of input.storage ?? [])
    storage.set(`${lower(address)}:${lower(slot)}`, value)
  const root: Hex = `0x${stableHash('root', salt)}`
  const touched = (input.touched ?? []).map((address): [string, Hex] => [lower(address), root])
  return {
    calls,
    storage,
    balances,
    code: new Map([...before.code, ...entries(input.code)]),
    roots: input.touched ? new Map([...before.roots, ...touched]) : new Map(),
    anyRoot: input.touched ? before.anyRoot : root,
  }
}

/** Answers from the states of known blocks; a block that it does not know throws, as a node would. */
export const createFakeReader = (stateAt: (hash: Hex) => FakeState): StateReader => ({
  call: async ({ to, data, block }) => {
    const { calls } = stateAt(block)
    const address = lower(to)
    const found = calls.get(`${address}:${data}`) ?? calls.get(`${address}:${data.slice(0, 10)}*`)
    return found === REVERTS ? { ok: false, data: '0x' } : { ok: true, data: found ?? '0x' }
  },
  storage: async (address, slot, block) =>
    stateAt(block).storage.get(`${lower(address)}:${lower(slot)}`) ?? ZERO,
  code: async (address, block) => stateAt(block).code.get(lower(address)) ?? '0x',
  balance: async (address, block) => stateAt(block).balances.get(lower(address)) ?? 0n,
})

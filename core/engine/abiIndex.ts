import type { Abi, AbiEvent, AbiFunction } from 'viem'
import { toEventSelector, toFunctionSelector } from 'viem/utils'
import type { Hex } from '../base/index.ts'

/** An ABI by what stands in logs and calldata. Of two items with one selector the first counts, as in viem. */
export type AbiIndex = {
  readonly events: ReadonlyMap<Hex, AbiEvent>
  readonly functions: ReadonlyMap<Hex, AbiFunction>
  readonly byName: ReadonlyMap<string, readonly AbiFunction[]>
}

const indexes = new WeakMap<Abi, AbiIndex>()
const selectors = new WeakMap<AbiFunction, Hex>()

/** The 4 bytes of a function; hashed once for each item. */
export const selectorOf = (item: AbiFunction): Hex => {
  const known = selectors.get(item)
  if (known !== undefined) return known
  const made = toFunctionSelector(item)
  selectors.set(item, made)
  return made
}

/** An item that no signature can be written of is none that anything on the chain could name. */
const attempt = (hash: () => Hex): Hex | undefined => {
  try {
    return hash()
  } catch {
    return undefined
  }
}

/** Hashes the items of an ABI once: viem does so at every call, which is most of what decoding costs. */
export const indexAbi = (abi: Abi): AbiIndex => {
  const known = indexes.get(abi)
  if (known) return known
  const events = new Map<Hex, AbiEvent>()
  const functions = new Map<Hex, AbiFunction>()
  const byName = new Map<string, AbiFunction[]>()
  for (const item of abi) {
    if (item.type === 'event') {
      const topic = attempt(() => toEventSelector(item))
      if (topic !== undefined && !events.has(topic)) events.set(topic, item)
    } else if (item.type === 'function') {
      const selector = attempt(() => selectorOf(item))
      if (selector !== undefined && !functions.has(selector)) functions.set(selector, item)
      const named = byName.get(item.name)
      if (named) named.push(item)
      else byName.set(item.name, [item])
    }
  }
  const made = { events, functions, byName }
  indexes.set(abi, made)
  return made
}

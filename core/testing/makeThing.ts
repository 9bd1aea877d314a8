import type { Abi } from 'viem'
import type { Address } from '../base/index.ts'
import { thingSchema } from '../config/schema.ts'
import type { ThingKind, WatchedThing } from '../config/types.ts'

/** A watched thing as a test states it; everything else takes the watchlist's defaults. */
export type ThingInput = {
  readonly kind: ThingKind
  readonly name: string
  readonly address: string
  /** Default: `local`. */
  readonly chain?: string
  readonly chainId?: number
  readonly abi?: Abi
  readonly [field: string]: unknown
}

/** Resolves a thing as the watchlist would. Throws when the schema refuses it. */
export const makeThing = (
  input: ThingInput,
  chain = { id: 31_337, name: 'local' },
): WatchedThing => {
  const { abi, chainId = chain.id, ...rest } = input
  const { abi: _path, address, ...parsed } = thingSchema.parse({ chain: chain.name, ...rest })
  const thing = { ...parsed, address: address.toLowerCase() as Address, chainId, abi }
  // One branch of the union goes in, the same comes out; the compiler loses track of which.
  return thing as WatchedThing
}

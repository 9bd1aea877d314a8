import { type Address, addressOfWord, type ChainLog, type Hex, type LogNeed } from 'tocsin'
import { toEventSelector } from 'viem/utils'
import { BEACON_SLOT, erc1967Abi } from '../../abis/index.ts'
import { BEACON_EVENT } from './events.ts'
import { slotReads, type WatchedSlot } from './slots.ts'
import type { AdminContext, AdminEvent, AdminThing } from './types.ts'

const UPGRADED = toEventSelector('Upgraded(address)')

/** Which beacon a proxy follows is known only on chain: every beacon's `Upgraded` is looked at. They are rare. */
export const beaconNeeds = (things: readonly AdminThing[]): readonly LogNeed[] => {
  const follows = (thing: AdminThing): boolean =>
    slotReads(thing).some((read) => read.kind === 'storage' && read.slot === BEACON_SLOT)
  return things.some(follows) ? [{ topics: [UPGRADED] }] : []
}

type Values = readonly { readonly slot: WatchedSlot; readonly after: Hex }[]

/** Upgrades of the beacon that a proxy follows, and whether the beacon itself says the same. A watched beacon tells them itself. */
export const readBeacon = async (
  ctx: AdminContext,
  values: Values,
  logs: readonly ChainLog[],
): Promise<readonly { readonly event: AdminEvent; readonly isTrue: boolean }[]> => {
  if (logs.length === 0) return []
  const held = values.find(({ slot }) => slot.slot === BEACON_SLOT)?.after
  const beacon: Address | undefined =
    held && BigInt(held) !== 0n
      ? (addressOfWord(held)?.toLowerCase() as Address | undefined)
      : undefined
  if (!beacon || ctx.thingAt(beacon)) return []
  const own = logs.filter(({ address, topics }) => address === beacon && topics[0] === UPGRADED)
  if (own.length === 0) return []
  const answer = await ctx.read.call<string>({
    address: beacon,
    abi: erc1967Abi,
    functionName: 'implementation',
  })
  return own.map((log, index) => {
    const implementation = (log.topics[1] && addressOfWord(log.topics[1])) ?? log.topics[1] ?? '0x'
    const isLast = index === own.length - 1
    return {
      event: { name: BEACON_EVENT, args: { beacon, implementation }, log, isDecoded: true },
      isTrue: !isLast || !answer.ok || answer.value.toLowerCase() === implementation.toLowerCase(),
    }
  })
}

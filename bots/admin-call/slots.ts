import { addressOfWord, type Hex, type ReadNeed, TocsinError } from 'tocsin'
import { ADMIN_SLOT, BEACON_SLOT, IMPLEMENTATION_SLOT } from '../../abis/index.ts'
import type { AdminContext, AdminThing } from './types.ts'

export type WatchedSlot = {
  readonly name: string
  readonly slot: Hex
  /** Event that tells of a change, with the argument that holds the new value. */
  readonly told: { readonly event: string; readonly argument: string } | undefined
}

const PROXY: readonly WatchedSlot[] = [
  {
    name: 'implementation',
    slot: IMPLEMENTATION_SLOT,
    told: { event: 'Upgraded', argument: 'implementation' },
  },
  { name: 'proxy admin', slot: ADMIN_SLOT, told: { event: 'AdminChanged', argument: 'newAdmin' } },
  { name: 'beacon', slot: BEACON_SLOT, told: { event: 'BeaconUpgraded', argument: 'beacon' } },
]
const SINGLETON: WatchedSlot = {
  name: 'singleton',
  slot: `0x${'0'.repeat(64)}`,
  told: { event: 'ChangedMasterCopy', argument: 'singleton' },
}

/** The slots of a thing that are read at every block. */
const slotsOf = (thing: AdminThing): readonly WatchedSlot[] => {
  const { slots, watchSlots } = thing.parameters
  const isProxy = thing.kind === 'proxy' || thing.proxy
  const usual =
    slots === 'never'
      ? []
      : thing.kind === 'multisig'
        ? [SINGLETON]
        : isProxy || slots === 'always'
          ? PROXY
          : []
  const own = Object.entries(watchSlots).map(
    ([name, slot]): WatchedSlot => ({ name, slot: slot.toLowerCase() as Hex, told: undefined }),
  )
  return [...usual, ...own]
}

const slotKey = (thing: AdminThing, slot: WatchedSlot): string => `${thing.name}:${slot.name}`

export const slotReads = (thing: AdminThing): readonly ReadNeed[] =>
  slotsOf(thing).map((slot) => ({
    kind: 'storage',
    key: slotKey(thing, slot),
    address: thing.address,
    slot: slot.slot,
  }))

export type SlotChange = { readonly slot: WatchedSlot; readonly before: Hex; readonly after: Hex }

/** What a slot held at the parent block; undefined when there was no contract yet. */
const heldBefore = async (
  ctx: AdminContext,
  thing: AdminThing,
  slot: Hex,
): Promise<Hex | undefined> => {
  if (ctx.block.number === 0) return undefined
  const code = await ctx.read.code(thing.address, 'parent')
  return code === '0x' ? undefined : ctx.read.storage(thing.address, slot, 'parent')
}

/**
 * Compares the slots of this block with those before it, and keeps them.
 * @throws TocsinError `bot.slot_unread` when a slot could not be read: the block must be examined again
 */
export const readSlots = async (
  ctx: AdminContext,
  thing: AdminThing,
): Promise<{
  readonly changes: readonly SlotChange[]
  readonly values: readonly { readonly slot: WatchedSlot; readonly after: Hex }[]
}> => {
  const changes: SlotChange[] = []
  const values: { readonly slot: WatchedSlot; readonly after: Hex }[] = []
  for (const slot of slotsOf(thing)) {
    const result = ctx.reads<Hex>(slotKey(thing, slot))
    if (!result.ok)
      throw new TocsinError(
        'bot.slot_unread',
        `The slot "${slot.name}" of "${thing.name}" could not be read.`,
        {
          cause: new Error(result.reason),
        },
      )
    const key = `slot:${thing.name}:${slot.slot}`
    const after = result.value.toLowerCase() as Hex
    const known = ctx.state.get<Hex>(key)
    values.push({ slot, after })
    const isFirst = known === undefined || (known !== after && BigInt(known) === 0n)
    // Where nothing lay before, the first value is part of the creation.
    const before = isFirst ? (await heldBefore(ctx, thing, slot.slot))?.toLowerCase() : known
    if (known !== after) ctx.state.set(key, after)
    if (before !== undefined && before !== after)
      changes.push({ slot, before: before as Hex, after })
  }
  return { changes, values }
}

/** A word for people: an address where it is one. */
export const showWord = (word: Hex): Hex => addressOfWord(word) ?? word

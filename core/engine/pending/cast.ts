import type { Address } from '../../base/index.ts'
import type { ChainHeader } from '../../chain/types.ts'
import type { BotMark } from '../botMarks.ts'
import type { BotMemory } from '../botMemory.ts'
import type { CompiledNeeds } from '../checkNeeds.ts'
import type { Filter } from '../compileFilter.ts'
import type { EngineBot } from '../engineBot.ts'
import type { LabelBook } from '../labelBook.ts'
import type { OpenHandlers } from '../openHandlers.ts'
import type { BotThing } from '../types.ts'

/** One bot as it stands at the last committed block. */
export type CastMember = {
  readonly bot: EngineBot
  readonly needs: CompiledNeeds
  readonly byAddress: ReadonlyMap<Address, BotThing<unknown>>
  /** To stage on, never to apply to. */
  readonly memory: BotMemory
  readonly mark: BotMark | undefined
  readonly openHandlers: OpenHandlers
  /** False for a bot that has not begun, hangs, or must not run. */
  readonly isFit: (header: ChainHeader) => boolean
}

/** All bots of a chain, for a block that is made up; by index as in `filter`. */
export type Cast = {
  readonly filter: Filter
  readonly labels: LabelBook
  readonly members: readonly CastMember[]
  /** Another number, other bots. */
  readonly generation: number
}

/** Every address that some bot looks at. */
export const listWatched = (cast: Cast): ReadonlySet<Address> => {
  const watched = new Set<Address>()
  for (const { needs, byAddress } of cast.members) {
    for (const address of byAddress.keys()) watched.add(address)
    for (const { addresses } of needs.logs) for (const one of addresses ?? []) watched.add(one)
    for (const { to } of needs.calls) watched.add(to)
    for (const { address } of needs.reads) watched.add(address)
    for (const sender of needs.senders) watched.add(sender)
    for (const address of needs.traces?.addresses ?? []) watched.add(address)
  }
  return watched
}

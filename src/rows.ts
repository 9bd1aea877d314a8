import type { Hex } from 'viem'
import type {
  approval,
  governanceStep,
  liquidityChange,
  ownershipChange,
  pauseChange,
  roleChange,
  safeChange,
  timelockStep,
  transfer,
  upgrade,
} from '../ponder.schema.ts'
import type { DecodedLog } from './decodeLog.ts'

/** Where a decoded log stands: what every typed row begins with, and what some need beside. */
export type Place = {
  readonly id: string
  readonly chainId: number
  readonly blockNumber: number
  readonly timestamp: number
  readonly txHash: Hex
  readonly address: Hex
}

export type Occasion = {
  readonly place: Place
  readonly kind: string
  readonly txFrom: Hex
  readonly decoded: DecodedLog
}

type Own<T extends { readonly $inferInsert: object }> = Omit<T['$inferInsert'], keyof Place>

/** A typed row without its place. */
export type Row =
  | { readonly table: 'transfer'; readonly values: Own<typeof transfer> }
  | { readonly table: 'approval'; readonly values: Own<typeof approval> }
  | { readonly table: 'roleChange'; readonly values: Own<typeof roleChange> }
  | { readonly table: 'ownershipChange'; readonly values: Own<typeof ownershipChange> }
  | { readonly table: 'upgrade'; readonly values: Own<typeof upgrade> }
  | { readonly table: 'pauseChange'; readonly values: Own<typeof pauseChange> }
  | { readonly table: 'liquidityChange'; readonly values: Own<typeof liquidityChange> }
  | { readonly table: 'governanceStep'; readonly values: Own<typeof governanceStep> }
  | { readonly table: 'timelockStep'; readonly values: Own<typeof timelockStep> }
  | { readonly table: 'safeChange'; readonly values: Own<typeof safeChange> }

/** Reads one event into a row; undefined when the event means something else on a thing of that kind. */
export type Reader = (args: Args, occasion: Occasion) => Row | undefined

/** Typed access to decoded values by position; the signature under which a reader is registered vouches for the types. */
export type Args = {
  readonly hex: (at: number) => Hex
  readonly big: (at: number) => bigint
  readonly int: (at: number) => number
  readonly text: (at: number) => string
  readonly hexes: (at: number) => Hex[]
  readonly flag: (at: number) => boolean
}

export const argsAt = ({ values }: DecodedLog): Args => ({
  hex: (at) => values[at] as Hex,
  big: (at) => BigInt(values[at] as bigint | number),
  int: (at) => Number(values[at]),
  text: (at) => String(values[at]),
  hexes: (at) => [...(values[at] as readonly Hex[])],
  flag: (at) => Boolean(values[at]),
})

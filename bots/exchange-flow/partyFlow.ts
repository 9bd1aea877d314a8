import { bpsOf, exceedsBps, type FindingSeverity } from 'tocsin'
import type { Direction, FlowContext, FlowThing, Role } from './party.ts'

type Told = { readonly level: number; readonly atS: number }

export type PartyFlow = {
  readonly direction: Direction
  /** Within the window, this block included. */
  readonly moved: bigint
  /** What it would hold had it not dealt with exchanges within the window (deposit), or what it holds now. */
  readonly base: bigint
  readonly shareBps: number
  readonly severity: FindingSeverity
}

/**
 * Adds what a party sent to exchanges, or had from them, and judges it against what it held. Told once, and again for
 * each further `partyBps`. Kept per watched party and asset: the window's samples and the last word said.
 */
export const followParty = (
  ctx: FlowContext,
  party: { readonly thing: FlowThing; readonly role: Role },
  flow: {
    readonly asset: string
    readonly direction: Direction
    readonly units: bigint
    /** At the end of this block. */
    readonly balance: bigint
    /** Less than this is dust. */
    readonly minUnits: bigint
  },
): PartyFlow | undefined => {
  const { thing, role } = party
  const { partyWindowS, partyBps, partyHighBps } = thing.parameters
  const { asset, direction, units, balance } = flow
  const key = `${direction}:${thing.name}:${asset}`
  const window = ctx.window(key, { keepS: partyWindowS })
  window.add(units)
  const moved = window.sum(partyWindowS)
  const base = direction === 'deposit' ? balance + moved : balance
  if (moved < flow.minUnits || !exceedsBps(moved, base, partyBps)) return undefined
  const shareBps = Number(bpsOf(moved, base))
  const level = Math.floor(shareBps / partyBps)
  const told = ctx.state.get<Told>(`told:${key}`)
  const isRecent = told !== undefined && ctx.block.timestampS - told.atS < partyWindowS
  if (isRecent && level <= told.level) return undefined
  ctx.state.set(`told:${key}`, { level, atS: ctx.block.timestampS })
  const severity =
    direction === 'withdrawal'
      ? 'Info'
      : role === 'whale'
        ? 'Low'
        : exceedsBps(moved, base, partyHighBps)
          ? 'High'
          : 'Medium'
  return { direction, moved, base, shareBps, severity }
}

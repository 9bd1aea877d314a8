import type { BotContext, BotThing, Hex } from 'tocsin'
import type { BridgeParameters } from './parameters.ts'

export type BridgeContext = BotContext<BridgeParameters>
export type BridgeThing = Extract<BotThing<BridgeParameters>, { kind: 'bridge' }>

/** A release that waits for its lock to be seen on the other side, and to be final there. */
export type Open = {
  readonly id: string | null
  readonly token: string | null
  readonly amount: string | null
  readonly recipient: string | null
  readonly event: string
  readonly tx: Hex
  readonly block: number
  readonly atS: number
  /** The key of the lock it was given; null while there is none. */
  readonly lock: string | null
  /** 0: nothing told. 1: not seen. 2: final on the other side, and there is none. */
  readonly told: 0 | 1 | 2
  /** Withdrawals of rollups take a week. */
  readonly isSlow: boolean
}

import type { BotContext, BotThing, CallTrace, ChainLog, Decoded } from 'tocsin'
import type { FunctionRule } from './functions.ts'
import type { AdminCallParameters } from './parameters.ts'

export type AdminContext = BotContext<AdminCallParameters>
export type AdminThing = BotThing<AdminCallParameters>

/** An event of a thing that tells of a change. */
export type AdminEvent = Decoded & {
  readonly log: ChainLog
  /** False when topic fits and the rest does not: reported all the same. */
  readonly isDecoded: boolean
}

/** A call of a function that only an administrator should call. */
export type AdminCall = {
  readonly call: CallTrace
  readonly rule: FunctionRule
  /** Read from the calldata of a Safe, governor or timelock, not from a trace. */
  readonly isUnwrapped: boolean
}

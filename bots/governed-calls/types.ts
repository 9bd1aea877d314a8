import type { Address, BotContext, BotThing, Hex } from 'tocsin'
import type { AbiFunction } from 'viem'

/** What both bots need of a context: names, labels and reads. */
export type GovernedContext = Pick<
  BotContext<unknown>,
  'read' | 'labels' | 'block' | 'parameters'
> & {
  readonly thingAt: (address: Address) => BotThing<unknown> | undefined
}

/** A call that a proposal or an operation would make. */
export type RawCall = {
  readonly target: Address
  readonly valueWei: bigint
  readonly input: Hex
  /** The target's code runs as the caller's own. */
  readonly isDelegatecall: boolean
}

/** 0: nothing to it. 1: worth knowing. 2: dangerous in the wrong hands. 3: what an attacker would do. */
export type Grade = 0 | 1 | 2 | 3

export type Category =
  | 'upgrade'
  | 'power'
  | 'money'
  | 'mint'
  | 'delay'
  | 'foreign-code'
  | 'destroy'
  | 'pause'
  | 'oracle'
  | 'parameter'
  | 'other'
  | 'unknown'

export type Argument = { readonly name: string; readonly value: unknown }

export type DecodedCall = RawCall & {
  /** Undefined when neither the watchlist nor the built-in list knows the selector. */
  readonly item: AbiFunction | undefined
  readonly args: readonly Argument[]
  readonly source: 'abi' | 'built-in' | 'none'
  readonly category: Category
  /** Calls that this one carries inside. */
  readonly depth: number
}

export type JudgedCall = {
  readonly call: DecodedCall
  readonly grade: Grade
  /** Why, continuing "it would …". */
  readonly reason: string
}

/** Limits that are the bots' parameters. */
export type JudgeLimits = {
  readonly treasuryShareBps: number
  readonly mintShareBps: number
  readonly knownAddresses: readonly Address[]
}

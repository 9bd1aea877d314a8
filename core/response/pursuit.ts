import type { Attempt, ExecutionRow } from './executionStore.ts'
import type { RelayRow } from './senders/relayStore.ts'
import type { RelayMemory } from './senders/relayTurn.ts'
import type { SignerContext, SignerLane } from './signerContext.ts'
import type { ActionDefinition, LoadedPolicy } from './types.ts'
import type { Warrant } from './warrant.ts'

/** What the signer remembers between two looks at an execution in flight; lost without harm. */
export type PursuitMemory = {
  /** What was verified: the nonce and all bytes. */
  verified: string | undefined
  /** Head at the last broadcast. */
  sentAtBlock: number | undefined
  takenSince: number | undefined
  mustOutbid: boolean
  /** Since when the effect stands while nobody has told a transaction for it. */
  effectSinceMs: number | undefined
  /** Why the next sender does not take over, so that it is said once. */
  heldBack: string | undefined
  /** By place of the sender in the policy. */
  readonly relays: Map<number, RelayMemory>
}

export const createPursuitMemory = (): PursuitMemory => ({
  verified: undefined,
  sentAtBlock: undefined,
  takenSince: undefined,
  mustOutbid: false,
  effectSinceMs: undefined,
  heldBack: undefined,
  relays: new Map(),
})

/** An execution in flight with all that its pursuit needs, checked. */
export type Pursuit = {
  readonly context: SignerContext
  readonly lane: SignerLane
  readonly row: ExecutionRow
  readonly policy: LoadedPolicy
  readonly action: ActionDefinition
  /** Signed by the signer's own key; none while only others have been asked. */
  readonly attempts: readonly Attempt[]
  readonly nonce: number | undefined
  /** What others were asked. */
  readonly relays: readonly RelayRow[]
  readonly warrant: Warrant | undefined
  readonly memory: PursuitMemory
}

export const IN_FLIGHT = ['sending', 'sent', 'mined'] as const

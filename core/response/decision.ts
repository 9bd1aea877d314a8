import type { Attempt, FindingRow } from './executionStore.ts'
import type { FeeMarket } from './fees.ts'
import type { PendingAttack } from './pendingAttack.ts'
import type { Head } from './readTarget.ts'
import type { SimulationResult } from './simulation/types.ts'
import type { ActionDefinition, ExecutionMode, LoadedPolicy } from './types.ts'

/** Why something must not be: a stable code and a sentence. */
export type Refusal = { readonly code: string; readonly reason: string }

export const refuse = (code: string, reason: string): Refusal => ({ code, reason })

/** It cannot be told yet: ask again. */
export type Retry = { readonly kind: 'retry'; readonly reason: string }

export const retry = (reason: string): Retry => ({ kind: 'retry', reason })

export type Go = {
  readonly kind: 'go'
  readonly policy: LoadedPolicy
  readonly action: ActionDefinition
  readonly finding: FindingRow
  /** Of the sender that begins; those before it have not the right. */
  readonly step: number
  readonly simulation: SimulationResult
  readonly head: Head
  readonly nonce: number
  /** What the key signed for this nonce before: a new transaction must outbid it. */
  readonly signed: readonly Attempt[]
  readonly market: FeeMarket
  readonly balanceWei: bigint
  /** The pending transaction to be ahead of, where the finding is of one. */
  readonly attack?: PendingAttack | undefined
  /** Ids of the findings that made the quorum, the triggering one first. */
  readonly quorum: readonly string[]
  /** Who released it, where people had to. */
  readonly approvedBy: readonly string[]
  /** A person ordered it: cooldown, exclusion and brake, which hold bots back, do not apply. */
  readonly isOrdered: boolean
}

/** What the signer makes of an intent. */
export type Decision =
  | Retry
  /** A proposal that too few people have answered. */
  | { readonly kind: 'wait'; readonly reason: string }
  | ({ readonly kind: 'refuse'; readonly simulation?: SimulationResult } & Refusal)
  | {
      readonly kind: 'not_needed' | 'observe' | 'propose'
      readonly reason: string
      readonly simulation: SimulationResult
    }
  | Go

const MODE_RANK: Readonly<Record<ExecutionMode, number>> = { observe: 0, propose: 1, auto: 2 }

export const lowerMode = (a: ExecutionMode, b: ExecutionMode): ExecutionMode =>
  MODE_RANK[a] <= MODE_RANK[b] ? a : b

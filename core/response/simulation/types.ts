import type { Address, Hex } from '../../base/index.ts'
import type { SignerRpc } from '../signerRpc.ts'
import type { ActionDefinition, Policy, SimulationProvider } from '../types.ts'

export type SimulatedCall = {
  readonly from: Address
  /** Left out where a contract is created. */
  readonly to?: Address | undefined
  readonly data: Hex
  readonly gas?: bigint | undefined
  readonly value?: bigint | undefined
}

/** Return data, or revert data where it did not succeed. */
export type CallOutcome = { readonly success: boolean; readonly data: Hex }

/** What one account's storage and code went through. */
export type StorageChange = {
  readonly address: Address
  readonly slots: readonly Hex[]
  readonly isCodeChanged: boolean
}

export type SimulationPlan = {
  readonly action: SimulatedCall
  /** Run after the action, one after the other. */
  readonly checks: readonly SimulatedCall[]
  /** Each run by itself on top of the action; those with `hasBaseline` also without it. */
  readonly probes: Promise<
    readonly { readonly call: SimulatedCall; readonly hasBaseline: boolean }[]
  >
  readonly wantsChanges: boolean
}

/** What a provider found out; what it cannot tell is undefined. */
export type SimulationAnswer = {
  readonly action: CallOutcome
  readonly checks: readonly CallOutcome[] | undefined
  readonly probes: readonly {
    readonly before: CallOutcome | undefined
    readonly after: CallOutcome | undefined
  }[]
  readonly changes: readonly StorageChange[] | undefined
  /** The block on whose end state it was played. */
  readonly block: number | undefined
}

/** One call of a bundle that Tenderly played, and the block that it was made part of. */
export type TenderlyCall = CallOutcome & {
  /** Undefined where it does not tell. */
  readonly changes: readonly StorageChange[] | undefined
  readonly block: number | undefined
}

/** Calls one after the other, as part of a block that is yet to come; a sentence why there is no answer. */
export type TenderlyWay = (
  calls: readonly SimulatedCall[],
  block: number | 'pending',
) => Promise<readonly TenderlyCall[] | string>

export type Endpoints = {
  readonly rpc: SignerRpc
  /** Tenderly, by its node or by an account. */
  readonly tenderly?: readonly TenderlyWay[] | undefined
}

/** One way to play a plan. Answers in a sentence why it cannot; throws `rpc.*` when no endpoint answers. */
export type Simulator = (
  plan: SimulationPlan,
  endpoints: Endpoints,
) => Promise<SimulationAnswer | string>

export type AssertionResult = {
  /** `suspicious-reverts`, `storage`, or `canary:` and its name. */
  readonly name: string
  readonly outcome: 'held' | 'failed' | 'unknown'
  /** Whether the action stops when it does not hold. */
  readonly isRequired: boolean
  /** One sentence. */
  readonly detail: string
}

export type SimulationResult = {
  readonly outcome:
    | 'passed'
    | 'already_effective'
    | 'reverted'
    | 'postcondition_failed'
    | 'assertion_failed'
    | 'unavailable'
  readonly method: SimulationProvider | 'none'
  /** Revert data, what the endpoint said, or the assertion that failed; bounded. */
  readonly detail: string
  readonly assertions: AssertionResult[]
  /** The block on whose end state it was played; null where the provider does not tell. */
  readonly block: number | null
}

export type SimulationRequest = Endpoints & {
  readonly action: ActionDefinition
  readonly policy: Policy
  readonly from: Address
  /** Default: the policy's. */
  readonly calldata?: Hex | undefined
  /** The finding that asks. Left out, nothing is suspected: a dry run. */
  readonly evidence?: { readonly txHash: string | null; readonly blockNumber: number } | undefined
}

import type { Address, Hex } from '../../base/index.ts'
import type { ProbeResult } from '../types.ts'

/** What a sender with a key of its own is asked to put on chain: a policy's call, and nothing else. */
export type RelayCall = {
  readonly chainId: number
  readonly to: Address
  readonly data: Hex
  readonly gasLimit: bigint
  /** Wei per gas. */
  readonly maxFeePerGas: bigint
  readonly maxPriorityFeePerGas: bigint
  /** After this instant the sender should make it void. */
  readonly validUntil: Date
  /** For the people who see it there: policy and execution. */
  readonly note: string
}

/** `expired`: made void, also by a no-op in its place. `failed`: it reverted, or will never be sent. */
export type RelayState = 'pending' | 'mined' | 'failed' | 'expired'

/** What people need to sign a call that was proposed to the owners of a Safe. */
export type SafeProposal = {
  readonly safe: Address
  /** Of the Safe; undefined where the service did not tell it. */
  readonly nonce: number | undefined
  /** The hash that the owners sign. */
  readonly safeTxHash: Hex
  /** Where it can be seen, and signed if it is the Safe's own site; without credentials. */
  readonly link: string
}

/** A transaction as the sender tells it. Its hash may change, or be missing; its id stays. */
export type RelayTransaction = {
  readonly id: string
  readonly hash: Hex | undefined
  readonly state: RelayState
  readonly to: Address | undefined
  readonly data: Hex | undefined
  readonly createdAtMs: number | undefined
  /** What the sender says of it, bounded. */
  readonly reason: string
  /** Where people must sign it first. */
  readonly proposal?: SafeProposal | undefined
}

/**
 * `refused`: for certain nothing was taken; `isFinal` when asking again is of no use. `unknown`: the answer was lost,
 * and it may have been taken.
 */
export type RelayAnswer =
  | { readonly outcome: 'accepted'; readonly transaction: RelayTransaction }
  | { readonly outcome: 'refused'; readonly isFinal: boolean; readonly message: string }
  | { readonly outcome: 'unknown'; readonly message: string }

/** A sender which signs with a key of its own: a relayer, or people. Each call ends within the sender's deadline. */
export type RemoteSender = {
  readonly name: string
  readonly type: 'openzeppelin-relayer' | 'defender' | 'safe'
  readonly chainId: number
  /** Account whose rights the call uses. Throws `relay.*` when it cannot be told. */
  readonly account: () => Promise<Address>
  /** One request to send; never a second one on its own account, and never throws. */
  readonly submit: (call: RelayCall, signal?: AbortSignal) => Promise<RelayAnswer>
  /** Transactions made since then, newest first, at least those with this call. Throws `relay.*` when it cannot be told. */
  readonly list: (
    call: Pick<RelayCall, 'to' | 'data'>,
    since: Date,
    signal?: AbortSignal,
  ) => Promise<readonly RelayTransaction[]>
  /** Undefined when the sender does not know it. Throws `relay.*` when it cannot be told. */
  readonly get: (id: string, signal?: AbortSignal) => Promise<RelayTransaction | undefined>
  /** Whether it could send now. Never throws. */
  readonly probe: () => Promise<readonly ProbeResult[]>
  readonly stop: () => Promise<void>
}

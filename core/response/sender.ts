import type { Hex } from '../base/index.ts'

export type SendResult = {
  /**
   * `accepted`, `known`: it is in a mempool. `underpriced`: another transaction with this nonce must be outbid.
   * `nonce_used`: the chain is past this nonce. `rejected`: the node will not have it. `unreachable`: nobody answered.
   */
  readonly outcome: 'accepted' | 'known' | 'underpriced' | 'nonce_used' | 'rejected' | 'unreachable'
  /** What the node said, bounded; empty when accepted. */
  readonly message: string
}

export type TransactionStatus =
  | { readonly state: 'unknown' }
  | { readonly state: 'pending' }
  | {
      readonly state: 'mined'
      readonly hash: Hex
      readonly blockNumber: number
      readonly blockHash: Hex
      readonly success: boolean
      readonly feeWei: bigint
    }

/** Which endpoints get the bytes. */
export type SendTo = 'public' | 'private' | 'both'

/** What puts signed bytes on chain. Sending the same bytes again is harmless and must stay so. */
export type Sender = {
  readonly name: string
  /** Settles within the sender's deadline, whatever the endpoints do; never throws. Default: to the public endpoints. */
  readonly send: (raw: Hex, signal?: AbortSignal, to?: SendTo) => Promise<SendResult>
  /** Throws `rpc.unreachable` when it cannot be told. */
  readonly status: (hash: Hex) => Promise<TransactionStatus>
}

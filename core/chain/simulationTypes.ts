import type { Address, Hex } from '../base/index.ts'
import type { PendingTransaction } from './parsePending.ts'
import type { ChainHeader, ChainLog } from './types.ts'

/** A question about the state after the transactions. */
export type StateAsk =
  | { readonly kind: 'call'; readonly to: Address; readonly data: Hex; readonly from?: Address }
  | { readonly kind: 'storage'; readonly address: Address; readonly slot: Hex }
  | { readonly kind: 'balance' | 'code'; readonly address: Address }

/** A storage word, a balance or a code is always `ok`. */
export type StateAnswer = { readonly ok: boolean; readonly data: Hex }

export type SimulatedLog = Pick<ChainLog, 'address' | 'topics' | 'data'>
export type SimulatedTransaction = {
  readonly status: 'success' | 'reverted'
  readonly gasUsed: bigint
  readonly logs: readonly SimulatedLog[]
}

export type SimulationRequest = {
  /** The state that everything begins from. */
  readonly head: Pick<ChainHeader, 'number' | 'hash'>
  /** Of the block that is made up. */
  readonly timestampS: number
  /** In their order. */
  readonly transactions: readonly PendingTransaction[]
  readonly asks: readonly StateAsk[]
}
export type Simulation = {
  readonly transactions: readonly SimulatedTransaction[]
  readonly answers: readonly StateAnswer[]
}

/** Runs transactions on top of a block that nobody mines. Throws when no endpoint can. */
export type SimulatePending = (request: SimulationRequest) => Promise<Simulation>

/** A transaction as a call of `eth_simulateV1` and `debug_traceCall`. Fees are left out: they decide nothing but who pays. */
export const toCall = (tx: PendingTransaction) => ({
  from: tx.from,
  ...(tx.to === null ? {} : { to: tx.to }),
  data: tx.input,
  value: `0x${tx.valueWei.toString(16)}`,
  gas: `0x${tx.gas.toString(16)}`,
})

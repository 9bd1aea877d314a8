import { type Refusal, type Retry, refuse, retry } from './decision.ts'
import type { FindingRow } from './executionStore.ts'
import { type FeeCaps, type FeeMarket, type Fees, larger, smaller, suggestFees } from './fees.ts'
import type { SignerRpc } from './signerRpc.ts'
import type { Policy } from './types.ts'

/** A transaction that is not mined, as the signer's own endpoint tells of it: what must be outbid. */
export type PendingAttack = {
  readonly hash: string
  readonly maxFeePerGas: bigint
  readonly maxPriorityFeePerGas: bigint
}

/** What became of the transaction of a pending finding. */
export type PendingSight = PendingAttack | 'mined' | 'missing' | 'garbled'

const amount = (value: unknown): bigint | undefined =>
  typeof value === 'string' && /^0x[0-9a-fA-F]{1,64}$/.test(value) ? BigInt(value) : undefined

/** Looks for the finding's transaction on the signer's own endpoints; undefined where the finding is of a mined one. */
export const readPendingSight = async (
  rpc: SignerRpc,
  finding: Pick<FindingRow, 'status' | 'txHash'>,
): Promise<PendingSight | undefined> => {
  if (finding.status !== 'pending') return undefined
  const hash = finding.txHash
  if (hash === null || !/^0x[0-9a-f]{64}$/.test(hash)) return 'garbled'
  const tx = await rpc.get('eth_getTransactionByHash', [hash])
  if (typeof tx !== 'object' || tx === null) return 'missing'
  if ('blockNumber' in tx && tx.blockNumber !== null && tx.blockNumber !== undefined) return 'mined'
  const read = (field: string): bigint | undefined =>
    amount(Object.entries(tx).find(([key]) => key === field)?.[1])
  const maxFeePerGas = read('maxFeePerGas') ?? read('gasPrice')
  const maxPriorityFeePerGas = read('maxPriorityFeePerGas') ?? maxFeePerGas
  if (maxFeePerGas === undefined || maxPriorityFeePerGas === undefined) return 'garbled'
  return { hash, maxFeePerGas, maxPriorityFeePerGas }
}

/** What the sight of the transaction means, or undefined where it may be answered. */
export const checkPendingSight = (sight: PendingSight | undefined): Retry | Refusal | undefined => {
  switch (sight) {
    case 'mined':
      return refuse('pending_over', 'The transaction is mined: what its block shows is answered.')
    case 'missing':
      return retry("The signer's endpoint does not know the pending transaction.")
    case 'garbled':
      return refuse('forged', 'The finding names no transaction that could be pending.')
    default:
      return undefined
  }
}

/** The most that may be tipped: more than usual where a pending transaction is to be outbid and the policy says so. */
const tipCap = (policy: Policy): bigint =>
  policy.pending.maxPriorityFeePerGasWei ?? policy.maxPriorityFeePerGasWei

/**
 * Caps for the replacement of an answer that was signed at such a tip: one that had to outbid an attack goes on under
 * the cap that it began with.
 */
export const capsAfter = <P extends Policy>(policy: P, lastTipWei: bigint): P =>
  policy.pending.answer && lastTipWei > policy.maxPriorityFeePerGasWei
    ? { ...policy, maxPriorityFeePerGasWei: larger(tipCap(policy), policy.maxPriorityFeePerGasWei) }
    : policy

/** An eighth above what the attack tips, within the caps; what the market asks where that is more. */
export const outbidFees = (
  market: FeeMarket,
  policy: Policy & FeeCaps,
  attack: PendingAttack,
): Fees => {
  const usual = suggestFees(market, policy)
  // The base fee falls by an eighth at most, and leaves so much more of the attack's price for its tip.
  const leastBaseFee = market.nextBaseFee - market.nextBaseFee / 8n
  const room = larger(attack.maxFeePerGas - leastBaseFee, 0n)
  const bid = smaller(attack.maxPriorityFeePerGas, room)
  const tip = larger(usual.maxPriorityFeePerGas, smaller((bid * 9n) / 8n + 1n, tipCap(policy)))
  // Also above its ceiling, which costs nothing: some nodes order by that.
  const ceiling = larger(market.nextBaseFee * 2n + tip, (attack.maxFeePerGas * 9n) / 8n + 1n)
  const maxFeePerGas = smaller(ceiling, policy.maxFeePerGasWei)
  return { maxFeePerGas, maxPriorityFeePerGas: smaller(tip, maxFeePerGas) }
}

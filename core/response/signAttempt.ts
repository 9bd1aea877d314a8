import type { Address } from '../base/index.ts'
import type { DatabaseTransaction } from '../store/index.ts'
import type { Go, Refusal } from './decision.ts'
import { type Attempt, isKeyed, isNonceTaken, listInFlight } from './executionStore.ts'
import { bumpFees, type Fees, larger, suggestFees } from './fees.ts'
import { capsAfter, outbidFees } from './pendingAttack.ts'
import type { Head } from './readTarget.ts'
import type { SignerContext } from './signerContext.ts'
import type { LoadedPolicy } from './types.ts'

const asFees = (attempt: Attempt): Fees => ({
  maxFeePerGas: BigInt(attempt.maxFeePerGasWei),
  maxPriorityFeePerGas: BigInt(attempt.maxPriorityFeePerGasWei),
})

const highest = (attempts: readonly Attempt[]): Attempt | undefined =>
  [...attempts]
    .sort((a, b) => (BigInt(a.maxFeePerGasWei) < BigInt(b.maxFeePerGasWei) ? -1 : 1))
    .at(-1)

const highestOf = (a: Fees, b: Fees): Fees => ({
  maxFeePerGas: larger(a.maxFeePerGas, b.maxFeePerGas),
  maxPriorityFeePerGas: larger(a.maxPriorityFeePerGas, b.maxPriorityFeePerGas),
})

/** Fees that the market asks for, above whatever this key already signed for the nonce, and that its balance can pay. */
export const chooseFees = (
  go: Pick<Go, 'policy' | 'signed' | 'market' | 'balanceWei' | 'attack'>,
): Fees | Refusal => {
  const stuck = highest(go.signed)
  const fresh = go.attack
    ? outbidFees(go.market, go.policy, go.attack)
    : suggestFees(go.market, go.policy)
  const bumped =
    stuck && bumpFees(asFees(stuck), go.market, capsAfter(go.policy, fresh.maxPriorityFeePerGas))
  const wanted = bumped ? highestOf(bumped, fresh) : fresh
  const affordable = go.balanceWei / go.policy.gasLimit
  if (
    affordable < wanted.maxFeePerGas &&
    affordable < go.market.nextBaseFee + wanted.maxPriorityFeePerGas
  )
    return {
      code: 'balance',
      reason: `The signer holds ${go.balanceWei} wei, too little to pay for it.`,
    }
  return affordable < wanted.maxFeePerGas ? { ...wanted, maxFeePerGas: affordable } : wanted
}

/** What a sender with a key of its own may pay: it bids by itself, below the policy's caps. */
export const capFees = ({
  maxFeePerGasWei,
  maxPriorityFeePerGasWei,
}: Pick<LoadedPolicy, 'maxFeePerGasWei' | 'maxPriorityFeePerGasWei'>): Fees => ({
  maxFeePerGas: maxFeePerGasWei,
  maxPriorityFeePerGas: maxPriorityFeePerGasWei,
})

/** Signs a first transaction of the signer's own. */
export const signAttempt = async (
  { key }: SignerContext,
  policy: LoadedPolicy,
  nonce: number,
  fees: Fees,
  head: Head,
): Promise<Attempt> => {
  const { raw, hash } = await key.sign(policy, nonce, fees)
  return {
    hash,
    raw,
    maxFeePerGasWei: String(fees.maxFeePerGas),
    maxPriorityFeePerGasWei: String(fees.maxPriorityFeePerGas),
    atBlock: head.number,
  }
}

/** Whether a transaction of the key is in flight, or may be again. What other senders sign does not occupy it. */
export const isKeyBusy = async (
  tx: DatabaseTransaction,
  signer: Address,
  chainId: number,
  nonce: number,
  exceptId: string,
): Promise<boolean> => {
  const [inFlight, isTaken] = await Promise.all([
    listInFlight(tx, signer, chainId),
    isNonceTaken(tx, signer, chainId, nonce),
  ])
  return isTaken || inFlight.some((row) => row.id !== exceptId && isKeyed(row))
}

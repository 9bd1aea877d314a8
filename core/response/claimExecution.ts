import { eq, sql } from 'drizzle-orm'
import { tables } from '../store/index.ts'
import type { Go, Refusal } from './decide.ts'
import {
  type Attempt,
  type ExecutionRow,
  isNonceTaken,
  listAttemptsAt,
  listInFlight,
  moveExecution,
  readUsage,
  toStoredAttempts,
} from './executionStore.ts'
import { bumpFees, type Fees, suggestFees } from './fees.ts'
import type { SignerContext, SignerLane } from './signerContext.ts'
import type { LoadedPolicy } from './types.ts'

export type ClaimResult =
  | { readonly kind: 'claimed'; readonly attempt: Attempt }
  | ({ readonly kind: 'refused' } & Refusal)
  /** Another execution of this key is in flight or about to be again, or somebody else took this one. */
  | { readonly kind: 'busy' }

const asFees = (attempt: Attempt): Fees => ({
  maxFeePerGas: BigInt(attempt.maxFeePerGasWei),
  maxPriorityFeePerGas: BigInt(attempt.maxPriorityFeePerGasWei),
})

const highest = (attempts: readonly Attempt[]): Attempt | undefined =>
  [...attempts]
    .sort((a, b) => (BigInt(a.maxFeePerGasWei) < BigInt(b.maxFeePerGasWei) ? -1 : 1))
    .at(-1)

const chooseFees = async (
  context: SignerContext,
  lane: SignerLane,
  go: Go,
): Promise<Fees | Refusal> => {
  const stuck = highest(
    await listAttemptsAt(context.db, context.key.address, lane.chainId, go.nonce),
  )
  const wanted = stuck
    ? (bumpFees(asFees(stuck), go.market, go.policy) ?? suggestFees(go.market, go.policy))
    : suggestFees(go.market, go.policy)
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

/** Limits count what was signed, never what was asked for. */
const checkLimits = (
  policy: LoadedPolicy,
  usage: Awaited<ReturnType<typeof readUsage>>,
  costWei: bigint,
  triggeredAtS: number,
): Refusal | undefined => {
  const { limits } = policy
  if (usage.lifetime >= limits.maxLifetime)
    return {
      code: 'limit',
      reason: `It ran ${usage.lifetime} times; ${limits.maxLifetime} are allowed for life.`,
    }
  if (usage.inWindow >= limits.maxPerWindow)
    return {
      code: 'limit',
      reason: `It ran ${usage.inWindow} times within ${limits.windowS} s; ${limits.maxPerWindow} are allowed.`,
    }
  if (
    usage.lastTriggeredAtS !== undefined &&
    triggeredAtS - usage.lastTriggeredAtS < policy.cooldownS
  )
    return {
      code: 'cooldown',
      reason: `The last one was within the cooldown of ${policy.cooldownS} s.`,
    }
  if (usage.spentWei24h + costWei > policy.maxSpendWeiPer24h)
    return {
      code: 'spend',
      reason: `It would bring the spending of 24 h to ${usage.spentWei24h + costWei} wei; ${policy.maxSpendWeiPer24h} are allowed.`,
    }
  return undefined
}

/**
 * Signs the first transaction and commits it (status `sending`, nonce, hash, bytes) before anything is sent. Limits,
 * cooldown and "one in flight per key" are checked in the same transaction, under locks.
 */
export const claimExecution = async (
  context: SignerContext,
  lane: SignerLane,
  row: ExecutionRow,
  go: Go,
): Promise<ClaimResult> => {
  const { policy } = go
  const signer = context.key.address
  const fees = await chooseFees(context, lane, go)
  if ('code' in fees) return { kind: 'refused', ...fees }
  const { raw, hash } = await context.key.sign(policy, go.nonce, fees)
  const attempt: Attempt = {
    hash,
    raw,
    maxFeePerGasWei: String(fees.maxFeePerGas),
    maxPriorityFeePerGasWei: String(fees.maxPriorityFeePerGas),
    atBlock: go.head.number,
  }
  const costWei = policy.gasLimit * fees.maxFeePerGas
  return context.db.transaction(async (tx): Promise<ClaimResult> => {
    await tx.execute(sql`select pg_advisory_xact_lock(hashtextextended(${`tocsin:action:${policy.id}`}, 0)),
      pg_advisory_xact_lock(hashtextextended(${`tocsin:nonce:${signer}:${lane.chainId}`}, 0))`)
    const inFlight = await listInFlight(tx, signer, lane.chainId)
    if (inFlight.some(({ id }) => id !== row.id)) return { kind: 'busy' }
    if (await isNonceTaken(tx, signer, lane.chainId, go.nonce)) return { kind: 'busy' }
    const refusal = checkLimits(
      policy,
      await readUsage(tx, policy.id, policy.limits.windowS, row.id),
      costWei,
      go.finding.blockTimestampS,
    )
    if (refusal) return { kind: 'refused', ...refusal }
    // Read again under the lock: a retraction that was committed meanwhile wins.
    const [finding] = await tx
      .select({ status: tables.finding.status })
      .from(tables.finding)
      .where(eq(tables.finding.id, go.finding.id))
    if (finding?.status === 'retracted')
      return {
        kind: 'refused',
        code: 'finding_retracted',
        reason: 'The finding was retracted: its block is orphaned.',
      }
    const moved = await moveExecution(tx, row, {
      from: ['requested', 'proposed'],
      patch: {
        status: 'sending',
        reason: null,
        reasonCode: null,
        mode: policy.mode,
        target: policy.target,
        calldata: policy.calldata,
        signerAddress: signer,
        nonce: go.nonce,
        txHashes: [hash],
        attempts: toStoredAttempts([attempt]),
        simulation: { ...go.simulation },
        sendingAt: new Date(),
        triggeredAtS: go.finding.blockTimestampS,
        feeWei: String(costWei),
      },
      event: 'sending',
      detail: {
        policy: policy.id,
        policyHash: policy.hash,
        finding: go.finding.id,
        approvedBy: row.approvedBy,
        nonce: go.nonce,
        hash,
        target: policy.target,
        calldata: policy.calldata,
        ...fees,
        simulation: go.simulation,
      },
    })
    return moved ? { kind: 'claimed', attempt } : { kind: 'busy' }
  })
}

import { inArray, sql } from 'drizzle-orm'
import type { Address } from '../base/index.ts'
import { type DatabaseTransaction, tables } from '../store/index.ts'
import { checkLimits } from './checkLimits.ts'
import type { Go, Refusal } from './decision.ts'
import { isCutOff, listDeeds, readCosts } from './deeds.ts'
import {
  type Attempt,
  type ExecutionRow,
  moveExecution,
  toStoredAttempts,
} from './executionStore.ts'
import type { Fees } from './fees.ts'
import { readHalt } from './people/killSwitch.ts'
import { checkSenders } from './senders/checkSenders.ts'
import { isLocalStep, needsWarrant } from './senders/laneSenders.ts'
import { openRelay } from './senders/relayStore.ts'
import { capFees, chooseFees, isKeyBusy, signAttempt } from './signAttempt.ts'
import type { SignerContext, SignerLane } from './signerContext.ts'
import { createWarrant, type Warrant } from './warrant.ts'

export type ClaimResult =
  /** Without an attempt when the first sender signs with a key of its own. */
  | { readonly kind: 'claimed'; readonly attempt: Attempt | undefined }
  | ({ readonly kind: 'refused' } & Refusal)
  /** Another execution of this key is in flight or about to be again, or somebody else took this one. */
  | { readonly kind: 'busy' }

/** Why this execution, or this finding, was answered before, by the signer's own book; whatever rows say. */
const checkUsed = (
  { ledger }: SignerContext,
  row: ExecutionRow,
  { policy, finding, nonce }: Go,
): Refusal | undefined => {
  const own = ledger.claimOf(row.id)
  if (own && !isCutOff(own, nonce))
    return { code: 'used', reason: 'It was signed for before, and its row was set back.' }
  const earlier = ledger
    .claims()
    .some(
      (claim) =>
        claim.execution !== row.id && claim.action === policy.id && claim.finding === finding.id,
    )
  return earlier
    ? { code: 'used', reason: 'The same finding was answered by this action before.' }
    : undefined
}

const HALTED = { kind: 'refused', code: 'halted', reason: 'The kill switch is on.' } as const

/** Why a finding that the decision rests on does not stand any more. */
const checkEvidence = async (tx: DatabaseTransaction, go: Go): Promise<ClaimResult | undefined> => {
  const rows = await tx
    .select({ id: tables.finding.id, status: tables.finding.status })
    .from(tables.finding)
    .where(inArray(tables.finding.id, [...go.quorum]))
  const stands = new Set(
    rows.flatMap(({ id, status }) => (status === 'retracted' || status === 'dropped' ? [] : [id])),
  )
  if (!stands.has(go.finding.id))
    return {
      kind: 'refused',
      code: 'finding_retracted',
      reason: 'The finding was retracted: its block is orphaned.',
    }
  // One of the others fell: decide anew.
  return go.quorum.every((id) => stands.has(id)) ? undefined : { kind: 'busy' }
}

type Signed = {
  readonly signer: Address
  readonly nowMs: number
  readonly attempt: Attempt | undefined
  readonly warrant: Warrant | undefined
  readonly fees: Fees
  readonly costWei: bigint
}

const record = (
  tx: DatabaseTransaction,
  row: ExecutionRow,
  go: Go,
  { signer, nowMs, attempt, warrant, fees, costWei }: Signed,
): Promise<boolean> => {
  const { policy } = go
  const { step } = go
  const sender = policy.senders[step]?.name ?? 'local'
  const relay = { executionId: row.id, step, sender }
  return moveExecution(tx, row, {
    from: ['requested', 'proposed'],
    patch: {
      status: 'sending',
      reason: null,
      reasonCode: null,
      mode: policy.mode,
      target: policy.target,
      calldata: policy.calldata,
      signerAddress: signer,
      nonce: attempt ? go.nonce : null,
      txHashes: attempt ? [attempt.hash] : [],
      attempts: toStoredAttempts(attempt ? [attempt] : []),
      senderStep: step,
      senderStepAt: new Date(nowMs),
      warrant: warrant ? { ...warrant } : null,
      simulation: { ...go.simulation },
      sendingAt: new Date(nowMs),
      triggeredAtS: go.finding.blockTimestampS,
      feeWei: String(costWei),
    },
    event: 'sending',
    detail: {
      policy: policy.id,
      policyHash: policy.hash,
      finding: go.finding.id,
      quorum: go.quorum,
      approvedBy: go.approvedBy,
      sender,
      ...(step > 0 ? { without: policy.senders.slice(0, step).map(({ name }) => name) } : {}),
      ...(attempt ? { nonce: go.nonce, hash: attempt.hash } : {}),
      ...(go.attack ? { aheadOf: go.attack.hash } : {}),
      target: policy.target,
      calldata: policy.calldata,
      ...fees,
      simulation: go.simulation,
    },
    ...(attempt ? {} : { also: (inner: DatabaseTransaction) => openRelay(inner, relay) }),
  })
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
  const { ledger } = context
  const nowMs = Date.now()
  const triggeredAtS = go.finding.blockTimestampS
  const signer = context.key.address
  const unsendable = checkSenders(lane, policy, go.action)
  if (unsendable) return { kind: 'refused', ...unsendable }
  const isLocal = isLocalStep(policy, go.step)
  const fees = isLocal ? chooseFees(go) : capFees(policy)
  if ('code' in fees) return { kind: 'refused', ...fees }
  const costs = await readCosts(lane, ledger, policy.id, nowMs)
  const attempt = isLocal ? await signAttempt(context, policy, go.nonce, fees, go.head) : undefined
  const warrant = needsWarrant(policy)
    ? await createWarrant(context.key, row.id, policy.hash)
    : undefined
  const costWei = policy.gasLimit * fees.maxFeePerGas
  return context.db.transaction(async (tx): Promise<ClaimResult> => {
    await tx.execute(sql`select pg_advisory_xact_lock(hashtextextended(${`tocsin:action:${policy.id}`}, 0)),
      pg_advisory_xact_lock(hashtextextended(${`tocsin:targets:${policy.chain}`}, 0)),
      pg_advisory_xact_lock(hashtextextended(${`tocsin:nonce:${signer}:${lane.chainId}`}, 0))`)
    // Read under the locks: a stop that was committed before this is obeyed, however lately it was heard of, and a
    // retraction that was committed meanwhile wins.
    const [isBusy, halt, deeds, fallen] = await Promise.all([
      isLocal && isKeyBusy(tx, signer, lane.chainId, go.nonce, row.id),
      readHalt(tx),
      listDeeds(tx, ledger, policy.chain, row.id, costs, go.nonce),
      checkEvidence(tx, go),
    ])
    const used = checkUsed(context, row, go)
    if (used) return { kind: 'refused', ...used }
    if (isBusy) return { kind: 'busy' }
    if (halt) return HALTED
    const refusal = checkLimits({
      policy,
      deeds,
      costWei,
      triggeredAtS,
      nowMs,
      isOrdered: go.isOrdered,
      cooldownOf: (id) => context.getPolicy(id)?.cooldownS,
    })
    if (refusal) return { kind: 'refused', ...refusal }
    if (fallen) return fallen
    const moved = await record(tx, row, go, { signer, nowMs, attempt, warrant, fees, costWei })
    if (!moved) return { kind: 'busy' }
    // In the signer's own book before the commit, and so before anything is sent.
    await ledger.append({
      kind: 'claimed',
      execution: row.id,
      atMs: nowMs,
      action: policy.id,
      chain: policy.chain,
      target: policy.target,
      ...(attempt ? { nonce: go.nonce, hash: attempt.hash } : {}),
      costWei,
      triggeredAtS,
      finding: go.finding.id,
      step: go.step,
    })
    return { kind: 'claimed', attempt }
  })
}

import { isTocsinError, messageOf, stableHash } from '../base/index.ts'
import { checkTrigger } from './checkTrigger.ts'
import type { ExecutionRow, FindingRow } from './executionStore.ts'
import type { FeeMarket } from './fees.ts'
import {
  checkCode,
  type Head,
  readBalance,
  readBlockHash,
  readEffect,
  readFees,
  readHead,
  readNonce,
} from './readTarget.ts'
import type { SignerContext, SignerLane } from './signerContext.ts'
import { type SimulationResult, simulateAction } from './simulate.ts'
import type { ActionDefinition, ExecutionMode, LoadedPolicy } from './types.ts'

/** Clocks of machines and chains differ; a finding further ahead than this is not believed. */
const MAX_AHEAD_S = 60

export type Refusal = { readonly code: string; readonly reason: string }

export type Go = {
  readonly kind: 'go'
  readonly policy: LoadedPolicy
  readonly action: ActionDefinition
  readonly finding: FindingRow
  readonly simulation: SimulationResult
  readonly head: Head
  readonly nonce: number
  readonly market: FeeMarket
  readonly balanceWei: bigint
}

/** What the signer makes of an intent. `retry`: it cannot be told yet. */
export type Decision =
  | { readonly kind: 'retry'; readonly reason: string }
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

const refuse = (code: string, reason: string): Refusal => ({ code, reason })

/** What the files say: is there such a policy, is it the one the watcher meant, is it still in force? */
const checkFile = (
  context: SignerContext,
  row: ExecutionRow,
  policy: LoadedPolicy | undefined,
  nowMs: number,
): Refusal | undefined => {
  if (context.isHalted()) return refuse('halted', 'The kill switch is on.')
  if (!policy)
    return refuse(
      'policy_missing',
      `There is no approved policy "${row.actionId.slice(0, 80)}" among the signer's files.`,
    )
  if (row.policyHash !== policy.hash)
    return refuse(
      'policy_mismatch',
      "The intent names another version of the policy than the signer's own file.",
    )
  if (row.chainId !== policy.chain)
    return refuse('forged', 'The intent names another chain than the policy.')
  if (
    row.idempotencyKey !== stableHash('execution', policy.id, policy.hash, policy.target, row.epoch)
  )
    return refuse('forged', 'The idempotency key does not belong to this policy and epoch.')
  if (Date.parse(policy.expiresAt) <= nowMs)
    return refuse('expired', `The policy expired at ${policy.expiresAt}.`)
  if (Date.parse(policy.approvedAt) > nowMs)
    return refuse('not_yet_approved', `The policy is approved from ${policy.approvedAt} on.`)
  return undefined
}

/** What the finding says: is there one, does it stand, may it trigger this, is it fresh by the wall clock? */
const checkFinding = (
  policy: LoadedPolicy,
  finding: FindingRow | null,
  isApproved: boolean,
  nowMs: number,
): Refusal | undefined => {
  if (!finding) return refuse('finding_missing', 'The finding that asked does not exist.')
  if (finding.status === 'retracted')
    return refuse('finding_retracted', 'The finding was retracted: its block is orphaned.')
  const misfit = checkTrigger(policy, finding)
  if (misfit) return refuse('trigger', `The finding may not trigger this: ${misfit}.`)
  const ageS = nowMs / 1000 - finding.blockTimestampS
  if (!isApproved && ageS > policy.freshness.seconds)
    return refuse(
      'stale',
      `The finding is ${Math.round(ageS)} s old; ${policy.freshness.seconds} s are allowed.`,
    )
  return undefined
}

const checkApproval = (
  row: ExecutionRow,
  policy: LoadedPolicy,
  nowMs: number,
): Refusal | undefined => {
  const waitedS = (nowMs - (row.proposedAt ?? row.requestedAt).getTime()) / 1000
  return waitedS > policy.approval.timeoutS
    ? refuse('approval_timeout', `Nobody approved it within ${policy.approval.timeoutS} s.`)
    : undefined
}

/** What the signer's own endpoint says of the finding's block. */
const checkBlock = (
  policy: LoadedPolicy,
  finding: FindingRow,
  head: Head,
  blockHash: string | undefined,
  isApproved: boolean,
):
  | { readonly kind: 'retry'; readonly reason: string }
  | ({ readonly kind: 'refuse' } & Refusal)
  | undefined => {
  if (finding.blockTimestampS > Math.max(head.timestampS, Date.now() / 1000) + MAX_AHEAD_S)
    return { kind: 'refuse', ...refuse('stale', 'The finding claims to be from the future.') }
  if (blockHash === undefined)
    return {
      kind: 'retry',
      reason: `The signer's endpoint does not have block ${finding.blockNumber} yet.`,
    }
  // Either the endpoint lags behind a reorg that the watcher has seen, or the watcher will retract: time tells.
  if (blockHash.toLowerCase() !== finding.blockHash.toLowerCase())
    return {
      kind: 'retry',
      reason: `The signer's endpoint has another block ${finding.blockNumber} than the finding.`,
    }
  const age = head.number - finding.blockNumber
  if (!isApproved && age > policy.freshness.blocks)
    return {
      kind: 'refuse',
      ...refuse(
        'stale',
        `The finding is ${age} blocks old; ${policy.freshness.blocks} are allowed.`,
      ),
    }
  return undefined
}

const checkSimulation = (
  policy: LoadedPolicy,
  simulation: SimulationResult,
): Refusal | undefined => {
  switch (simulation.outcome) {
    case 'passed':
    case 'already_effective':
      return undefined
    case 'unavailable':
      return policy.simulation.mode === 'required' || policy.simulation.onUnavailable === 'stop'
        ? refuse('simulation_unavailable', `No simulation could be had: ${simulation.detail}.`)
        : undefined
    case 'reverted':
      return refuse('simulation_reverted', `The simulated call reverts: ${simulation.detail}.`)
    case 'postcondition_failed':
      return refuse(
        'simulation_failed',
        'In the simulation the post-condition does not hold after the call.',
      )
  }
}

type Reads = {
  readonly head: Head
  readonly blockHash: string | undefined
  readonly codeFault: string | undefined
  readonly effective: boolean
  readonly simulation: SimulationResult
  readonly nonce: number
  readonly market: FeeMarket
  readonly balanceWei: bigint
}

/** Everything the chain must say, read at once. */
const readAll = async (
  { rpc }: SignerLane,
  context: SignerContext,
  policy: LoadedPolicy,
  action: ActionDefinition,
  finding: FindingRow,
): Promise<Reads> => {
  const signer = context.key.address
  const [head, blockHash, codeFault, effective, simulation, nonce, market, balanceWei] =
    await Promise.all([
      readHead(rpc),
      readBlockHash(rpc, finding.blockNumber),
      checkCode(rpc, policy),
      readEffect(rpc, action, policy),
      simulateAction(rpc, action, policy, signer),
      readNonce(rpc, signer),
      readFees(rpc),
      readBalance(rpc, signer),
    ])
  return { head, blockHash, codeFault, effective, simulation, nonce, market, balanceWei }
}

/** What follows from a chain that agrees with the finding. */
const judge = (
  context: SignerContext,
  policy: LoadedPolicy,
  action: ActionDefinition,
  finding: FindingRow,
  isApproved: boolean,
  reads: Reads,
): Decision => {
  const { codeFault, simulation } = reads
  const fault = codeFault
    ? refuse('code', `The target changed since the approval: ${codeFault}.`)
    : undefined
  if (fault) return { kind: 'refuse', ...fault, simulation }
  if (reads.effective || simulation.outcome === 'already_effective')
    return {
      kind: 'not_needed',
      reason: `Already so: ${action.postcondition.description}.`,
      simulation,
    }
  const misfire = checkSimulation(policy, simulation)
  if (misfire) return { kind: 'refuse', ...misfire, simulation }
  const mode = lowerMode(context.mode, policy.mode)
  if (mode === 'observe')
    return { kind: 'observe', reason: 'Mode observe: it would have been sent.', simulation }
  if (mode === 'propose' && !isApproved)
    return { kind: 'propose', reason: 'Waits for a person to approve it.', simulation }
  return { kind: 'go', policy, action, finding, ...reads }
}

const checkIntent = (
  context: SignerContext,
  row: ExecutionRow,
  policy: LoadedPolicy | undefined,
  finding: FindingRow | null,
  isApproved: boolean,
): Refusal | undefined => {
  const nowMs = Date.now()
  const fault = checkFile(context, row, policy, nowMs)
  if (fault || !policy) return fault
  return (
    checkFinding(policy, finding, isApproved, nowMs) ??
    (isApproved ? checkApproval(row, policy, nowMs) : undefined)
  )
}

/**
 * Re-validates an intent from the signer's own files and endpoints. The intent's own target, calldata and mode are
 * never used. All reads travel together, so the answer takes about one round trip.
 */
export const decideExecution = async (
  context: SignerContext,
  lane: SignerLane,
  row: ExecutionRow,
  finding: FindingRow | null,
): Promise<Decision> => {
  const policy = context.getPolicy(row.actionId)
  const isApproved = row.status === 'proposed' && row.approvedBy !== null
  const early = checkIntent(context, row, policy, finding, isApproved)
  if (early) return { kind: 'refuse', ...early }
  const action = policy && context.getAction(policy.action)
  if (!policy || !finding || !action)
    return { kind: 'refuse', ...refuse('policy_missing', 'The action type is unknown.') }
  try {
    const reads = await readAll(lane, context, policy, action, finding)
    const block = checkBlock(policy, finding, reads.head, reads.blockHash, isApproved)
    return block ?? judge(context, policy, action, finding, isApproved, reads)
  } catch (error) {
    if (isTocsinError(error) && error.code.startsWith('rpc.'))
      return { kind: 'retry', reason: messageOf(error) }
    throw error
  }
}

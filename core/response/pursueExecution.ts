import { isTocsinError, messageOf } from '../base/index.ts'
import { adaptPolicy } from './adaptCalldata.ts'
import { endExecution } from './endExecution.ts'
import {
  type Attempt,
  type ExecutionRow,
  findOrphanedAt,
  moveExecution,
  readAttempts,
  toStoredAttempts,
} from './executionStore.ts'
import { bumpFees, smaller } from './fees.ts'
import { readBalance, readEffect, readFees, readHead, readNonce } from './readTarget.ts'
import type { TransactionStatus } from './sender.ts'
import type { SignerContext, SignerLane } from './signerContext.ts'
import { checkSigned } from './signerKey.ts'
import type { ActionDefinition, LoadedPolicy } from './types.ts'

/** Heads for which the nonce must look taken before that is believed: endpoints lag behind each other. */
const TAKEN_HEADS = 3
const IN_FLIGHT = ['sending', 'sent', 'mined'] as const

/** What the signer remembers between two looks at an execution in flight; lost without harm. */
export type PursuitMemory = {
  verified: boolean
  /** Head at the last broadcast. */
  sentAtBlock: number | undefined
  takenSince: number | undefined
  mustOutbid: boolean
}

export const createPursuitMemory = (): PursuitMemory => ({
  verified: false,
  sentAtBlock: undefined,
  takenSince: undefined,
  mustOutbid: false,
})

type Pursuit = {
  readonly context: SignerContext
  readonly lane: SignerLane
  readonly row: ExecutionRow
  readonly policy: LoadedPolicy
  readonly action: ActionDefinition
  readonly attempts: readonly Attempt[]
  readonly nonce: number
  readonly memory: PursuitMemory
}

export type Sight = {
  readonly head: number
  readonly effective: boolean
  readonly nextNonce: number
  readonly mined: Extract<TransactionStatus, { state: 'mined' }> | undefined
  readonly isKnown: boolean
}

const fail = (
  context: SignerContext,
  row: ExecutionRow,
  code: string,
  reason: string,
): Promise<boolean> =>
  endExecution(context, row, { from: IN_FLIGHT, status: 'failed', code, reason })

/** Where all transactions of an execution stand, and whether the effect does; one round trip. */
export const lookAtExecution = async (
  lane: SignerLane,
  action: ActionDefinition,
  policy: LoadedPolicy,
  signer: `0x${string}`,
  attempts: readonly Attempt[],
): Promise<Sight> => {
  const [head, effective, nextNonce, ...statuses] = await Promise.all([
    readHead(lane.rpc),
    readEffect(lane.rpc, action, policy),
    readNonce(lane.rpc, signer),
    ...attempts.map(({ hash }) => lane.sender.status(hash)),
  ])
  const mined = statuses.find((status) => status.state === 'mined')
  return {
    head: head.number,
    effective,
    nextNonce,
    mined: mined?.state === 'mined' ? mined : undefined,
    isKnown: statuses.some(({ state }) => state !== 'unknown'),
  }
}

const succeed = async ({ context, row }: Pursuit, sight: Sight): Promise<boolean> => {
  const mined = sight.mined?.success ? sight.mined : undefined
  const patch = {
    status: 'succeeded' as const,
    reasonCode: mined ? null : 'by_another',
    reason: mined ? null : 'The effect stands, by a transaction that is not of this execution.',
    minedTxHash: mined?.hash ?? null,
    minedBlock: mined?.blockNumber ?? sight.head,
    minedBlockHash: mined?.blockHash ?? null,
    minedAt: new Date(),
    ...(sight.mined ? { feeWei: String(sight.mined.feeWei) } : {}),
  }
  context.log.info(
    { execution: row.id, action: row.actionId, block: patch.minedBlock, tx: patch.minedTxHash },
    'The action took effect.',
  )
  const moved = await moveExecution(context.db, row, {
    from: IN_FLIGHT,
    patch,
    event: 'succeeded',
    detail: { txHash: patch.minedTxHash, block: patch.minedBlock, reason: patch.reason },
  })
  if (moved && row.minedTxHash === null) context.metrics.onEffect(row)
  return moved
}

/** Why an execution in flight has failed for good, or undefined. */
const findFailure = async (
  pursuit: Pursuit,
  sight: Sight,
): Promise<{ code: string; reason: string } | undefined> => {
  const { context, row, policy, memory, nonce } = pursuit
  if (sight.mined && !sight.mined.success)
    return {
      code: 'reverted',
      reason: `Transaction ${sight.mined.hash} was mined in block ${sight.mined.blockNumber} and reverted.`,
    }
  if (!sight.isKnown && sight.nextNonce > nonce) {
    memory.takenSince ??= sight.head
    if (sight.head - memory.takenSince >= TAKEN_HEADS)
      return {
        code: 'nonce_taken',
        reason: `Nonce ${nonce} was used by a transaction that is not ours; the key must serve nothing else.`,
      }
  } else memory.takenSince = undefined
  const since =
    (row.minedTxHash ? await findOrphanedAt(context.db, row.id) : undefined) ?? row.sendingAt
  const waitedS = (Date.now() - (since?.getTime() ?? 0)) / 1000
  if (waitedS > policy.postcondition.deadlineS)
    return {
      code: 'deadline',
      reason: `"${pursuit.action.postcondition.description}" was not seen within ${policy.postcondition.deadlineS} s.`,
    }
  return undefined
}

/**
 * An execution that was taken for orphaned, and whose transaction lies where it lay: the endpoint had lagged, and what
 * its block brought about was lifted since. That is for people to do.
 */
const wasNeverGone = async ({ context, row }: Pursuit, { mined }: Sight): Promise<boolean> => {
  if (!mined?.success || mined.blockHash !== row.minedBlockHash) return false
  return moveExecution(context.db, row, {
    from: IN_FLIGHT,
    patch: {
      status: 'succeeded',
      reason: null,
      reasonCode: null,
      confirmedAt: new Date(),
      finalAt: new Date(),
    },
    event: 'lifted',
    detail: { txHash: mined.hash, block: mined.blockNumber },
  })
}

const broadcast = async (
  { context, lane, row, memory }: Pursuit,
  attempt: Attempt,
  head: number,
): Promise<void> => {
  if (!context.isHolder() || context.isHalted() || context.signal.aborted) return
  const result = await lane.sender.send(attempt.raw, context.signal)
  memory.mustOutbid = result.outcome === 'underpriced'
  const isOut = result.outcome === 'accepted' || result.outcome === 'known'
  // Nobody answered: try again at the next look. Else the next head is soon enough.
  if (result.outcome !== 'unreachable') memory.sentAtBlock = head
  if (!isOut)
    context.log.warn(
      { execution: row.id, outcome: result.outcome, tx: attempt.hash },
      `The node did not take the transaction: ${result.message}`,
    )
  if (!isOut || row.status !== 'sending') return
  if (!row.broadcastAt) context.metrics.onBroadcast(row)
  await moveExecution(context.db, row, {
    from: ['sending'],
    patch: { status: 'sent', broadcastAt: row.broadcastAt ?? new Date() },
    event: 'sent',
    detail: { hash: attempt.hash, sender: lane.sender.name },
  })
}

/** A new transaction with the same nonce and higher fees, committed before it is sent; undefined when the caps forbid it. */
const replace = async (
  { context, lane, row, policy, action, attempts, nonce, memory }: Pursuit,
  head: number,
): Promise<Attempt | undefined> => {
  const last = attempts.at(-1)
  if (!last || context.isHalted() || !context.isHolder()) return undefined
  const [market, balance] = await Promise.all([
    readFees(lane.rpc),
    readBalance(lane.rpc, context.key.address),
  ])
  const caps = {
    ...policy,
    maxFeePerGasWei: smaller(balance / policy.gasLimit, policy.maxFeePerGasWei),
  }
  const previous = {
    maxFeePerGas: BigInt(last.maxFeePerGasWei),
    maxPriorityFeePerGas: BigInt(last.maxPriorityFeePerGasWei),
  }
  const fees = bumpFees(previous, market, caps, memory.mustOutbid ? 'rival' : 'own')
  if (!fees || policy.gasLimit * fees.maxFeePerGas > policy.maxSpendWeiPer24h) return undefined
  const adapted = await adaptPolicy(lane.rpc, action, policy, context.key.address)
  if (!adapted) return undefined
  const { raw, hash } = await context.key.sign(adapted, nonce, fees)
  const attempt: Attempt = {
    hash,
    raw,
    maxFeePerGasWei: String(fees.maxFeePerGas),
    maxPriorityFeePerGasWei: String(fees.maxPriorityFeePerGas),
    atBlock: head,
  }
  const all = [...attempts, attempt]
  const moved = await moveExecution(context.db, row, {
    from: IN_FLIGHT,
    patch: {
      attempts: toStoredAttempts(all),
      txHashes: all.map((each) => each.hash),
      feeWei: String(policy.gasLimit * fees.maxFeePerGas),
    },
    event: 'replaced',
    detail: { hash, nonce, ...fees },
    attempts: attempts.length,
  })
  return moved ? attempt : undefined
}

const isPricedOut = async (lane: SignerLane, attempt: Attempt): Promise<boolean> =>
  BigInt(attempt.maxFeePerGasWei) < (await readFees(lane.rpc)).nextBaseFee

const pushOn = async (pursuit: Pursuit, sight: Sight): Promise<void> => {
  const { lane, policy, attempts, memory } = pursuit
  const last = attempts.at(-1)
  if (!last || sight.mined || sight.nextNonce > pursuit.nonce) return
  // A policy that was changed or withdrawn is watched to its end, and nothing more is sent for it.
  if (pursuit.context.getPolicy(policy.id)?.hash !== policy.hash) return
  const isNewHead = memory.sentAtBlock === undefined || sight.head > memory.sentAtBlock
  if (!isNewHead && !memory.mustOutbid) return
  const waited = sight.head - last.atBlock
  const mustReplace =
    memory.mustOutbid ||
    waited >= policy.replaceAfterBlocks ||
    (waited > 0 && (await isPricedOut(lane, last)))
  const next = mustReplace ? await replace(pursuit, sight.head) : undefined
  if (next || isNewHead) await broadcast(pursuit, next ?? last, sight.head)
}

/** The execution with its policy and its own signed bytes, checked; or fails it and returns undefined. */
const prepare = async (
  context: SignerContext,
  lane: SignerLane,
  row: ExecutionRow,
  memory: PursuitMemory,
): Promise<Pursuit | undefined> => {
  const policy = context.getPolicyVersion(row.policyHash ?? '')
  const action = policy && context.getAction(policy.action)
  if (!policy || !action || policy.id !== row.actionId) {
    await fail(
      context,
      row,
      'policy_changed',
      'The policy was changed or removed while its transaction was in flight; look at the target yourself.',
    )
    return undefined
  }
  const attempts = readAttempts(row)
  const nonce = row.nonce
  if (!attempts?.[0] || nonce === null) {
    await fail(
      context,
      row,
      'forged',
      'It claims to be in flight without a transaction of this signer.',
    )
    return undefined
  }
  if (!memory.verified) {
    for (const { raw } of attempts) {
      const fault = await checkSigned(raw, { policy, signer: context.key.address, nonce, action })
      if (!fault) continue
      await fail(context, row, 'forged', `Refused to send: ${fault}.`)
      return undefined
    }
    memory.verified = true
  }
  return { context, lane, row, policy, action, attempts, nonce, memory }
}

/** Sends a freshly claimed execution without another look at the chain: the hot path. */
export const sendClaimed = async (
  context: SignerContext,
  lane: SignerLane,
  row: ExecutionRow,
  attempt: Attempt,
  memory: PursuitMemory,
): Promise<void> => {
  const policy = context.getPolicy(row.actionId)
  const action = policy && context.getAction(policy.action)
  if (!policy || !action || row.nonce === null) return
  await broadcast(
    { context, lane, row, policy, action, attempts: [attempt], nonce: row.nonce, memory },
    attempt,
    attempt.atBlock,
  )
}

/**
 * One look at an execution in flight: done when the effect is read on chain, failed at its deadline, else sent again
 * at every new head and replaced at a higher fee when it is not mined. Always the same nonce. Also how a restarted
 * signer takes up what it finds: the stored bytes are sent, never new ones beside them.
 */
export const pursueExecution = async (
  context: SignerContext,
  lane: SignerLane,
  row: ExecutionRow,
  memory: PursuitMemory,
): Promise<void> => {
  const pursuit = await prepare(context, lane, row, memory)
  if (!pursuit) return
  try {
    const look = (): Promise<Sight> =>
      lookAtExecution(lane, pursuit.action, pursuit.policy, context.key.address, pursuit.attempts)
    let sight = await look()
    // The block may have come between the two reads: look again before another is given the credit.
    if (sight.effective && !sight.mined) sight = await look()
    if (sight.effective) {
      await succeed(pursuit, sight)
      return
    }
    if (await wasNeverGone(pursuit, sight)) return
    const failure = await findFailure(pursuit, sight)
    if (failure) await fail(context, row, failure.code, failure.reason)
    else await pushOn(pursuit, sight)
  } catch (error) {
    if (!isTocsinError(error) || !error.code.startsWith('rpc.')) throw error
    context.log.warn(
      { execution: row.id },
      `The chain cannot be read while an action is in flight: ${messageOf(error)}`,
    )
  }
}

import { keccak256 } from 'viem'
import { isTocsinError, messageOf } from '../base/index.ts'
import { endExecution } from './endExecution.ts'
import {
  type Attempt,
  type ExecutionRow,
  findOrphanedAt,
  moveExecution,
  readAttempts,
} from './executionStore.ts'
import { lookAtExecution, type Sight } from './lookAtExecution.ts'
import { IN_FLIGHT, type Pursuit, type PursuitMemory } from './pursuit.ts'
import { broadcast, pushOn } from './pushLocal.ts'
import { findHandOver, handOver } from './senders/handOver.ts'
import { listRelays, readRelayHashes } from './senders/relayStore.ts'
import { turnRelay } from './senders/relayTurn.ts'
import type { SignerContext, SignerLane } from './signerContext.ts'
import { checkSigned } from './signerKey.ts'
import { tellSuccess } from './tellSuccess.ts'
import { readWarrant } from './warrant.ts'

/** Heads for which the nonce must look taken before that is believed: endpoints lag behind each other. */
const TAKEN_HEADS = 3
/** How long other senders may take to tell of the transaction whose effect stands, before another gets the credit (ms). */
const CREDIT_MS = 30_000

const fail = (
  context: SignerContext,
  row: ExecutionRow,
  code: string,
  reason: string,
): Promise<boolean> =>
  endExecution(context, row, { from: IN_FLIGHT, status: 'failed', code, reason })

const succeed = async (
  { context, lane, row, policy, action }: Pursuit,
  sight: Sight,
): Promise<boolean> => {
  const mined = sight.mined?.success ? sight.mined : undefined
  if (mined) lane.paid?.set(mined.hash, mined.feeWei)
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
    also: (tx) =>
      tellSuccess(
        tx,
        row,
        { policy, action },
        { txHash: patch.minedTxHash, block: patch.minedBlock },
      ),
  })
  if (moved && row.minedTxHash === null) context.metrics.onEffect(row)
  if (moved) await noteSuccess(context, row, mined)
  return moved
}

/** Once its row says so: a crash in between leaves it open, and whoever minds the effect notes it then. */
export const noteSuccess = async (
  { ledger }: Pick<SignerContext, 'ledger'>,
  row: Pick<ExecutionRow, 'id'>,
  mined: Sight['mined'],
): Promise<void> => {
  if (!ledger.isKnown(row.id)) return
  await ledger.append({
    kind: 'ended',
    execution: row.id,
    atMs: Date.now(),
    code: 'succeeded',
    ...(mined
      ? { mined: { hash: mined.hash, block: mined.blockNumber, blockHash: mined.blockHash } }
      : {}),
  })
}

/** Whether the nonce of the signer's own transactions has gone to another for good. */
const isNonceLost = ({ memory, nonce }: Pursuit, sight: Sight): boolean => {
  if (nonce === undefined || sight.isKnown || sight.nextNonce <= nonce) {
    memory.takenSince = undefined
    return false
  }
  memory.takenSince ??= sight.head
  return sight.head - memory.takenSince >= TAKEN_HEADS
}

/** Why an execution in flight has failed for good, or undefined. */
const findFailure = async (
  pursuit: Pursuit,
  sight: Sight,
): Promise<{ code: string; reason: string } | undefined> => {
  const { context, row, policy, nonce, relays, warrant } = pursuit
  // What another sender has in hand may still take effect.
  const isHopeful = relays.some(({ status }) => status === 'intent' || status === 'accepted')
  if (sight.mined && !sight.mined.success && !isHopeful)
    return {
      code: 'reverted',
      reason: `Transaction ${sight.mined.hash} was mined in block ${sight.mined.blockNumber} and reverted.`,
    }
  if (isNonceLost(pursuit, sight) && !isHopeful)
    return {
      code: 'nonce_taken',
      reason: `Nonce ${nonce} was used by a transaction that is not ours; the key must serve nothing else.`,
    }
  const since = warrant
    ? new Date(warrant.atMs)
    : ((row.minedTxHash ? await findOrphanedAt(context.db, row.id) : undefined) ?? row.sendingAt)
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

/** Why stored bytes are not the signer's own for this execution, or undefined. */
const findForged = async (
  { context, policy, action, memory }: Omit<Pursuit, 'attempts'>,
  attempts: readonly Attempt[],
  nonce: number,
): Promise<string | undefined> => {
  const what = JSON.stringify([nonce, attempts])
  if (memory.verified === what) return undefined
  for (const { raw, hash } of attempts) {
    const fault = await checkSigned(raw, { policy, signer: context.key.address, nonce, action })
    if (fault) return fault
    if (keccak256(raw) !== hash) return 'a hash is not the one of its bytes'
  }
  memory.verified = what
  return undefined
}

/** Whose turn it is, and since when, by the signer's own book where it knows: rows hurry no hand-over. */
const withOwnStep = ({ ledger }: SignerContext, row: ExecutionRow): ExecutionRow => {
  const claim = ledger.claimOf(row.id)
  if (claim?.step === undefined) return row
  return {
    ...row,
    senderStep: Math.min(row.senderStep, claim.step),
    senderStepAt: new Date(claim.stepAtMs),
  }
}

/** The execution with its policy and its own signed bytes or word, checked; or fails it and returns undefined. */
const prepare = async (
  context: SignerContext,
  lane: SignerLane,
  stored: ExecutionRow,
  memory: PursuitMemory,
): Promise<Pursuit | undefined> => {
  const row = withOwnStep(context, stored)
  const policy = context.getPolicyVersion(row.policyHash ?? '')
  const action = policy && context.getAction(policy.action)
  if (!policy || !action || policy.id !== row.actionId || policy.chain !== lane.chainId) {
    await fail(
      context,
      row,
      'policy_changed',
      'The policy was changed or removed while its transaction was in flight; look at the target yourself.',
    )
    return undefined
  }
  const [warrant, relays] = await Promise.all([
    readWarrant(row.warrant, { key: context.key, executionId: row.id, policyHash: policy.hash }),
    listRelays(context.db, row),
  ])
  const attempts = readAttempts(row) ?? []
  const nonce = row.nonce ?? undefined
  const base = { context, lane, row, policy, action, relays, warrant, memory, nonce }
  const isOwn = attempts.length > 0 && nonce !== undefined
  if (!isOwn && !(warrant && attempts.length === 0 && nonce === undefined)) {
    await fail(
      context,
      row,
      'forged',
      'It claims to be in flight without a transaction of this signer.',
    )
    return undefined
  }
  const fault = isOwn ? await findForged(base, attempts, nonce) : undefined
  if (fault) {
    await fail(context, row, 'forged', `Refused to send: ${fault}.`)
    return undefined
  }
  // Rows of other senders count for nothing without the signer's own word.
  return { ...base, attempts, relays: warrant ? relays : [] }
}

/** Sends a freshly claimed execution without another look at the chain: the hot path. */
export const sendClaimed = async (
  context: SignerContext,
  lane: SignerLane,
  row: ExecutionRow,
  attempt: Attempt | undefined,
  memory: PursuitMemory,
): Promise<void> => {
  const policy = context.getPolicy(row.actionId)
  const action = policy && context.getAction(policy.action)
  if (!policy || !action || row.nonce === null || !attempt) return
  await broadcast(
    {
      context,
      lane,
      row,
      policy,
      action,
      attempts: [attempt],
      nonce: row.nonce,
      relays: [],
      warrant: undefined,
      memory,
    },
    attempt,
    attempt.atBlock,
  )
}

/** The effect stands; who brought it about? Others are given a moment to tell. */
const credit = async (pursuit: Pursuit, sight: Sight): Promise<void> => {
  const { relays, memory } = pursuit
  const mayTell = relays.some(({ status }) => status === 'intent' || status === 'accepted')
  memory.effectSinceMs ??= Date.now()
  if (sight.mined?.success || !mayTell || Date.now() - memory.effectSinceMs > CREDIT_MS) {
    await succeed(pursuit, sight)
    return
  }
  for (const relay of relays) turnRelay(pursuit, relay)
}

const goOn = async (pursuit: Pursuit, sight: Sight): Promise<void> => {
  const { context, row, relays } = pursuit
  const end = context.ledger.endOf(row.id)
  if (end !== undefined) {
    await fail(context, row, 'used', `It ended before (${end}), and its row was set back.`)
    return
  }
  const why = findHandOver(pursuit, sight)
  const failure = await findFailure(pursuit, sight)
  if (failure && (failure.code === 'deadline' || !why)) {
    await fail(context, row, failure.code, failure.reason)
    return
  }
  if (why && (await handOver(pursuit, why))) return
  for (const relay of relays) turnRelay(pursuit, relay)
  await pushOn(pursuit, sight)
}

/**
 * One look at an execution in flight: done when the effect is read on chain, failed at its deadline, else sent again
 * at every new head and replaced at a higher fee when it is not mined. Always the same nonce. Other senders are
 * followed, and take over at their deadlines. Also how a restarted signer takes up what it finds: the stored bytes are
 * sent, never new ones beside them.
 */
export const pursueExecution = async (
  context: SignerContext,
  lane: SignerLane,
  row: ExecutionRow,
  memory: PursuitMemory,
): Promise<void> => {
  const pursuit = await prepare(context, lane, row, memory)
  if (!pursuit) return
  const { action, policy, attempts, relays } = pursuit
  const hashes = [...attempts.map(({ hash }) => hash), ...readRelayHashes(relays)]
  try {
    const look = (): Promise<Sight> =>
      lookAtExecution(lane, action, policy, context.key.address, hashes)
    let sight = await look()
    // The block may have come between the two reads: look again before another is given the credit.
    if (sight.effective && !sight.mined) sight = await look()
    if (sight.effective) {
      await credit(pursuit, sight)
      return
    }
    memory.effectSinceMs = undefined
    if (!(await wasNeverGone(pursuit, sight))) await goOn(pursuit, sight)
  } catch (error) {
    if (!isTocsinError(error) || !error.code.startsWith('rpc.')) throw error
    context.log.warn(
      { execution: row.id },
      `The chain cannot be read while an action is in flight: ${messageOf(error)}`,
    )
  }
}

import type { Hex, Json } from '../base/index.ts'
import type { DatabaseTransaction } from '../store/index.ts'
import { recordSelfFinding } from '../telemetry/index.ts'
import { type ExecutionRow, moveExecution, readAttempts } from './executionStore.ts'
import type { Claim } from './ledger.ts'
import { lookAtExecution, type Sight } from './lookAtExecution.ts'
import { noteSuccess } from './pursueExecution.ts'
import { readBlockRef, readFinal } from './readTarget.ts'
import type { TransactionStatus } from './sender.ts'
import { listRelays, readRelayHashes, reopenRelays } from './senders/relayStore.ts'
import type { SignerContext, SignerLane } from './signerContext.ts'
import { heardBy } from './tellSuccess.ts'
import type { LoadedPolicy } from './types.ts'
import { readWarrant, renewWarrant } from './warrant.ts'

/** What is remembered between two looks: what is missed must be missed twice, since endpoints lag behind each other. */
export type ConfirmMemory = {
  /** Looks in a row at which neither transaction nor effect was there. */
  misses: number
  /** Looks in a row at which the transaction stood and its effect did not. */
  lifts: number
  lookedAtMs: number
}

export const createConfirmMemory = (): ConfirmMemory => ({ misses: 0, lifts: 0, lookedAtMs: 0 })

/** Pause between two looks at an effect that has its confirmations (ms). */
const LOOK_MS = 1_000
const ENOUGH = 2

type Mined = Extract<TransactionStatus, { state: 'mined' }>

const landLate = (context: SignerContext, row: ExecutionRow, mined: Mined): Promise<boolean> =>
  moveExecution(context.db, row, {
    from: ['failed'],
    patch: {
      status: 'succeeded',
      reason: 'It took effect after its deadline.',
      reasonCode: 'late',
      minedTxHash: mined.hash,
      minedBlock: mined.blockNumber,
      minedBlockHash: mined.blockHash,
      minedAt: new Date(),
      feeWei: String(mined.feeWei),
    },
    event: 'succeeded_late',
    detail: { txHash: mined.hash, block: mined.blockNumber },
  })

/** A confirmed effect that went again is more than people were promised: they hear of it. */
const page = (
  tx: DatabaseTransaction,
  row: ExecutionRow,
  policy: LoadedPolicy,
  reason: string,
): Promise<void> =>
  recordSelfFinding(tx, {
    alertId: 'EXECUTION-ORPHANED',
    name: `A reorg took the effect of ${policy.id} away`,
    description: `${policy.id} on ${policy.target} (chain ${policy.chain}) had its ${policy.postcondition.confirmations} confirmations in block ${row.minedBlock}, which is no longer on the chain. ${reason} Execution ${row.id}.`,
    severity: 'High',
    uniqueKey: `${row.id}:${row.minedBlockHash}`,
    metadata: {
      action: policy.id,
      target: policy.target,
      execution: row.id,
      block: String(row.minedBlock),
      ...heardBy(policy),
    },
  })

/** The signer's word, renewed for those that were asked under it; as it was when it cannot be. */
const renew = async (
  { key }: SignerContext,
  row: ExecutionRow,
  policy: LoadedPolicy,
): Promise<Json | null> => {
  const scope = { key, executionId: row.id, policyHash: policy.hash }
  const warrant = await readWarrant(row.warrant, scope)
  const renewed = warrant && (await renewWarrant(key, warrant))
  return renewed ? { ...renewed } : row.warrant
}

const sendAgain = async (
  context: SignerContext,
  lane: SignerLane,
  row: ExecutionRow,
  policy: LoadedPolicy,
): Promise<boolean> => {
  const { ledger } = context
  // What it paid counts no longer: it may be mined again at another price.
  for (const hash of row.txHashes) lane.paid?.delete(hash as Hex)
  const reason = 'A reorg took the effect away; the same transaction is sent again.'
  context.log.warn({ execution: row.id, action: row.actionId }, reason)
  const wasConfirmed = row.confirmedAt !== null
  return moveExecution(context.db, row, {
    from: ['succeeded'],
    patch: {
      status: 'sent',
      reason,
      reasonCode: 'orphaned',
      confirmedAt: null,
      senderStepAt: new Date(),
      warrant: await renew(context, row, policy),
    },
    event: 'orphaned',
    detail: { txHash: row.minedTxHash, block: row.minedBlock, confirmed: wasConfirmed },
    also: async (tx: DatabaseTransaction) => {
      await reopenRelays(tx, row)
      if (wasConfirmed) await page(tx, row, policy, reason)
      if (ledger.isKnown(row.id))
        await ledger.append({ kind: 'reopened', execution: row.id, atMs: Date.now() })
    },
  })
}

/** The transaction is gone with its block, and the effect stands by somebody else's. */
const yieldCredit = async (
  context: SignerContext,
  row: ExecutionRow,
  head: number,
): Promise<void> => {
  const moved = await moveExecution(context.db, row, {
    from: ['succeeded'],
    patch: {
      reasonCode: 'by_another',
      reason: 'The effect stands, by a transaction that is not of this execution.',
      minedTxHash: null,
      minedBlockHash: null,
      minedBlock: head,
    },
    event: 'moved',
    detail: { txHash: null, block: head },
  })
  if (moved) await noteSuccess(context, row, undefined)
}

const follow = async (context: SignerContext, row: ExecutionRow, mined: Mined): Promise<void> => {
  const moved = await moveExecution(context.db, row, {
    from: ['succeeded'],
    patch: {
      minedTxHash: mined.hash,
      minedBlock: mined.blockNumber,
      minedBlockHash: mined.blockHash,
    },
    event: 'moved',
    detail: { txHash: mined.hash, block: mined.blockNumber },
  })
  if (moved) await noteSuccess(context, row, mined)
}

/** Where the effect came about, by the signer's own book where it knows: rows orphan nothing. */
const asBooked = (row: ExecutionRow, claim: Claim | undefined): ExecutionRow =>
  claim?.mined && row.status === 'succeeded'
    ? {
        ...row,
        minedTxHash: claim.mined.hash,
        minedBlock: claim.mined.block,
        minedBlockHash: claim.mined.blockHash,
      }
    : row

/** Whether the block that held the transaction is off the chain; a chain that is shorter now counts too. */
const isOffChain = async (lane: SignerLane, row: ExecutionRow): Promise<boolean> => {
  if (row.minedBlock === null || row.minedBlockHash === null) return true
  const block = await readBlockRef(lane.rpc, row.minedBlock)
  return block?.hash !== row.minedBlockHash.toLowerCase()
}

/** The effect has its confirmations now. What is lifted by then, or was another's, is not minded any longer. */
const confirm = async (
  context: SignerContext,
  row: ExecutionRow,
  policy: LoadedPolicy,
  sight: Sight,
  block: number,
): Promise<void> => {
  if (sight.head - block < policy.postcondition.confirmations) return
  const isMinded = sight.effective && sight.mined?.success === true
  const moved = await moveExecution(context.db, row, {
    from: ['succeeded'],
    patch: { confirmedAt: new Date(), ...(isMinded ? {} : { finalAt: new Date() }) },
    event: sight.effective ? 'confirmed' : 'lifted',
    detail: { block, head: sight.head },
  })
  if (moved) context.metrics.onConfirmed(row)
}

/** Ends the minding of a confirmed effect: its block is final, or people lifted it. */
const settle = async (
  context: SignerContext,
  lane: SignerLane,
  row: ExecutionRow,
  sight: Sight,
  memory: ConfirmMemory,
): Promise<void> => {
  memory.lifts = sight.effective ? 0 : memory.lifts + 1
  const isLifted = memory.lifts >= ENOUGH
  if (!isLifted && !sight.effective) return
  const block = sight.mined?.blockNumber ?? row.minedBlock ?? sight.head
  if (!isLifted && block > (await readFinal(lane.rpc, sight.head, lane.finality))) return
  await moveExecution(context.db, row, {
    from: ['succeeded'],
    patch: { finalAt: new Date() },
    event: isLifted ? 'lifted' : 'final',
    detail: { block, head: sight.head },
  })
}

/** Takes note of a transaction that is not where it was; true when nothing is left to do at this look. */
const followMoves = async (
  context: SignerContext,
  lane: SignerLane,
  row: ExecutionRow,
  policy: LoadedPolicy,
  sight: Sight,
  memory: ConfirmMemory,
): Promise<boolean> => {
  const mined = sight.mined?.success ? sight.mined : undefined
  if (mined) {
    memory.misses = 0
    if (mined.blockHash !== row.minedBlockHash) await follow(context, row, mined)
    return false
  }
  const isGone = row.minedTxHash !== null && (await isOffChain(lane, row))
  if (sight.effective && !isGone) {
    memory.misses = 0
    return false
  }
  memory.misses = isGone || row.minedTxHash === null ? memory.misses + 1 : 0
  if (memory.misses < ENOUGH) return true
  memory.misses = 0
  if (sight.effective) await yieldCredit(context, row, sight.head)
  else await sendAgain(context, lane, row, policy)
  return true
}

/**
 * Minds an effect until its block is final on chain, also beyond the policy's confirmations. When the block is orphaned
 * and the effect is gone, the execution is in flight again: the same bytes, the same nonce, and no cooldown, for it is
 * the same execution. An effect that people lifted in a later block is theirs to lift. A failed execution whose
 * transaction lands after all is put right.
 */
export const confirmExecution = async (
  context: SignerContext,
  lane: SignerLane,
  stored: ExecutionRow,
  memory: ConfirmMemory,
): Promise<void> => {
  const claim = context.ledger.claimOf(stored.id)
  const row = asBooked(stored, claim)
  if (row.confirmedAt !== null && Date.now() - memory.lookedAtMs < LOOK_MS) return
  memory.lookedAtMs = Date.now()
  const policy = context.getPolicyVersion(row.policyHash ?? '')
  const action = policy && context.getAction(policy.action)
  const attempts = readAttempts(row)
  if (!policy || !action || !attempts || policy.id !== row.actionId) {
    await moveExecution(context.db, row, {
      from: ['succeeded', 'failed'],
      patch: { confirmedAt: row.confirmedAt ?? new Date(), finalAt: new Date() },
      event: 'unwatched',
      detail: { reason: 'The policy was changed or removed.' },
    })
    return
  }
  const hashes = [
    ...attempts.map(({ hash }) => hash),
    ...readRelayHashes(await listRelays(context.db, row)),
    ...(claim?.hashes ?? []),
    ...(claim?.mined ? [claim.mined.hash] : []),
  ]
  const sight = await lookAtExecution(lane, action, policy, context.key.address, [
    ...new Set(hashes),
  ])
  if (row.status === 'failed') {
    if (sight.effective && sight.mined?.success) await landLate(context, row, sight.mined)
    return
  }
  // The signer was cut off after its row said so and before its own book did.
  if (claim && context.ledger.endOf(row.id) === undefined)
    await noteSuccess(context, row, sight.mined?.success ? sight.mined : undefined)
  if (await followMoves(context, lane, row, policy, sight, memory)) return
  const block = (sight.mined?.success ? sight.mined.blockNumber : row.minedBlock) ?? sight.head
  if (row.confirmedAt === null) await confirm(context, row, policy, sight, block)
  else await settle(context, lane, row, sight, memory)
}

import { type ExecutionRow, moveExecution, readAttempts } from './executionStore.ts'
import { lookAtExecution } from './pursueExecution.ts'
import type { TransactionStatus } from './sender.ts'
import type { SignerContext, SignerLane } from './signerContext.ts'

/** What is remembered between two looks: an effect must be missed twice, since endpoints lag behind each other. */
export type ConfirmMemory = { misses: number }

export const createConfirmMemory = (): ConfirmMemory => ({ misses: 0 })

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

const sendAgain = (context: SignerContext, row: ExecutionRow): Promise<boolean> => {
  const reason = 'A reorg took the effect away; the same transaction is sent again.'
  context.log.warn({ execution: row.id, action: row.actionId }, reason)
  return moveExecution(context.db, row, {
    from: ['succeeded'],
    patch: { status: 'sent', reason, reasonCode: 'orphaned' },
    event: 'orphaned',
    detail: { txHash: row.minedTxHash, block: row.minedBlock },
  })
}

const follow = (context: SignerContext, row: ExecutionRow, mined: Mined): Promise<boolean> =>
  moveExecution(context.db, row, {
    from: ['succeeded'],
    patch: {
      minedTxHash: mined.hash,
      minedBlock: mined.blockNumber,
      minedBlockHash: mined.blockHash,
    },
    event: 'moved',
    detail: { txHash: mined.hash, block: mined.blockNumber },
  })

/**
 * Minds an effect until it is out of reach of a reorg. When the block that held it is orphaned and the effect is gone,
 * the execution is in flight again: the same bytes, the same nonce. An effect that people lifted in a later block is
 * theirs to lift. A failed execution whose transaction lands after all is put right.
 */
export const confirmExecution = async (
  context: SignerContext,
  lane: SignerLane,
  row: ExecutionRow,
  memory: ConfirmMemory,
): Promise<void> => {
  const policy = context.getPolicyVersion(row.policyHash ?? '')
  const action = policy && context.getAction(policy.action)
  const attempts = readAttempts(row)
  if (!policy || !action || !attempts || policy.id !== row.actionId) {
    await moveExecution(context.db, row, {
      from: ['succeeded', 'failed'],
      patch: { confirmedAt: new Date() },
      event: 'unwatched',
      detail: { reason: 'The policy was changed or removed.' },
    })
    return
  }
  const sight = await lookAtExecution(lane, action, policy, context.key.address, attempts)
  const mined = sight.mined?.success ? sight.mined : undefined
  if (row.status === 'failed') {
    if (sight.effective && mined) await landLate(context, row, mined)
    return
  }
  if (!mined && !sight.effective) {
    memory.misses++
    if (memory.misses >= 2) await sendAgain(context, row)
    return
  }
  memory.misses = 0
  const block = mined?.blockNumber ?? row.minedBlock ?? sight.head
  if (mined && mined.blockHash !== row.minedBlockHash) await follow(context, row, mined)
  if (sight.head - block < policy.postcondition.confirmations) return
  const moved = await moveExecution(context.db, row, {
    from: ['succeeded'],
    patch: { confirmedAt: new Date() },
    event: sight.effective ? 'confirmed' : 'lifted',
    detail: { block, head: sight.head },
  })
  if (moved) context.metrics.onConfirmed(row)
}

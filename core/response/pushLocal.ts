import { adaptPolicy } from './adaptCalldata.ts'
import { isInForce } from './checkFile.ts'
import { readSpent } from './deeds.ts'
import { type Attempt, moveExecution, toStoredAttempts } from './executionStore.ts'
import { bumpFees, smaller } from './fees.ts'
import type { Sight } from './lookAtExecution.ts'
import { capsAfter } from './pendingAttack.ts'
import { IN_FLIGHT, type Pursuit } from './pursuit.ts'
import { readBalance, readFees } from './readTarget.ts'
import type { SendTo } from './sender.ts'
import { withHash } from './senders/noteRelay.ts'
import type { SignerLane } from './signerContext.ts'
import type { Policy } from './types.ts'

/** Which endpoints get the bytes now, by how long the first transaction has been out. */
export const sendTo = ({ broadcast }: Pick<Policy, 'broadcast'>, waitedBlocks: number): SendTo => {
  const { mode, afterBlocks } = broadcast
  if (mode !== 'private-then-public') return mode
  return waitedBlocks >= afterBlocks ? 'both' : 'private'
}

/** Sends bytes that are committed, to the endpoints that the policy names. */
export const broadcast = async (
  { context, lane, row, policy, attempts, memory }: Pursuit,
  attempt: Attempt,
  head: number,
): Promise<void> => {
  if (!context.isHolder() || context.isHalted() || context.signal.aborted) return
  const waited = head - (attempts[0] ?? attempt).atBlock
  const result = await lane.sender.send(attempt.raw, context.signal, sendTo(policy, waited))
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
  { context, lane, row, policy, action, attempts, nonce, relays, memory }: Pursuit,
  head: number,
): Promise<Attempt | undefined> => {
  const last = attempts.at(-1)
  if (!last || nonce === undefined || context.isHalted() || !context.isHolder()) return undefined
  const [market, balance] = await Promise.all([
    readFees(lane.rpc),
    readBalance(lane.rpc, context.key.address),
  ])
  const caps = {
    ...capsAfter(policy, BigInt(last.maxPriorityFeePerGasWei)),
    maxFeePerGasWei: smaller(balance / policy.gasLimit, policy.maxFeePerGasWei),
  }
  const previous = {
    maxFeePerGas: BigInt(last.maxFeePerGasWei),
    maxPriorityFeePerGas: BigInt(last.maxPriorityFeePerGasWei),
  }
  const fees = bumpFees(previous, market, caps, memory.mustOutbid ? 'rival' : 'own')
  if (!fees) return undefined
  // What other senders were asked may cost as much as they were allowed.
  const costWei =
    policy.gasLimit * (fees.maxFeePerGas + BigInt(relays.length) * policy.maxFeePerGasWei)
  const spentWei = await readSpent(context, lane, policy, row.id)
  if (spentWei + costWei > policy.maxSpendWeiPer24h) return undefined
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
      txHashes: withHash(hash),
      feeWei: String(costWei),
    },
    event: 'replaced',
    detail: { hash, nonce, ...fees },
    attempts: attempts.length,
    also: () =>
      context.ledger.append({
        kind: 'replaced',
        execution: row.id,
        atMs: Date.now(),
        hash,
        costWei,
      }),
  })
  return moved ? attempt : undefined
}

const isPricedOut = async (lane: SignerLane, attempt: Attempt): Promise<boolean> =>
  BigInt(attempt.maxFeePerGasWei) < (await readFees(lane.rpc)).nextBaseFee

/** Sends again at every new head, and a replacement when it is time: always the same nonce. */
export const pushOn = async (pursuit: Pursuit, sight: Sight): Promise<void> => {
  const { lane, policy, attempts, memory } = pursuit
  const last = attempts.at(-1)
  if (!last || pursuit.nonce === undefined || sight.nextNonce > pursuit.nonce) return
  if (sight.mined && attempts.some(({ hash }) => hash === sight.mined?.hash)) return
  // A policy that was changed, withdrawn or has run out is watched to its end, and nothing more is sent for it.
  if (!isInForce(pursuit.context, policy, Date.now())) return
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

import { sql } from 'drizzle-orm'
import type { Hex } from '../../base/index.ts'
import type { DatabaseTransaction } from '../../store/index.ts'
import { adaptPolicy } from '../adaptCalldata.ts'
import { readSpent, toWei } from '../deeds.ts'
import { listAttemptsAt, moveExecution, toStoredAttempts } from '../executionStore.ts'
import type { Sight } from '../lookAtExecution.ts'
import { IN_FLIGHT, type Pursuit } from '../pursuit.ts'
import { broadcast } from '../pushLocal.ts'
import { readBalance, readEffect, readFees, readHead, readNonce } from '../readTarget.ts'
import { chooseFees, isKeyBusy, signAttempt } from '../signAttempt.ts'
import { isLocalStep } from './laneSenders.ts'
import { withHash } from './noteRelay.ts'
import { openRelay } from './relayStore.ts'
import { mayAsk } from './relayTurn.ts'

/** Why the sender whose turn it is will not bring the effect about, or not in time; undefined while it may. */
export const findHandOver = (pursuit: Pursuit, sight: Sight): string | undefined => {
  const { row, policy, relays, attempts, memory } = pursuit
  const step = policy.senders[row.senderStep]
  if (!step || !policy.senders[row.senderStep + 1]) return undefined
  const relay = relays.find((each) => each.step === row.senderStep)
  const hashes = relay ? relay.hashes : attempts.map(({ hash }) => hash)
  if (sight.mined && !sight.mined.success && hashes.includes(sight.mined.hash))
    return `its transaction ${sight.mined.hash} reverted`
  if (relay?.status === 'refused' && memory.relays.get(relay.step)?.isFinal !== false)
    return `it refused: ${relay.reason ?? ''}`
  if (relay?.status === 'expired' || relay?.status === 'failed')
    return `its transaction ${relay.status}: ${relay.reason ?? ''}`
  const waitedS =
    (Date.now() - (row.senderStepAt ?? row.sendingAt ?? new Date(0)).getTime()) / 1_000
  return waitedS > step.deadlineS ? `no effect within ${step.deadlineS} s` : undefined
}

const hold = ({ context, row, memory }: Pursuit, reason: string): false => {
  if (memory.heldBack !== reason)
    context.log.warn({ execution: row.id }, `No other sender takes over: ${reason}`)
  memory.heldBack = reason
  return false
}

type Step = {
  readonly to: number
  readonly why: string
  /** Of the whole execution, this step included. */
  readonly costWei: bigint
}

const detailOf = ({ row, policy }: Pursuit, { to, why }: Step) => ({
  from: policy.senders[row.senderStep]?.name,
  to: policy.senders[to]?.name,
  why,
})

/** Into the signer's own book before the commit, and so before anything is sent. */
const noteStep = (
  { context, row }: Pursuit,
  { to, costWei }: Step,
  own?: { readonly hash: Hex; readonly nonce: number },
): Promise<void> =>
  context.ledger.append({
    kind: 'replaced',
    execution: row.id,
    atMs: Date.now(),
    ...own,
    costWei,
    step: to,
  })

const handToRemote = async (pursuit: Pursuit, step: Step): Promise<boolean> => {
  const { context, row, policy } = pursuit
  const sender = policy.senders[step.to]?.name ?? ''
  const relay = { executionId: row.id, step: step.to, sender }
  return moveExecution(context.db, row, {
    from: IN_FLIGHT,
    patch: { senderStep: step.to, senderStepAt: new Date(), feeWei: String(step.costWei) },
    event: 'handed_over',
    detail: detailOf(pursuit, step),
    also: async (tx: DatabaseTransaction) => {
      await openRelay(tx, relay)
      await noteStep(pursuit, step)
    },
  })
}

/** The signer's own key takes over: signed and committed first, then sent. */
const handToLocal = async (pursuit: Pursuit, step: Step): Promise<boolean> => {
  const { context, lane, row, policy, action } = pursuit
  const signer = context.key.address
  const [head, nonce, market, balanceWei, adapted] = await Promise.all([
    readHead(lane.rpc),
    readNonce(lane.rpc, signer),
    readFees(lane.rpc),
    readBalance(lane.rpc, signer),
    adaptPolicy(lane.rpc, action, policy, signer),
  ])
  if (!adapted) return hold(pursuit, 'what stands on chain cannot be read')
  const signed = await listAttemptsAt(context.db, signer, lane.chainId, nonce)
  const fees = chooseFees({ policy, signed, market, balanceWei })
  if ('code' in fees) return hold(pursuit, fees.reason)
  const attempt = await signAttempt(context, adapted, nonce, fees, head)
  const moved = await context.db.transaction(async (tx) => {
    await tx.execute(
      sql`select pg_advisory_xact_lock(hashtextextended(${`tocsin:nonce:${signer}:${lane.chainId}`}, 0))`,
    )
    if (await isKeyBusy(tx, signer, lane.chainId, nonce, row.id)) return false
    return moveExecution(tx, row, {
      from: IN_FLIGHT,
      patch: {
        senderStep: step.to,
        senderStepAt: new Date(),
        nonce,
        attempts: toStoredAttempts([attempt]),
        txHashes: withHash(attempt.hash),
        feeWei: String(step.costWei),
      },
      event: 'handed_over',
      detail: { ...detailOf(pursuit, step), nonce, hash: attempt.hash, ...fees },
      attempts: 0,
      also: () => noteStep(pursuit, step, { hash: attempt.hash, nonce }),
    })
  })
  if (!moved) return hold(pursuit, 'another transaction of the key is in flight')
  const taken = { ...pursuit, row: { ...row, nonce }, attempts: [attempt], nonce }
  await broadcast(taken, attempt, head.number)
  return true
}

/**
 * The next sender of the policy takes over. Only for actions whose second run changes nothing, under a warrant, within
 * the spending limit, and when the post-condition, read again, does not hold. What was asked of the others before is
 * still followed, and its transactions may still land.
 */
export const handOver = async (pursuit: Pursuit, why: string): Promise<boolean> => {
  const { context, lane, row, policy, action, attempts } = pursuit
  const to = row.senderStep + 1
  const name = policy.senders[to]?.name
  if (name === undefined) return false
  if (!action.isIdempotent)
    return hold(pursuit, 'a second run by another key would change something')
  if (!mayAsk(pursuit))
    return hold(pursuit, 'it is halted, withdrawn, too late, or without a warrant')
  if (name !== 'local' && !lane.senders?.find(name))
    return hold(pursuit, `there is no sender "${name}"`)
  // What may be spent already: the larger of what the row and the signer's own book say.
  const told = toWei(row.feeWei)
  const booked = context.ledger.claimOf(row.id)?.costWei ?? 0n
  const costWei = (told > booked ? told : booked) + policy.gasLimit * policy.maxFeePerGasWei
  if (
    (await readSpent(pursuit.context, pursuit.lane, pursuit.policy, pursuit.row.id)) + costWei >
    policy.maxSpendWeiPer24h
  )
    return hold(pursuit, `it could cost ${costWei} wei, more than may be spent in 24 h`)
  if (await readEffect(lane.rpc, action, policy)) return false
  context.log.warn({ execution: row.id, to: name }, `Another sender takes over: ${why}`)
  const step: Step = { to, why, costWei }
  if (!isLocalStep(policy, to)) return handToRemote(pursuit, step)
  return attempts.length > 0
    ? hold(pursuit, 'the own key is at it already')
    : handToLocal(pursuit, step)
}

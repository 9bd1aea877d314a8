import { messageOf } from '../../base/index.ts'
import { adaptPolicy } from '../adaptCalldata.ts'
import { isInForce } from '../checkFile.ts'
import { type Asks, NO_ASKS } from '../ledger.ts'
import type { Pursuit } from '../pursuit.ts'
import { readEffect } from '../readTarget.ts'
import { noteAccepted, noteAsked, noteEnded, noteRefused, noteTold } from './noteRelay.ts'
import { listForeignIds, type RelayRow } from './relayStore.ts'
import type { RelayCall, RelayTransaction, RemoteSender } from './remoteSender.ts'

const POLL_MS = 1_000
const RETRY_MS = 5_000
const MAX_POSTS = 20
/** Looks in a row at which a lost request is not in the sender's list, or a told transaction is gone. */
const ENOUGH = 2
/** Clocks of two machines differ. */
const SKEW_MS = 60_000

/** What is remembered of one sender's part between two turns. */
export type RelayMemory = {
  isBusy: boolean
  nextAtMs: number
  misses: number
  /** Whether asking again after a refusal is of no use. */
  isFinal: boolean
}

export const createRelayMemory = (): RelayMemory => ({
  isBusy: false,
  nextAtMs: 0,
  misses: 0,
  isFinal: true,
})

/** A pursuit with the part of one sender in it. */
export type RelayPursuit = Pursuit & {
  readonly relay: RelayRow
  readonly remote: RemoteSender
  readonly own: RelayMemory
}

/** How often a sender was asked for an execution, by its row and by the signer's own book: whichever is more. */
const asksOf = ({ context, relay }: RelayPursuit): Asks => {
  const { asked, declined } =
    context.ledger.claimOf(relay.executionId)?.asks.get(relay.step) ?? NO_ASKS
  return { asked: Math.max(asked, relay.posts), declined }
}

/** Where a second run changes something, nobody is asked again who is not known to have declined. */
const mayRepeat = (pursuit: RelayPursuit): boolean => {
  const { asked, declined } = asksOf(pursuit)
  return pursuit.action.isIdempotent || asked <= declined
}

/** Whether the signer may ask anybody for anything now. */
export const mayAsk = ({ context, policy, warrant }: Pursuit): boolean =>
  warrant !== undefined &&
  Date.now() < warrant.atMs + policy.postcondition.deadlineS * 1_000 &&
  isInForce(context, policy, Date.now()) &&
  context.isHolder() &&
  !context.isHalted() &&
  !context.signal.aborted

const createCall = async (pursuit: RelayPursuit): Promise<RelayCall | undefined> => {
  const { lane, action, policy, row, remote, warrant } = pursuit
  // Also says whose rights the call will use; a sender that cannot tell may still send what needs no adapting.
  const actor = action.adapt ? await remote.account() : pursuit.context.key.address
  const adapted = await adaptPolicy(lane.rpc, action, policy, actor)
  if (!adapted || !warrant) return undefined
  return {
    chainId: policy.chain,
    to: policy.target,
    data: adapted.calldata,
    gasLimit: policy.gasLimit,
    maxFeePerGas: policy.maxFeePerGasWei,
    maxPriorityFeePerGas: policy.maxPriorityFeePerGasWei,
    validUntil: new Date(warrant.atMs + policy.postcondition.deadlineS * 1_000 + SKEW_MS),
    note: `${policy.id} ${row.id}`,
  }
}

/** One request to send, written down before it is made. */
const ask = async (pursuit: RelayPursuit): Promise<void> => {
  const { context, lane, action, policy, relay, remote, own } = pursuit
  if (!mayAsk(pursuit) || asksOf(pursuit).asked >= MAX_POSTS || !mayRepeat(pursuit)) return
  const call = await createCall(pursuit)
  if (!call || (await readEffect(lane.rpc, action, policy))) return
  if (!mayAsk(pursuit) || !(await noteAsked(pursuit, call))) return
  own.misses = 0
  const answer = await remote.submit(call, context.signal)
  switch (answer.outcome) {
    case 'accepted':
      await noteAccepted(pursuit, answer.transaction)
      return
    case 'refused':
      own.isFinal = answer.isFinal
      own.nextAtMs = Date.now() + (answer.isFinal ? RETRY_MS : POLL_MS)
      await noteRefused(pursuit, answer.message)
      return
    case 'unknown':
      context.log.warn(
        { execution: relay.executionId, sender: remote.name },
        `It is not known whether the sender took it: ${answer.message}`,
      )
  }
}

/** A request whose answer was lost, in the sender's own list. */
const findMade = async ({
  context,
  policy,
  action,
  relay,
  remote,
}: RelayPursuit): Promise<RelayTransaction | undefined> => {
  const since = new Date(relay.createdAt.getTime() - SKEW_MS)
  const call = { to: policy.target, data: policy.calldata }
  const [made, foreign] = await Promise.all([
    remote.list(call, since, context.signal),
    listForeignIds(context.db, relay),
  ])
  return made.find(
    ({ id, to, data, state }) =>
      to === policy.target &&
      (data === undefined || action.adapt !== undefined || data === policy.calldata) &&
      (state === 'pending' || state === 'mined') &&
      !foreign.has(id),
  )
}

const follow = async (pursuit: RelayPursuit, id: string): Promise<void> => {
  const { context, lane, relay, remote, own } = pursuit
  const told = await remote.get(id, context.signal)
  const hash = told?.hash
  // Told as mined, and not on the signer's own chain: a reorg, or another chain's word.
  const isGone =
    told === undefined ||
    (told.state === 'mined' &&
      (hash === undefined || (await lane.sender.status(hash)).state === 'unknown'))
  own.misses = isGone ? own.misses + 1 : 0
  if (told && (told.state !== 'mined' || !isGone)) await noteTold(pursuit, told)
  else if (own.misses > ENOUGH)
    await noteEnded(pursuit, 'the sender does not know it, or its block is gone')
  else if (told && relay.status !== 'accepted')
    await noteTold(pursuit, { ...told, state: 'pending' })
}

const advance = async (pursuit: RelayPursuit): Promise<void> => {
  const { relay, row, policy, own } = pursuit
  const isCurrent = relay.step === row.senderStep
  const isLast = policy.senders[relay.step + 1] === undefined
  switch (relay.status) {
    case 'accepted':
    case 'mined':
      if (relay.externalId !== null) await follow(pursuit, relay.externalId)
      return
    case 'intent': {
      if (asksOf(pursuit).asked > 0) {
        const made = await findMade(pursuit)
        if (made) return noteAccepted(pursuit, made)
        own.misses++
        if (own.misses < ENOUGH) return
      }
      if (isCurrent) await ask(pursuit)
      return
    }
    case 'refused':
      if (isCurrent && (isLast || !own.isFinal)) await ask(pursuit)
      return
    case 'expired':
      if (isCurrent && isLast) await ask(pursuit)
      return
    case 'failed':
  }
}

/**
 * One step with one sender, beside the lane: ask it, look for what a lost answer left, or follow what it has. A request
 * is never repeated while it may have been taken, and each is committed before it is made.
 */
export const turnRelay = (pursuit: Pursuit, relay: RelayRow): void => {
  const { lane, context, memory } = pursuit
  const remote = lane.senders?.find(relay.sender)
  if (!remote || pursuit.policy.senders[relay.step]?.name !== relay.sender) return
  const own = memory.relays.get(relay.step) ?? createRelayMemory()
  memory.relays.set(relay.step, own)
  if (own.isBusy || Date.now() < own.nextAtMs) return
  own.isBusy = true
  own.nextAtMs = Date.now() + POLL_MS
  const turn = async (): Promise<void> => {
    try {
      await advance({ ...pursuit, relay, remote, own })
    } catch (error) {
      context.log.warn(
        { execution: relay.executionId, sender: relay.sender },
        `The sender cannot be followed: ${messageOf(error)}`,
      )
    } finally {
      own.isBusy = false
    }
  }
  lane.senders?.spawn(turn())
}

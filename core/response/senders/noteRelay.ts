import { type SQL, sql } from 'drizzle-orm'
import type { Hex } from '../../base/index.ts'
import { type DatabaseTransaction, tables } from '../../store/index.ts'
import { moveExecution } from '../executionStore.ts'
import { IN_FLIGHT } from '../pursuit.ts'
import { patchRelay } from './relayStore.ts'
import type { RelayPursuit } from './relayTurn.ts'
import type { RelayCall, RelayState, RelayTransaction } from './remoteSender.ts'
import { tellSafeProposal } from './tellProposal.ts'

/** The hashes of an execution with one more, each once. */
export const withHash = (hash: Hex): SQL =>
  sql`case when ${hash} = any(${tables.execution.txHashes}) then ${tables.execution.txHashes} else array_append(${tables.execution.txHashes}, ${hash}) end`

const STATUS: Readonly<Record<RelayState, 'accepted' | 'mined' | 'failed' | 'expired'>> = {
  pending: 'accepted',
  mined: 'mined',
  failed: 'failed',
  expired: 'expired',
}

type Note = Parameters<typeof patchRelay>[2]

type News = {
  readonly event: string
  readonly detail: object
  readonly change: Note
  readonly patch?: Parameters<typeof moveExecution>[2]['patch']
  /** Written in the same transaction. */
  readonly also?: (tx: DatabaseTransaction) => Promise<void>
}

const note = (
  { context, row, relay }: RelayPursuit,
  { event, detail, change, patch = {}, also }: News,
): Promise<boolean> =>
  moveExecution(context.db, row, {
    from: IN_FLIGHT,
    patch,
    event,
    detail: { sender: relay.sender, step: relay.step, ...detail },
    also: async (tx: DatabaseTransaction) => {
      await patchRelay(tx, relay, change)
      await also?.(tx)
    },
  })

/** Into the signer's own book: rows forget who was asked, it does not. */
const book =
  ({ context, relay }: RelayPursuit, kind: 'asked' | 'declined') =>
  (): Promise<void> => {
    const { executionId: execution, step } = relay
    return context.ledger.append({ kind, execution, atMs: Date.now(), step })
  }

/** Before a request is made; false when the execution is over by now. */
export const noteAsked = (pursuit: RelayPursuit, call: RelayCall): Promise<boolean> => {
  const posts = pursuit.relay.posts + 1
  const change: Note = { posts, status: 'intent', externalId: null, reason: null }
  const detail = { posts, ...call }
  return note(pursuit, { event: 'relay_asked', detail, change, also: book(pursuit, 'asked') })
}

export const noteAccepted = async (
  pursuit: RelayPursuit,
  transaction: RelayTransaction,
): Promise<void> => {
  const { context, row, relay, policy } = pursuit
  const { id, hash, state } = transaction
  if (!row.broadcastAt) context.metrics.onBroadcast(row)
  const hashes = hash && !relay.hashes.includes(hash) ? [...relay.hashes, hash] : relay.hashes
  await note(pursuit, {
    event: 'sent',
    detail: { id, hash: hash ?? null },
    change: { status: STATUS[state], externalId: id, hashes },
    patch: {
      status: 'sent',
      broadcastAt: row.broadcastAt ?? new Date(),
      ...(hash ? { txHashes: withHash(hash) } : {}),
    },
    also: (tx) => tellSafeProposal(tx, row, { policy, sender: relay.sender, transaction }),
  })
}

export const noteRefused = async (pursuit: RelayPursuit, reason: string): Promise<void> => {
  pursuit.context.log.warn(
    { execution: pursuit.row.id, sender: pursuit.relay.sender },
    `The sender refused: ${reason}`,
  )
  await note(pursuit, {
    event: 'relay_refused',
    detail: { reason },
    change: { status: 'refused', reason },
    also: book(pursuit, 'declined'),
  })
}

/** What the sender tells of a transaction that it has: written when it is news. */
export const noteTold = async (
  pursuit: RelayPursuit,
  { id, hash, state, reason }: RelayTransaction,
): Promise<void> => {
  const { relay } = pursuit
  const status = STATUS[state]
  const isNew = hash !== undefined && !relay.hashes.includes(hash)
  if (!isNew && status === relay.status) return
  await note(pursuit, {
    event: isNew && relay.hashes.length > 0 ? 'relay_replaced' : `relay_${status}`,
    detail: { id, hash: hash ?? null, state, reason },
    change: {
      status,
      reason: reason || null,
      hashes: isNew ? [...relay.hashes, hash] : relay.hashes,
    },
    patch: isNew ? { txHashes: withHash(hash) } : {},
  })
}

/** It will not come any more, whatever the sender says. */
export const noteEnded = async (pursuit: RelayPursuit, reason: string): Promise<void> => {
  await note(pursuit, {
    event: 'relay_expired',
    detail: { reason },
    change: { status: 'expired', reason },
  })
}

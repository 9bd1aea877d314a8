import { type SQL, sql } from 'drizzle-orm'
import type { Hex } from '../../base/index.ts'
import { type DatabaseTransaction, tables } from '../../store/index.ts'
import { moveExecution } from '../executionStore.ts'
import { IN_FLIGHT } from '../pursuit.ts'
import { patchRelay } from './relayStore.ts'
import type { RelayPursuit } from './relayTurn.ts'
import type { RelayCall, RelayState, RelayTransaction } from './remoteSender.ts'

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

const note = (
  { context, row, relay }: RelayPursuit,
  event: string,
  detail: object,
  change: Note,
  patch: Parameters<typeof moveExecution>[2]['patch'] = {},
  booked?: 'asked' | 'declined',
): Promise<boolean> =>
  moveExecution(context.db, row, {
    from: IN_FLIGHT,
    patch,
    event,
    detail: { sender: relay.sender, step: relay.step, ...detail },
    also: async (tx: DatabaseTransaction) => {
      await patchRelay(tx, relay, change)
      if (!booked) return
      const { executionId: execution, step } = relay
      await context.ledger.append({ kind: booked, execution, atMs: Date.now(), step })
    },
  })

/** Before a request is made; false when the execution is over by now. */
export const noteAsked = (pursuit: RelayPursuit, call: RelayCall): Promise<boolean> => {
  const posts = pursuit.relay.posts + 1
  const change: Note = { posts, status: 'intent', externalId: null, reason: null }
  return note(pursuit, 'relay_asked', { posts, ...call }, change, {}, 'asked')
}

export const noteAccepted = async (
  pursuit: RelayPursuit,
  { id, hash, state }: RelayTransaction,
): Promise<void> => {
  const { context, row, relay } = pursuit
  if (!row.broadcastAt) context.metrics.onBroadcast(row)
  const hashes = hash && !relay.hashes.includes(hash) ? [...relay.hashes, hash] : relay.hashes
  await note(
    pursuit,
    'sent',
    { id, hash: hash ?? null },
    { status: STATUS[state], externalId: id, hashes },
    {
      status: 'sent',
      broadcastAt: row.broadcastAt ?? new Date(),
      ...(hash ? { txHashes: withHash(hash) } : {}),
    },
  )
}

export const noteRefused = async (pursuit: RelayPursuit, reason: string): Promise<void> => {
  pursuit.context.log.warn(
    { execution: pursuit.row.id, sender: pursuit.relay.sender },
    `The sender refused: ${reason}`,
  )
  await note(pursuit, 'relay_refused', { reason }, { status: 'refused', reason }, {}, 'declined')
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
  await note(
    pursuit,
    isNew && relay.hashes.length > 0 ? 'relay_replaced' : `relay_${status}`,
    { id, hash: hash ?? null, state, reason },
    { status, reason: reason || null, hashes: isNew ? [...relay.hashes, hash] : relay.hashes },
    isNew ? { txHashes: withHash(hash) } : {},
  )
}

/** It will not come any more, whatever the sender says. */
export const noteEnded = async (pursuit: RelayPursuit, reason: string): Promise<void> => {
  await note(pursuit, 'relay_expired', { reason }, { status: 'expired', reason })
}

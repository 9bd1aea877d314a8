import { and, asc, eq, isNotNull, ne } from 'drizzle-orm'
import type { Hex } from '../../base/index.ts'
import { type Database, type DatabaseTransaction, tables } from '../../store/index.ts'
import type { ExecutionRow } from '../executionStore.ts'

export type RelayRow = typeof tables.executionRelay.$inferSelect
type Patch = Partial<typeof tables.executionRelay.$inferInsert>

const at = (row: Pick<RelayRow, 'executionId' | 'step'>) =>
  and(
    eq(tables.executionRelay.executionId, row.executionId),
    eq(tables.executionRelay.step, row.step),
  )

const FRESH = {
  status: 'intent' as const,
  posts: 0,
  externalId: null,
  hashes: [],
  reason: null,
}

/** Notes that a sender is to be asked; rows that somebody wrote before count for nothing. */
export const openRelay = async (
  tx: DatabaseTransaction,
  relay: Pick<RelayRow, 'executionId' | 'step' | 'sender'>,
): Promise<void> => {
  await tx
    .insert(tables.executionRelay)
    .values({ ...relay, ...FRESH })
    .onConflictDoUpdate({
      target: [tables.executionRelay.executionId, tables.executionRelay.step],
      set: { sender: relay.sender, ...FRESH, createdAt: new Date(), updatedAt: new Date() },
    })
}

/** In the order of the policy's senders; an execution without a warrant has none. */
export const listRelays = async (
  db: Database,
  execution: Pick<ExecutionRow, 'id' | 'warrant'>,
): Promise<readonly RelayRow[]> =>
  execution.warrant === null
    ? []
    : db
        .select()
        .from(tables.executionRelay)
        .where(eq(tables.executionRelay.executionId, execution.id))
        .orderBy(asc(tables.executionRelay.step))

export const readRelayHashes = (relays: readonly RelayRow[]): readonly Hex[] =>
  relays.flatMap(({ hashes }) =>
    hashes.filter((hash): hash is Hex => /^0x[0-9a-f]{64}$/.test(hash)),
  )

export const patchRelay = async (
  tx: Database | DatabaseTransaction,
  relay: RelayRow,
  patch: Patch,
): Promise<void> => {
  await tx
    .update(tables.executionRelay)
    .set({ ...patch, updatedAt: new Date() })
    .where(at(relay))
}

/** After a reorg: what was mined is in its sender's hands again. */
export const reopenRelays = async (
  tx: DatabaseTransaction,
  execution: Pick<ExecutionRow, 'id'>,
): Promise<void> => {
  await tx
    .update(tables.executionRelay)
    .set({ status: 'accepted', updatedAt: new Date() })
    .where(
      and(
        eq(tables.executionRelay.executionId, execution.id),
        eq(tables.executionRelay.status, 'mined'),
      ),
    )
}

/** Ids by which a sender knows the transactions of other executions. */
export const listForeignIds = async (
  db: Database,
  relay: RelayRow,
): Promise<ReadonlySet<string>> => {
  const rows = await db
    .select({ id: tables.executionRelay.externalId })
    .from(tables.executionRelay)
    .where(
      and(
        eq(tables.executionRelay.sender, relay.sender),
        ne(tables.executionRelay.executionId, relay.executionId),
        isNotNull(tables.executionRelay.externalId),
      ),
    )
  return new Set(rows.flatMap(({ id }) => (id === null ? [] : [id])))
}

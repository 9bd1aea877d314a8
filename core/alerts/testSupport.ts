import { sql } from 'drizzle-orm'
import { stableHash } from '../base/index.ts'
import { type Store, tables } from '../store/index.ts'
import { type IncidentSettings, incidentSettings } from './incident/incidentSettings.ts'
import type { NotifierConfig } from './startNotifier.ts'
import type { AlertMessage, FindingRow } from './types.ts'

type FindingInsert = typeof tables.finding.$inferInsert

const NEVER = 1_000_000

/** Settings under which every change is told at once. */
export const plainIncidents: IncidentSettings = {
  ...incidentSettings({}),
  groupWaitS: { SEV1: 0, SEV2: 0, SEV3: 0, SEV4: 0 },
  cooldownS: { SEV1: 0, SEV2: 0, SEV3: 0, SEV4: 0 },
  repeatS: { SEV1: 0, SEV2: 0, SEV3: 0, SEV4: 0 },
  addUp: { alerts: NEVER, withinS: 600, upTo: 'SEV2' },
  flapping: { transitions: NEVER, withinS: 1_800, stableS: 600 },
  messagesPerMinute: NEVER,
}

/** A configuration with two console channels, everything going to the first, every change told at once. */
export const routingConfig = (overrides: Partial<NotifierConfig> = {}): NotifierConfig => ({
  dataDir: '/nonexistent',
  chains: [],
  channels: [
    { kind: 'console', name: 'one' },
    { kind: 'console', name: 'two' },
  ],
  routes: [{ match: {}, channels: ['one'], continue: false }],
  incidents: plainIncidents,
  ...overrides,
})

/** A finding of an event on a vault in block 1, with whatever is given instead. */
export const findingOf = (facts: Partial<FindingInsert> = {}): FindingInsert => {
  const row = {
    botId: 'test-bot',
    botVersion: '1.0.0',
    alertId: 'TEST',
    alertKind: 'event' as const,
    chainId: 1,
    blockNumber: 1,
    blockHash: `0xb${facts.blockNumber ?? 1}`,
    blockTimestampS: 1_700_000_000,
    uniqueKey: 'u',
    name: 'Something happened',
    description: 'It happened.',
    severity: 'High',
    type: 'Suspicious',
    thing: 'vault',
    status: 'provisional' as const,
    ...facts,
  }
  const id = stableHash(
    row.botId,
    row.alertId,
    row.chainId,
    row.blockHash,
    row.txHash ?? '',
    row.uniqueKey,
  )
  return { id, ...row }
}

/** Inserts findings as the watcher does, or changes their status when they exist. */
export const record = async (store: Store, ...findings: FindingInsert[]): Promise<void> => {
  for (const row of findings) {
    await store.db
      .insert(tables.finding)
      .values(row)
      .onConflictDoUpdate({
        target: tables.finding.id,
        set: { status: row.status, revision: sql`nextval('tocsin.finding_revision_seq')` },
      })
  }
}

export const retracted = <T extends { status?: FindingRow['status'] }>(finding: T): T => ({
  ...finding,
  status: 'retracted',
})

/** What was told so far: `alert change severity`, in order. */
export const toldMessages = async (
  store: Store,
  channel = 'one',
): Promise<readonly AlertMessage[]> => {
  const { rows } = await store.pool.query<{ payload: AlertMessage }>(
    'select payload from tocsin.outbox where channel = $1 order by seq',
    [channel],
  )
  return rows.map(({ payload }) => payload)
}

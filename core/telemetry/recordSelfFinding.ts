import { SELF_BOT_ID, stableHash } from '../base/index.ts'
import { type Database, type DatabaseTransaction, notify, tables } from '../store/index.ts'

/**
 * A finding about Tocsin itself (a process that died, a feed that halted), final at once and outside any chain.
 * The same `uniqueKey` is recorded once; of a condition, once for each occurrence.
 */
export const recordSelfFinding = async (
  db: Database | DatabaseTransaction,
  finding: {
    readonly alertId: string
    readonly name: string
    readonly description: string
    readonly severity: 'Critical' | 'High' | 'Medium' | 'Low' | 'Info'
    readonly uniqueKey: string
    readonly metadata?: Record<string, string>
    /** Who is told, when it concerns something that somebody owns. */
    readonly owner?: string | null
    readonly protocol?: string | null
    /** Findings of one alertId with the same first address are one alert; without addresses each `uniqueKey` is its own. */
    readonly addresses?: readonly string[]
    /** Something that lasts: whether it holds from now on or has ended. Default: it happened, and that is all. */
    readonly condition?: {
      readonly state: 'holds' | 'ended'
      /** Tells one beginning or end from the others, e.g. its instant. */
      readonly occurrence: string
    }
  },
): Promise<void> => {
  const { condition } = finding
  const key = [SELF_BOT_ID, finding.alertId, 0, '', '', finding.uniqueKey]
  const id = condition ? stableHash(...key, condition.occurrence) : stableHash(...key)
  await db
    .insert(tables.finding)
    .values({
      id,
      botId: SELF_BOT_ID,
      botVersion: '1.0.0',
      alertId: finding.alertId,
      alertKind: condition ? 'condition' : 'event',
      condition: condition?.state ?? null,
      chainId: 0,
      blockNumber: 0,
      blockHash: '',
      blockTimestampS: Math.floor(Date.now() / 1000),
      uniqueKey: finding.uniqueKey,
      name: finding.name,
      description: finding.description,
      severity: finding.severity,
      type: 'Degraded',
      metadata: finding.metadata ?? {},
      owner: finding.owner ?? null,
      protocol: finding.protocol ?? null,
      addresses: [...(finding.addresses ?? [])],
      status: 'final',
    })
    .onConflictDoNothing()
  await notify(db, 'tocsin_finding')
}

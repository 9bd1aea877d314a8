import type { Json } from '../base/index.ts'
import type { tables } from '../store/index.ts'

type FindingRow = typeof tables.finding.$inferSelect
type EventRow = typeof tables.findingEvent.$inferSelect

/** Something that became of a finding, with the finding as it was found. */
export type FindingEvent = {
  /** Place in the order in which events are told; what readers resume from. */
  readonly seq: number
  /** The same over retries, replays and restarts; receivers drop repeats by it. */
  readonly id: string
  readonly type: EventRow['type']
  /** Of the finding, after this event. */
  readonly status: EventRow['status']
  readonly at: Date
  readonly finding: Omit<
    FindingRow,
    'status' | 'seq' | 'revision' | 'finalizedAt' | 'retractedAt' | 'latencyMs'
  >
}

/** Chains as events name them. */
export type KnownChain = {
  readonly id: number
  readonly name: string
  readonly explorer?: string | undefined
}

/** A finding as subscribers get it: version 1. All strings are bounded and cleaned. */
export type SubscribedFinding = {
  readonly schema: 'tocsin.finding.v1'
  readonly id: string
  readonly status: EventRow['status']
  readonly bot: string
  readonly botVersion: string
  readonly alertId: string
  readonly kind: 'event' | 'condition'
  /** Of a condition: whether it holds, has ended, or cannot be told. */
  readonly condition: 'holds' | 'ended' | 'unknown' | null
  readonly name: string
  readonly description: string
  readonly severity: string
  readonly type: string
  readonly protocol: string | null
  readonly thing: string | null
  readonly owner: string | null
  readonly chain: { readonly id: number; readonly name: string; readonly explorer?: string }
  readonly block: { readonly number: number; readonly hash: string; readonly timestampS: number }
  readonly txHash: string | null
  readonly addresses: readonly string[]
  readonly labels: Json
  readonly metadata: Readonly<Record<string, string>>
  readonly foundAt: string
}

import type { Sev } from '../base/index.ts'
import type { tables } from '../store/index.ts'

/** Everything that is stored about one incident, as it was when it was read. */
export type IncidentRecord = {
  /** When it was read. */
  readonly at: Date
  readonly incident: typeof tables.incident.$inferSelect
  readonly alerts: readonly (typeof tables.alert.$inferSelect)[]
  readonly findings: readonly (typeof tables.finding.$inferSelect)[]
  readonly events: readonly (typeof tables.incidentEvent.$inferSelect)[]
  readonly deliveries: readonly DeliveryRow[]
  readonly executions: readonly ExecutionRow[]
  readonly answers: readonly AnswerRow[]
  readonly log: readonly LogRow[]
  readonly chains: ReadonlyMap<number, string>
  /** What was too much to read: `findings: the first 2000`. */
  readonly cut: readonly string[]
}

type Outbox = typeof tables.outbox.$inferSelect
export type DeliveryRow = Pick<
  Outbox,
  | 'seq'
  | 'channel'
  | 'alertId'
  | 'severity'
  | 'status'
  | 'attempts'
  | 'lastError'
  | 'createdAt'
  | 'sentAt'
> & { readonly change: string }

type Execution = typeof tables.execution.$inferSelect
/** Without the signed transactions: those are nobody's business. */
export type ExecutionRow = Pick<
  Execution,
  | 'id'
  | 'actionId'
  | 'mode'
  | 'chainId'
  | 'findingId'
  | 'thing'
  | 'status'
  | 'reason'
  | 'target'
  | 'minedTxHash'
  | 'minedBlock'
  | 'feeWei'
  | 'requestedAt'
  | 'broadcastAt'
  | 'minedAt'
  | 'confirmedAt'
>
export type AnswerRow = Pick<
  typeof tables.executionApproval.$inferSelect,
  'executionId' | 'who' | 'role' | 'decision' | 'via' | 'at'
>
export type LogRow = Pick<
  typeof tables.executionLog.$inferSelect,
  'seq' | 'executionId' | 'at' | 'event' | 'detail'
>

export type Step = {
  readonly at: Date
  /** `chain`: block time of what was found. */
  readonly from: 'chain' | 'finding' | 'alert' | 'people' | 'channel' | 'action'
  readonly kind: string
  /** One sentence. */
  readonly text: string
  readonly actor?: string
  readonly channel?: string
  readonly severity?: string
  /** Id of the finding, alert or execution behind it. */
  readonly finding?: string
  readonly alert?: string
  readonly execution?: string
  readonly chainId?: number
  readonly tx?: string
}

export type Target = {
  readonly what: 'acknowledge' | 'mitigate'
  /** Null: this severity has no target. */
  readonly withinS: number | null
  readonly dueAt: Date | null
  /** Null: it did not happen. */
  readonly at: Date | null
  readonly by: string | null
  readonly tookS: number | null
  readonly verdict: 'met' | 'missed' | 'pending' | 'no target'
}

/** One asset of one thing. Amounts are exact decimal texts. */
export type Money = {
  readonly chainId: number
  readonly thing: string
  readonly unit: string
  readonly decimals: number
  /** Stood there before the first loss. */
  readonly atRisk: string
  readonly lost: string
  /** Was still there when an action of ours stopped it; null when none did. */
  readonly saved: string | null
  readonly usd: {
    readonly atRisk: string
    readonly lost: string
    readonly saved: string | null
  } | null
  readonly finding: string
}

/** When somebody could know: the first message by each channel, and the first thing each person did. */
export type Knowing = {
  readonly who: string
  readonly at: Date
  readonly afterS: number
  readonly how: string
}

export type Gap = { readonly kind: string; readonly text: string; readonly seconds: number | null }

export type Postmortem = {
  readonly schema: 'tocsin.postmortem.v1'
  readonly at: Date
  readonly incident: {
    readonly id: string
    readonly title: string
    readonly subject: string
    readonly severity: Sev
    readonly status: string
    readonly owner: string | null
    readonly openedAt: Date
    readonly closedAt: Date | null
    /** Block time of the first finding; null when it has none. */
    readonly beganAt: Date | null
  }
  readonly targets: readonly Target[]
  readonly money: readonly Money[]
  readonly knew: readonly Knowing[]
  readonly done: readonly {
    readonly at: Date
    readonly what: string
    readonly who: string
    readonly result: string
    readonly tx: string | null
  }[]
  readonly alerts: readonly {
    readonly id: string
    readonly severity: Sev
    readonly title: string
    readonly summary: string
    readonly bot: string
    readonly alertId: string
    readonly chain: string
    readonly thing: string | null
    readonly runbook: string | null
    readonly openedAt: Date
    readonly closedAt: Date | null
    readonly findings: number
  }[]
  readonly gaps: readonly Gap[]
  readonly timeline: readonly Step[]
  readonly cut: readonly string[]
}

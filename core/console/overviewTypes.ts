import type { ChannelFigures } from '../alerts/index.ts'
import type { Sev } from '../base/index.ts'
import type { ChainHealth } from '../chain/types.ts'
import type { CrossCheckView } from '../crosscheck/index.ts'
import type { tables } from '../store/index.ts'
import type { CanaryState } from '../vigil/index.ts'

/** `lost`: it should run and its heartbeat is old. Unknown is not well. */
export type ProcessState = 'starting' | 'ok' | 'degraded' | 'stopped' | 'failed' | 'lost'

export type ProcessView = {
  readonly name: string
  readonly pid: number
  readonly state: ProcessState
  readonly reason: string
  readonly restarts: number
  readonly startedAt: Date
  readonly heartbeatAt: Date
  readonly rssBytes: number | null
  readonly configHash: string | null
}

export type ChainView = {
  readonly chainId: number
  readonly name: string
  /** `unknown`: nobody reports on it now. */
  readonly state: ChainHealth['status'] | 'unknown'
  readonly reason: string
  readonly processed: number | null
  readonly head: number | null
  readonly finalized: number | null
  readonly lag: number | null
  /** When the last block was committed. */
  readonly updatedAt: Date | null
  /** From hearing of a head to the commit, over the last blocks, oldest first (ms). */
  readonly latenciesMs: readonly number[]
  readonly medianLatencyMs: number | null
  readonly endpoints: ChainHealth['endpoints']
  /** How watcher and index agree; null where they are not compared. */
  readonly crossCheck: CrossCheckView | null
}

export type AlertView = Pick<
  typeof tables.alert.$inferSelect,
  | 'id'
  | 'kind'
  | 'status'
  | 'severity'
  | 'title'
  | 'summary'
  | 'botId'
  | 'alertId'
  | 'chainId'
  | 'thing'
  | 'owner'
  | 'protocol'
  | 'runbook'
  | 'incidentId'
  | 'findings'
  | 'firstBlock'
  | 'lastBlock'
  | 'openedAt'
  | 'updatedAt'
  | 'closedAt'
  | 'closedBy'
  | 'acknowledgedAt'
  | 'acknowledgedBy'
>

export type IncidentView = typeof tables.incident.$inferSelect

export type FindingView = Pick<
  typeof tables.finding.$inferSelect,
  | 'id'
  | 'seq'
  | 'botId'
  | 'alertId'
  | 'alertKind'
  | 'condition'
  | 'chainId'
  | 'blockNumber'
  | 'blockHash'
  | 'blockTimestampS'
  | 'txHash'
  | 'name'
  | 'description'
  | 'severity'
  | 'type'
  | 'thing'
  | 'owner'
  | 'protocol'
  | 'metadata'
  | 'addresses'
  | 'status'
  | 'latencyMs'
  | 'createdAt'
  | 'retractedAt'
>

/** Without the signed transactions and the calldata's proof of them: those are nobody's business here. */
export type ExecutionView = Pick<
  typeof tables.execution.$inferSelect,
  | 'id'
  | 'actionId'
  | 'mode'
  | 'chainId'
  | 'findingId'
  | 'thing'
  | 'status'
  | 'reason'
  | 'reasonCode'
  | 'target'
  | 'calldata'
  | 'signerAddress'
  | 'txHashes'
  | 'minedTxHash'
  | 'minedBlock'
  | 'seenAtMs'
  | 'requestedAt'
  | 'broadcastAt'
  | 'minedAt'
  | 'confirmedAt'
  | 'updatedAt'
  | 'approvedBy'
>

export type ConfigChangeView = typeof tables.configChange.$inferSelect

export type FailingBot = {
  readonly botId: string
  readonly chainId: number
  readonly error: string
}

/** Everything the page shows, as of one moment. */
export type Overview = {
  readonly at: Date
  /** Names of the addresses on the page, by chain id and lower-case address: `1:0x…`. */
  readonly names: ReadonlyMap<string, string>
  readonly verdict: 'ok' | 'degraded' | 'alert'
  /** What is wrong, gravest first; empty when all is well. */
  readonly reasons: readonly string[]
  readonly counts: Readonly<Record<Sev, number>>
  readonly processes: readonly ProcessView[]
  readonly chains: readonly ChainView[]
  readonly alerts: readonly AlertView[]
  readonly closedAlerts: readonly AlertView[]
  readonly incidents: readonly IncidentView[]
  readonly findings: readonly FindingView[]
  readonly executions: readonly ExecutionView[]
  /** Actions that wait for people, the oldest first; at most 50. */
  readonly waiting: readonly ExecutionView[]
  readonly configChanges: readonly ConfigChangeView[]
  readonly channels: Readonly<Record<string, ChannelFigures>>
  readonly failingBots: readonly FailingBot[]
  /** The newest canary; undefined where none flies. */
  readonly canary?: CanaryState | undefined
}

import type { Hex } from '../base/index.ts'
import type { Database } from '../store/index.ts'
import type { Logger } from '../telemetry/index.ts'
import type { FindingRow } from './executionStore.ts'
import type { Ledger } from './ledger.ts'
import type { Approvals } from './people/readApprovals.ts'
import type { OrderReading } from './people/readOrder.ts'
import type { Sender } from './sender.ts'
import type { LaneSenders } from './senders/laneSenders.ts'
import type { SignerKey } from './signerKey.ts'
import type { SignerMetrics } from './signerMetrics.ts'
import type { SignerRpc } from './signerRpc.ts'
import type { TenderlyWay } from './simulation/types.ts'
import type { ActionDefinition, ExecutionMode, LoadedPolicy } from './types.ts'

/** What every step of the signer works with. */
export type SignerContext = {
  readonly db: Database
  readonly log: Logger
  readonly key: SignerKey
  readonly metrics: SignerMetrics
  /** What this signer proposed and signed, by its own book. */
  readonly ledger: Ledger
  /** Ceiling for every policy. */
  readonly mode: ExecutionMode
  /** From the signer's own copy of the files. */
  readonly getPolicy: (id: string) => LoadedPolicy | undefined
  /** By hash, also when the file has changed since. */
  readonly getPolicyVersion: (hash: string) => LoadedPolicy | undefined
  readonly getAction: (id: string) => ActionDefinition | undefined
  /** How many approvers must have signed a policy file. */
  readonly signaturesRequired: number
  /** The kill switch: nothing is sent while it is on. */
  readonly isHalted: () => boolean
  /** Proven answers of people to an execution under a policy of the signer's own files. */
  readonly readApprovals: (
    execution: { readonly id: string },
    policy: LoadedPolicy,
  ) => Promise<Approvals>
  /** Whether a finding is a person's proven order. */
  readonly readOrder: (
    finding: FindingRow | null,
    policy: LoadedPolicy,
    action: ActionDefinition,
    nowMs: number,
  ) => Promise<OrderReading>
  /** False as soon as another signer may hold the key. */
  readonly isHolder: () => boolean
  readonly signal: AbortSignal
}

/** One chain that the signer serves. */
export type SignerLane = {
  readonly chainId: number
  readonly chainName: string
  readonly rpc: SignerRpc
  readonly sender: Sender
  /** What mined transactions of the signer cost (wei), by their receipts; read anew when left out. */
  readonly paid?: Map<Hex, bigint> | undefined
  /** Those with keys of their own; none when left out. */
  readonly senders?: LaneSenders | undefined
  /** Whether there are endpoints outside the public mempool. */
  readonly hasPrivateRpc?: boolean | undefined
  /** Ways to Tenderly for the chain, where any is configured. */
  readonly tenderly?: readonly TenderlyWay[] | undefined
  /** When a block is final: by the chain's own word, or after so many blocks. Default: 'tag'. */
  readonly finality?: 'tag' | { readonly depth: number } | undefined
}

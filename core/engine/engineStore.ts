import type { Address, FindingSeverity, FindingType, Hex, Json } from '../base/index.ts'

/** A finding as it is committed: a row of the table `finding`. */
export type FindingRow = {
  readonly id: string
  readonly botId: string
  readonly botVersion: string
  readonly alertId: string
  readonly alertKind: 'event' | 'condition'
  readonly condition: 'holds' | 'ended' | 'unknown' | null
  readonly chainId: number
  readonly blockNumber: number
  readonly blockHash: Hex
  readonly blockTimestampS: number
  readonly txHash: Hex | null
  readonly uniqueKey: string
  readonly name: string
  readonly description: string
  readonly severity: FindingSeverity
  readonly type: FindingType
  readonly thing: string | null
  readonly owner: string | null
  readonly protocol: string | null
  readonly metadata: Readonly<Record<string, string>>
  readonly addresses: readonly Address[]
  readonly labels: readonly {
    readonly entity: string
    readonly label: string
    readonly confidence: number
  }[]
  readonly status: 'provisional' | 'final' | 'retracted' | 'pending' | 'landed' | 'dropped'
  readonly latencyMs: number | null
}

export type BlockId = { readonly number: number; readonly hash: Hex }
/** A committed block, as far as rollbacks and finality need it. */
export type CommittedBlock = BlockId & { readonly parentHash: Hex; readonly timestampS: number }

export type HealthChange = {
  readonly botId: string
  /** `disabled`: in quarantine. */
  readonly status: 'ok' | 'failing' | 'disabled'
  readonly blocksFailed: number
  readonly lastError: string | null
  readonly lastErrorBlock: number | null
  readonly findings: number
}

export type StateRow = {
  readonly botId: string
  readonly key: string
  readonly value: Json | undefined
}
export type SampleRow = {
  readonly botId: string
  readonly key: string
  readonly ordinal: number
  readonly value: bigint
}

/** The logs of one watched address in one block, for the comparison with the index. */
export type TallyRow = {
  readonly address: Address
  readonly logs: number
  /** SHA-256 over place and content of the logs in their order, in hex. */
  readonly digest: string
  /** `<tx hash>:<log index>,<log index>;<tx hash>:…` */
  readonly places: string
}

/** All that one block changes. */
export type BlockCommit = {
  readonly block: CommittedBlock & { readonly transactions: number }
  /** Where the cursor must stand; undefined for the first block ever. */
  readonly parent: BlockId | undefined
  readonly genesisHash: string
  readonly findings: readonly FindingRow[]
  readonly state: readonly StateRow[]
  readonly samples: readonly SampleRow[]
  readonly health: readonly HealthChange[]
  /** Left out where nothing is tallied, or where the block came without its logs. */
  readonly tally?: {
    readonly rows: readonly TallyRow[]
    /** All watched addresses, with the first tally after a start or a gap. */
    readonly cover?: readonly Address[]
  }
  /** Asked at the last moment. */
  readonly latencyMs: () => number | null
}

export type PrunedRows = {
  readonly state: readonly {
    readonly botId: string
    readonly key: string
    readonly blockNumber: number
  }[]
  readonly samples: readonly {
    readonly botId: string
    readonly key: string
    readonly blockNumber: number
    readonly ordinal: number
  }[]
}

export type StoredChain = {
  readonly cursor:
    | (BlockId & { readonly genesisHash: string; readonly finalized: number | undefined })
    | undefined
  /** Ascending. */
  readonly blocks: readonly CommittedBlock[]
}

export type StoredBot = {
  /** Ascending by block; `value` undefined is a deletion. */
  readonly state: readonly {
    readonly key: string
    readonly blockNumber: number
    readonly value: Json | undefined
  }[]
  /** Ascending by block and ordinal. */
  readonly samples: readonly {
    readonly key: string
    readonly blockNumber: number
    readonly ordinal: number
    readonly timestampS: number
    readonly value: bigint
  }[]
}

/**
 * Where the engine keeps what must last. Every method is one transaction: wholly done or not at all, and any of them may
 * throw when the database is away. Each writing one checks where the cursor stands and throws `engine.cursor_moved`
 * when it stands elsewhere.
 * @typeParam Tx the open transaction that hooks get
 */
export type EngineStore<Tx> = {
  /**
   * Makes sure that nobody else writes for this chain; cheap while the lock is held.
   * @throws TocsinError `engine.locked`
   */
  readonly lock: () => Promise<void>
  readonly unlock: () => Promise<void>
  readonly readCursor: () => Promise<BlockId | undefined>
  readonly loadChain: () => Promise<StoredChain>
  readonly loadBot: (botId: string) => Promise<StoredBot>
  /** `hook` gets the findings that are new or back from retraction, before the commit. */
  readonly commitBlock: (
    commit: BlockCommit,
    hook?: (tx: Tx, findings: readonly FindingRow[]) => Promise<void>,
  ) => Promise<void>
  readonly rollback: (from: BlockId, to: BlockId) => Promise<void>
  readonly finalize: (number: number, pruned: PrunedRows) => Promise<void>
}

/** How many final blocks `chain_block` keeps for people to look at. */
export const KEPT_FINAL_BLOCKS = 64

import type { Address, Hex } from '../base/index.ts'

/** One log, as a receipt holds it. */
export type ChainLog = {
  readonly address: Address
  readonly topics: readonly Hex[]
  readonly data: Hex
  readonly logIndex: number
  readonly txHash: Hex
  readonly txIndex: number
}

/** A mined transaction joined with its receipt. */
export type ChainTransaction = {
  readonly hash: Hex
  readonly index: number
  readonly from: Address
  /** `null` for a contract creation. */
  readonly to: Address | null
  /** Calldata; `undefined` when the feed fetched receipts only (see `BlockFeedOptions.transactions`). */
  readonly input: Hex | undefined
  /** Wei; `undefined` under the same condition as `input`. */
  readonly value: bigint | undefined
  readonly status: 'success' | 'reverted'
  readonly gasUsed: bigint
  readonly effectiveGasPriceWei: bigint
  /** Address of the contract that this transaction created. */
  readonly contractAddress: Address | null
  readonly logs: readonly ChainLog[]
}

/** A canonical block header. Times are seconds of block time. */
export type ChainHeader = {
  readonly chainId: number
  readonly number: number
  readonly hash: Hex
  readonly parentHash: Hex
  readonly timestampS: number
  readonly logsBloom: Hex
  readonly gasUsed: bigint
  readonly gasLimit: bigint
  readonly baseFeePerGasWei: bigint | undefined
  readonly miner: Address
}

/** One call of a call tree, flattened depth first; `path` is its place in the tree (`[]` is the top call). */
export type CallTrace = {
  readonly txHash: Hex
  readonly txIndex: number
  readonly path: readonly number[]
  readonly type:
    | 'CALL'
    | 'STATICCALL'
    | 'DELEGATECALL'
    | 'CALLCODE'
    | 'CREATE'
    | 'CREATE2'
    | 'SELFDESTRUCT'
  readonly from: Address
  readonly to: Address | null
  readonly input: Hex
  readonly output: Hex
  readonly valueWei: bigint
  readonly gasUsed: bigint
  /** Error of this call or of any call above it: its effects did not last. */
  readonly reverted: boolean
}

/** A complete block: header, every transaction, every receipt. Never handed on with anything missing. */
export type ChainBlock = ChainHeader & {
  readonly transactions: readonly ChainTransaction[]
  /** `performance.timeOrigin + performance.now()` (ms) when the feed first heard of this block's hash. */
  readonly seenAtMs: number
  /** True while the feed is behind the head (catching up): bots see block time either way. */
  readonly catchingUp: boolean
  /**
   * Only with `isNeeded` of a range source: the header's bloom proved that nothing wanted is in the block, so neither
   * transactions nor receipts were fetched. Never set by the live feed.
   */
  readonly skipped?: boolean
}

/** What the feed says, in order. After `rollback` the next block's parent is `to`. */
export type FeedEvent =
  | { readonly kind: 'block'; readonly block: ChainBlock }
  | {
      readonly kind: 'rollback'
      /** Newest block that both histories share. */
      readonly to: { readonly number: number; readonly hash: Hex }
      /** Orphaned blocks, newest first. */
      readonly orphaned: readonly { readonly number: number; readonly hash: Hex }[]
    }
  | {
      /** Everything at or below is final. */
      readonly kind: 'finalized'
      readonly number: number
      readonly hash: Hex
    }

/** Where a feed resumes: the block that was committed last, and recent ancestors to find a fork with. */
export type FeedCursor = {
  readonly number: number
  readonly hash: Hex
  /** Committed blocks, newest first, back to the last finalised one. */
  readonly recent: readonly { readonly number: number; readonly hash: Hex }[]
  readonly finalized: number | undefined
}

/** State reads at one block. All answers belong to exactly that block, or the call throws. */
export type StateReader = {
  /** `eth_call`; many calls made in one tick travel as one multicall or one JSON-RPC batch. */
  readonly call: (request: {
    readonly to: Address
    readonly data: Hex
    readonly from?: Address
    readonly block: Hex
  }) => Promise<
    { readonly ok: true; readonly data: Hex } | { readonly ok: false; readonly data: Hex }
  >
  readonly storage: (address: Address, slot: Hex, block: Hex) => Promise<Hex>
  readonly code: (address: Address, block: Hex) => Promise<Hex>
  readonly balance: (address: Address, block: Hex) => Promise<bigint>
  /** Root of the account's storage (eth_getProof): unchanged means that no slot changed. `undefined` when the node gives no proofs. */
  readonly storageHash?: (address: Address, block: Hex) => Promise<Hex | undefined>
}

/** What the engine needs of a chain. `core/chain` implements it over RPC; tests and backtests over recordings. */
export type ChainSource = {
  readonly chainId: number
  readonly name: string
  readonly reader: StateReader
  /** Calldata and value of transactions whose `input` the feed left out. Order as asked. */
  readonly inputs: (
    block: ChainHeader,
    hashes: readonly Hex[],
  ) => Promise<readonly { readonly hash: Hex; readonly input: Hex; readonly valueWei: bigint }[]>
  /** A block is heard of: its calldata may be fetched beside its receipts, if it is likely to be wanted. */
  readonly prefetchInputs?: (block: { readonly number: number; readonly hash: Hex }) => void
  /** Call traces of the named transactions of a block (all when undefined). Throws when the node cannot trace; never empty for a failure. */
  readonly traces: (block: ChainHeader, hashes?: readonly Hex[]) => Promise<readonly CallTrace[]>
  /**
   * Root of an account's storage at a block (`eth_getProof`): equal roots mean untouched storage. Left out when the
   * chain's nodes give no proofs; `undefined` when they turn out not to.
   */
  readonly storageHash?: (address: Address, blockHash: Hex) => Promise<Hex | undefined>
  /** Hash of block 0, which tells chains of one id apart; `undefined` when no node has it. */
  readonly genesisHash?: () => Promise<Hex | undefined>
}

/** How an endpoint or a chain is doing; shown in health, metrics, console and `tocsin status`. */
export type ChainHealth = {
  readonly chainId: number
  readonly name: string
  readonly status: 'ok' | 'catching_up' | 'degraded' | 'stalled' | 'halted'
  /** What is wrong, in one sentence; empty when `ok`. */
  readonly reason: string
  readonly head: number | undefined
  readonly processed: number | undefined
  readonly finalized: number | undefined
  readonly endpoints: readonly {
    /** By which the watchlist calls it. */
    readonly name?: string | undefined
    /** Redacted. */
    readonly url: string
    readonly score: number
    readonly head: number | undefined
    readonly ok: boolean
    readonly lastError: string | undefined
    readonly latencyMs: number | undefined
  }[]
}

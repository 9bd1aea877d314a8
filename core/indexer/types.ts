import type { AbiEvent } from 'viem'
import type { Address, Hex } from '../base/index.ts'

/** The schema that readers use: views onto the index that is complete. */
export const VIEWS_SCHEMA = 'indexer'

/** One contract that the indexer reads, derived from the watchlist. */
export type IndexedContract = {
  readonly name: string
  readonly kind: string
  readonly chainId: number
  readonly address: Address
  /** Block of its deployment, or the first block that is known to be early enough. */
  readonly startBlock: number
  /** Events of the ABI that the watchlist names. */
  readonly abi: readonly AbiEvent[]
  /** Events by implementation, for proxies whose implementations the watchlist names. */
  readonly implementations: Readonly<Record<Address, readonly AbiEvent[]>>
}

/**
 * What the index is made of, and nothing that can change without making another index: a hash of it is part of the
 * name of the index's schema. Written by Tocsin, read by `ponder.config.ts`. No secrets, no thresholds, no routes.
 */
export type IndexerInput = {
  readonly version: 1
  readonly chains: readonly {
    readonly name: string
    readonly id: number
    /** Hash of block 0: another chain with the same id is another index. */
    readonly genesisHash: Hex
  }[]
  readonly contracts: readonly IndexedContract[]
}

/** How each chain is reached, by its name; handed over in the environment because it holds secrets. */
export type IndexerEndpoints = Readonly<
  Record<
    string,
    {
      readonly rpc: readonly string[]
      readonly pollingIntervalMs: number
      /** Blocks after which a block counts as final, when the watchlist counts them. */
      readonly finalityDepth: number | undefined
    }
  >
>

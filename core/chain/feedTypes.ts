import type { Head } from './createHeadSocket.ts'
import type { RpcPool } from './rpcTypes.ts'
import type { ChainHealth, FeedCursor, FeedEvent } from './types.ts'

export type BlockFeedOptions = {
  readonly pool: RpcPool
  /** Where to resume; undefined the first time. */
  readonly cursor?: FeedCursor | undefined
  /** First block when there is no cursor. Default: the head. */
  readonly startBlock?: number | undefined
  readonly blockTimeMs: number
  /** Pause between polls when no WebSocket serves (ms). Default: a quarter of `blockTimeMs`. */
  readonly pollMs?: number | undefined
  /** Default: 'tag'. */
  readonly finality?: 'tag' | { readonly depth: number }
  /** Default: 'auto'. */
  readonly transactions?: 'auto' | 'full' | 'receipts'
  /** Called in the moment a head's hash is first heard; at a head further away than the next blocks it is not. */
  readonly onHead?: (head: Head, seenAtMs: number) => void
  /** Failures of WebSockets and fetches, redacted. */
  readonly onError?: (error: unknown) => void
  /** Catch-up: most blocks per exchange. Default: 50. */
  readonly batchBlocks?: number
  /** Catch-up: exchanges at once. Default: 4. */
  readonly parallel?: number
}

export type BlockFeed = AsyncIterable<FeedEvent> & {
  readonly health: () => ChainHealth
  readonly stop: () => Promise<void>
}

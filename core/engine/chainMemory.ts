import type { Hex } from '../base/index.ts'
import type { FeedCursor } from '../chain/types.ts'
import {
  type BlockId,
  type CommittedBlock,
  KEPT_FINAL_BLOCKS,
  type StoredChain,
} from './engineStore.ts'

/** Which blocks are committed, in memory: what the cursor says, and what lies between it and the final block. */
export type ChainMemory = {
  readonly head: () => BlockId | undefined
  readonly finalized: () => number | undefined
  readonly isKnown: (hash: Hex) => boolean
  readonly cursor: () => FeedCursor | undefined
  readonly push: (block: CommittedBlock) => void
  readonly rollback: (to: BlockId) => void
  /** Returns the newest committed block that is final now. */
  readonly finalize: (number: number) => CommittedBlock | undefined
}

export const createChainMemory = (stored: StoredChain): ChainMemory => {
  let blocks: CommittedBlock[] = [...stored.blocks]
  let head: BlockId | undefined = stored.cursor && {
    number: stored.cursor.number,
    hash: stored.cursor.hash,
  }
  let finalized = stored.cursor?.finalized
  return {
    head: () => head,
    finalized: () => finalized,
    isKnown: (hash) => blocks.some((block) => block.hash === hash),
    cursor: () =>
      head && {
        ...head,
        recent: blocks
          .filter(({ number }) => finalized === undefined || number >= finalized)
          .map(({ number, hash }) => ({ number, hash }))
          .reverse(),
        finalized,
      },
    push: (block) => {
      blocks.push(block)
      head = { number: block.number, hash: block.hash }
    },
    rollback: (to) => {
      blocks = blocks.filter(({ number }) => number <= to.number)
      head = { number: to.number, hash: to.hash }
    },
    finalize: (number) => {
      finalized = Math.max(number, finalized ?? number)
      const newest = blocks.findLast((block) => block.number <= number)
      const edge = number - KEPT_FINAL_BLOCKS
      if ((blocks[0]?.number ?? edge) < edge)
        blocks = blocks.filter((block) => block.number >= edge)
      return newest
    },
  }
}

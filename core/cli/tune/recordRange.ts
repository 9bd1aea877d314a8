import { getHeapStatistics } from 'node:v8'
import type { ChainBlock, ChainSource } from '../../chain/types.ts'
import { shareSource } from '../../engine/light.ts'

export type Recording = {
  /** Gives each block on and keeps it. */
  readonly blocks: AsyncIterable<ChainBlock>
  /** Answers each question about a block once. */
  readonly source: ChainSource
  /** The blocks again, from memory; undefined where they did not fit. */
  readonly replay: () => AsyncIterable<ChainBlock> | undefined
}

/** Share of the heap that may be in use before the recording is given up. */
const SHARE = 0.6
const LOOK_EVERY = 128
const KEPT_WITHOUT = 512

/** Keeps a range in memory while it is read for the first time, as long as it fits. */
export const recordRange = (
  range: AsyncIterable<ChainBlock>,
  source: ChainSource,
  options: { readonly maxBytes?: number } = {},
): Recording => {
  const limit = options.maxBytes ?? getHeapStatistics().heap_size_limit * SHARE
  let kept: ChainBlock[] | undefined = []
  let isOver = false
  async function* first(): AsyncGenerator<ChainBlock, void, undefined> {
    let seen = 0
    for await (const block of range) {
      kept?.push(block)
      if (++seen % LOOK_EVERY === 0 && process.memoryUsage().heapUsed > limit) kept = undefined
      yield block
    }
    isOver = true
  }
  async function* again(
    blocks: readonly ChainBlock[],
  ): AsyncGenerator<ChainBlock, void, undefined> {
    yield* blocks
  }
  return {
    blocks: first(),
    source: shareSource(source, { blocks: () => (kept ? Number.POSITIVE_INFINITY : KEPT_WITHOUT) }),
    replay: () => (kept && isOver ? again(kept) : undefined),
  }
}

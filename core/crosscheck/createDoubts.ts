import type { Difference } from './compareReaders.ts'

/**
 * Differences that were seen, and may be passing: the indexer takes the rows of orphaned blocks away, and after a crash
 * all that is not final to it, some time before it says that it stands further back.
 */
export type Doubts = {
  /**
   * Takes what differs now, with the index's checkpoint. Gives the differences that are certain, and the first block
   * that is still in doubt.
   */
  readonly weigh: (
    differences: readonly Difference[],
    checkpoint: string,
  ) => { readonly certain: readonly Difference[]; readonly firstDoubt: number | undefined }
}

type Doubt = { readonly sinceMs: number; readonly checkpoints: Set<string> }

/** A difference is certain when it was there under so many checkpoints: only an indexer at work has several. */
const CHECKPOINTS = 3

const keyOf = ({ blockNumber, address, watcher, index }: Difference): string =>
  [blockNumber, address, watcher?.digest, watcher?.blockHash, index?.digest, index?.blockHash].join(
    ' ',
  )

/** @param options.patienceMs how long a difference must have lasted at the least */
export const createDoubts = (options: { readonly patienceMs: number }): Doubts => {
  let doubts = new Map<string, Doubt>()
  return {
    weigh: (differences, checkpoint) => {
      const now = performance.now()
      const next = new Map<string, Doubt>()
      const certain: Difference[] = []
      let firstDoubt: number | undefined
      for (const difference of differences) {
        const key = keyOf(difference)
        const doubt = doubts.get(key) ?? { sinceMs: now, checkpoints: new Set() }
        doubt.checkpoints.add(checkpoint)
        next.set(key, doubt)
        const isOld = now - doubt.sinceMs >= options.patienceMs
        if (isOld && doubt.checkpoints.size >= CHECKPOINTS) certain.push(difference)
        else firstDoubt = Math.min(firstDoubt ?? difference.blockNumber, difference.blockNumber)
      }
      doubts = next
      return { certain, firstDoubt }
    },
  }
}

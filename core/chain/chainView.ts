import type { Hex } from '../base/index.ts'
import type { FeedCursor } from './types.ts'

export type BlockId = { readonly number: number; readonly hash: Hex }

/** The feed's own idea of the canonical chain: what it emitted, back to the last finalised block. */
export type ChainView = {
  readonly last: () => BlockId | undefined
  readonly hashAt: (number: number) => Hex | undefined
  /** Lowest height that is known; nothing below can be compared. */
  readonly lowest: () => number | undefined
  readonly push: (block: BlockId) => void
  /** Forgets everything above a height; gives it back, newest first. */
  readonly dropAbove: (number: number) => readonly BlockId[]
  /** Forgets what lies below the finalised height. */
  readonly trim: (finalized: number | undefined) => void
  readonly finalized: () => number | undefined
}

/** Without finality, fork points are kept this far back. */
const KEPT_WITHOUT_FINALITY = 10_000

export const createChainView = (cursor: FeedCursor | undefined): ChainView => {
  const hashes = new Map<number, Hex>()
  const start = cursor ? [...cursor.recent, { number: cursor.number, hash: cursor.hash }] : []
  for (const { number, hash } of start)
    if (number <= (cursor?.number ?? 0)) hashes.set(number, hash)
  let last: number | undefined = cursor?.number
  let lowest: number | undefined = start.length > 0 ? Math.min(...hashes.keys()) : undefined
  let finalized = cursor?.finalized

  const forgetBelow = (number: number): void => {
    if (lowest === undefined) return
    for (; lowest < number; lowest++) hashes.delete(lowest)
  }
  return {
    last: () => {
      const hash = last === undefined ? undefined : hashes.get(last)
      return last === undefined || hash === undefined ? undefined : { number: last, hash }
    },
    hashAt: (number) => hashes.get(number),
    lowest: () => lowest,
    push: ({ number, hash }) => {
      hashes.set(number, hash)
      last = number
      lowest = Math.min(lowest ?? number, number)
      if (finalized === undefined) forgetBelow(number - KEPT_WITHOUT_FINALITY)
    },
    dropAbove: (number) => {
      const dropped: BlockId[] = []
      for (let at = last ?? number; at > number; at--) {
        const hash = hashes.get(at)
        if (hash !== undefined) dropped.push({ number: at, hash })
        hashes.delete(at)
      }
      last = number
      return dropped
    },
    trim: (next) => {
      finalized = next
      if (next !== undefined) forgetBelow(Math.min(next, last ?? next))
    },
    finalized: () => finalized,
  }
}

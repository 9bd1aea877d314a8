import { TocsinError } from '../base/index.ts'
import type { BlockId, ChainView } from './chainView.ts'
import type { BlockFetcher, FetchOptions } from './createBlockFetcher.ts'
import type { ParsedHeader } from './parseRpc.ts'

export type Branch = {
  /** Newest block that both histories share. */
  readonly ancestor: BlockId
  /** The new branch, oldest first, up to and with the block that was asked for. */
  readonly headers: readonly ParsedHeader[]
}

/** Most headers asked for at once. The stride doubles, so that a deep fork costs few exchanges and a shallow one little. */
const MOST_HEADERS = 32

const tooDeep = (tip: ParsedHeader, detail: string): TocsinError =>
  new TocsinError(
    'feed.reorg_below_finality',
    `The chain that ends in block ${tip.number} (${tip.hash}) does not contain ${detail}.`,
    {
      hints: [
        'Nothing more is read until a person has looked: the node may be on a wrong fork, or serve another network.',
        'When the node is right, clear the watcher’s cursor of this chain and start again.',
      ],
    },
  )

/**
 * Walks back from a block to the newest ancestor that was emitted.
 * `start`: first block that the feed ever emitted; a fork below it loses nothing, so the branch is taken from there.
 * @throws TocsinError `feed.reorg_below_finality`
 */
export const findFork = async (
  tip: ParsedHeader,
  view: ChainView,
  fetcher: BlockFetcher,
  options: FetchOptions & { readonly start: number | undefined },
): Promise<Branch> => {
  const { start, ...fetch } = options
  const lowest = view.lowest() ?? tip.number
  const finalized = view.finalized()
  const isFree = start !== undefined && (finalized === undefined || finalized < start)
  const floor = isFree ? start - 1 : Math.max(lowest, finalized ?? lowest)
  const headers: ParsedHeader[] = [tip]
  const isFound = (header: ParsedHeader): boolean =>
    view.hashAt(header.number - 1) === header.parentHash
  let child = tip
  let stride = Math.max(1, Math.min(tip.number - 1 - (view.last()?.number ?? 0), MOST_HEADERS))
  while (!isFound(child)) {
    if (child.number - 1 <= floor) {
      if (isFree) break
      throw tooDeep(tip, `our block ${floor} (${view.hashAt(floor) ?? 'unknown'})`)
    }
    const count = Math.min(stride, child.number - 1 - floor)
    stride = Math.min(2 * stride, MOST_HEADERS)
    const numbers = Array.from({ length: count }, (_, index) => child.number - 1 - index)
    for (const header of await fetcher.headersByNumber(numbers, fetch)) {
      // By number the node may meanwhile answer from yet another branch.
      const right: ParsedHeader =
        header.hash === child.parentHash
          ? header
          : await fetcher.headerByHash(child.parentHash, fetch)
      headers.push(right)
      child = right
      if (isFound(child)) break
    }
  }
  return {
    ancestor: { number: child.number - 1, hash: child.parentHash },
    headers: headers.reverse(),
  }
}

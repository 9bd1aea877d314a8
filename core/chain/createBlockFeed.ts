import { setMaxListeners } from 'node:events'
import { type Hex, isTocsinError, messageOf, sleep, TocsinError } from '../base/index.ts'
import type { FetchedBlock } from './assembleBlock.ts'
import { createChainView } from './chainView.ts'
import { chooseTarget, type Target } from './chooseTarget.ts'
import { createBatchSizer } from './createBatchSizer.ts'
import { createBlockFetcher, type FetchOptions } from './createBlockFetcher.ts'
import { createFeedHealth } from './createFeedHealth.ts'
import { createFinality } from './createFinality.ts'
import type { Head } from './createHeadSocket.ts'
import { createHeadTracker, type HeadTracker } from './createHeadTracker.ts'
import type { BlockFeed, BlockFeedOptions } from './feedTypes.ts'
import { findFork } from './findFork.ts'
import type { ParsedHeader } from './parseRpc.ts'
import { prefetch } from './prefetch.ts'
import type { ChainBlock, FeedEvent } from './types.ts'

/** Further behind than this, blocks are fetched by height in batches. */
const LIVE_BLOCKS = 4
const EARLY_FETCHES = 4
const RETRY_MS = [20, 50, 100, 250, 500] as const

/**
 * Follows a chain: every canonical block once, in order, complete; `rollback` when the chain changes its mind. The
 * consumer pulls. Iterate once. Ends when stopped.
 * @throws TocsinError `feed.reorg_below_finality` from the iterator
 */
export const createBlockFeed = (options: BlockFeedOptions): BlockFeed => {
  const { pool, blockTimeMs } = options
  const stopping = new AbortController()
  const { signal } = stopping
  // One listener per request in flight.
  setMaxListeners(0, signal)
  const view = createChainView(options.cursor)
  const health = createFeedHealth(pool)
  const fetcher = createBlockFetcher({ pool, transactions: options.transactions ?? 'auto' })
  const sizer = createBatchSizer(options.batchBlocks ?? 50)
  const onError = (error: unknown): void => {
    if (!signal.aborted) options.onError?.(error)
  }
  /** First block ever, when there was no cursor. */
  let start = options.cursor === undefined ? options.startBlock : undefined
  let catchUp: AsyncGenerator<FetchedBlock, void, undefined> | undefined
  let plan: ParsedHeader[] = []
  let failures = 0
  /** The newest block was seen to follow from its parent by this feed itself. */
  let isLinked = false
  const early = new Map<Hex, Promise<FetchedBlock>>()

  /** Fetched as soon as it is heard of, whatever the consumer is still doing. */
  const fetchEarly = (head: Head): void => {
    const last = view.last()
    const isNear = last === undefined || Math.abs(head.number - last.number) <= LIVE_BLOCKS
    if (!isNear || signal.aborted || early.has(head.hash)) return
    const header = tracker.header(head.hash)
    const fetching = fetcher.byHash(head.hash, { signal, rounds: 3, ...(header ? { header } : {}) })
    fetching.catch(() => early.delete(head.hash))
    early.set(head.hash, fetching)
    for (const hash of early.keys()) {
      if (early.size <= EARLY_FETCHES) break
      early.delete(hash)
    }
  }

  const tracker: HeadTracker = createHeadTracker({
    pool,
    blockTimeMs,
    pollMs: options.pollMs ?? Math.max(20, Math.round(blockTimeMs / 4)),
    onHead: (head, seenAtMs) => {
      // The receipts first: they take the node longest, and what the consumer fetches beside them may wait.
      fetchEarly(head)
      const last = view.last()
      if (last === undefined || head.number - last.number <= LIVE_BLOCKS)
        options.onHead?.(head, seenAtMs)
    },
    onError: (_, error) => onError(error),
  })
  const finality = createFinality({
    pool,
    view,
    rule: options.finality ?? 'tag',
    isLinked: () => isLinked,
    intervalMs: Math.max(blockTimeMs, 250),
    onNews: () => tracker.wake(),
    onError,
  })

  const choose = (): { readonly target: Target | undefined; readonly waitMs: number } => {
    const views = tracker.views()
    if (views.length === 0) return { target: undefined, waitMs: 250 }
    const choice = chooseTarget({
      views,
      configured: pool.endpoints.length,
      holdMs: blockTimeMs,
      ageMs: (hash) => performance.timeOrigin + performance.now() - (tracker.seenAtMs(hash) ?? 0),
      emitted: (number) => view.hashAt(number),
      last: view.last()?.number,
    })
    health.dissent(choice.reason)
    const { target } = choice
    const waitMs = Math.max(5, Math.min(choice.waitMs ?? 250, 250))
    // A node that has not reached what we can compare is behind; that is no reorg.
    const floor = view.lowest() ?? start
    if (target && floor !== undefined && target.number < floor) return { target: undefined, waitMs }
    if (!target && choice.waitMs === undefined && choice.reason === undefined) health.progress()
    return { target, waitMs }
  }

  const toBlock = (block: FetchedBlock, head: number): ChainBlock => ({
    ...block,
    seenAtMs: tracker.seenAtMs(block.hash) ?? performance.timeOrigin + performance.now(),
    catchingUp: head - block.number > 2,
  })

  const emit = (block: FetchedBlock, head: number): FeedEvent => {
    view.push({ number: block.number, hash: block.hash })
    early.delete(block.hash)
    start ??= options.cursor === undefined ? block.number : undefined
    failures = 0
    isLinked = true
    health.progress()
    return { kind: 'block', block: toBlock(block, head) }
  }

  const switchBranch = async (
    tip: ParsedHeader,
    fetch: FetchOptions,
  ): Promise<FeedEvent | undefined> => {
    const branch = await findFork(tip, view, fetcher, { ...fetch, start })
    plan = [...branch.headers]
    if (view.last()?.hash === branch.ancestor.hash) return undefined
    const orphaned = view.dropAbove(branch.ancestor.number)
    view.push(branch.ancestor)
    isLinked = false
    return { kind: 'rollback', to: branch.ancestor, orphaned }
  }

  const closeCatchUp = async (): Promise<void> => {
    const open = catchUp
    catchUp = undefined
    await open?.return()
  }

  const nextCatchUp = async (target: Target): Promise<FeedEvent | undefined> => {
    const last = view.last()
    const from = last === undefined ? (start ?? target.number) : last.number + 1
    catchUp ??= prefetch({
      signal,
      from,
      to: target.number - 2,
      batchSize: sizer.size,
      parallel: options.parallel ?? 4,
      load: async (numbers, loading) => {
        try {
          const blocks = await fetcher.byNumbers(numbers, {
            signal: loading,
            spread: true,
            among: target.voters,
          })
          sizer.note(
            blocks.length,
            blocks.reduce((sum, { transactions }) => sum + transactions.length, 0),
          )
          return blocks
        } catch (error) {
          sizer.shrink()
          throw error
        }
      },
    })
    const step = await catchUp.next()
    if (step.done) {
      catchUp = undefined
      return undefined
    }
    const block = step.value
    if (last === undefined || block.parentHash === last.hash) return emit(block, target.head)
    await closeCatchUp()
    const tip = await fetcher.headerByHash(block.hash, { signal, among: target.voters })
    return switchBranch(tip, { signal, among: target.voters })
  }

  const fetchBlock = async (hash: Hex, header: ParsedHeader | undefined): Promise<FetchedBlock> => {
    const begun = early.get(hash)
    if (begun) return begun
    return fetcher.byHash(hash, { signal, rounds: 3, ...(header ? { header } : {}) })
  }

  const nextLive = async (target: Target): Promise<FeedEvent | undefined> => {
    const last = view.last()
    const planned = plan[0]
    if (planned && planned.parentHash === last?.hash) {
      const block = await fetchBlock(planned.hash, planned)
      plan.shift()
      return emit(block, target.head)
    }
    plan = []
    const fetch = { signal, among: target.voters, rounds: 3 }
    if (last === undefined && start !== undefined && start < target.number) {
      const [first] = await fetcher.headersByNumber([start], fetch)
      if (first) return emit(await fetchBlock(first.hash, first), target.head)
    }
    if (last === undefined || target.number === last.number + 1) {
      const begun = early.get(target.hash)
      const known = tracker.header(target.hash)
      const isNext = last === undefined || known?.parentHash === last.hash
      if (begun || isNext) {
        const block = await fetchBlock(target.hash, known)
        if (last === undefined || block.parentHash === last.hash) return emit(block, target.head)
      }
    }
    const tip = tracker.header(target.hash) ?? (await fetcher.headerByHash(target.hash, fetch))
    return switchBranch(tip, fetch)
  }

  const isFar = (target: Target): boolean => {
    const last = view.last()
    const from = last === undefined ? (start ?? target.number) : last.number + 1
    return target.number - from >= LIVE_BLOCKS
  }

  /** One step: an event, or undefined when something was prepared or waited for. */
  const step = async (): Promise<FeedEvent | undefined> => {
    finality.refresh()
    const { target, waitMs } = choose()
    const final = finality.take(catchUp !== undefined)
    if (final) return { kind: 'finalized', ...final }
    if (target === undefined) {
      if (catchUp) await closeCatchUp()
      await tracker.news(waitMs)
      return undefined
    }
    if (plan.length === 0 && (catchUp || isFar(target))) return nextCatchUp(target)
    return nextLive(target)
  }

  const recover = async (error: unknown): Promise<void> => {
    await closeCatchUp()
    plan = []
    health.problem(messageOf(error))
    onError(error)
    await sleep(RETRY_MS[Math.min(failures++, RETRY_MS.length - 1)] ?? 500, signal)
  }

  async function* events(): AsyncGenerator<FeedEvent, void, undefined> {
    try {
      while (!signal.aborted) {
        let event: FeedEvent | undefined
        try {
          event = await step()
        } catch (error) {
          if (isTocsinError(error) && error.code === 'feed.reorg_below_finality') {
            health.halt(error.message)
            throw error
          }
          if (!signal.aborted) await recover(error)
        }
        if (event) yield event
      }
    } finally {
      await stop()
    }
  }

  let stopped: Promise<void> | undefined
  const stop = (): Promise<void> => {
    stopping.abort()
    stopped ??= Promise.all([tracker.stop(), closeCatchUp()]).then(() => undefined)
    return stopped
  }
  let isTaken = false

  return {
    [Symbol.asyncIterator]: () => {
      if (isTaken) throw new TocsinError('feed.taken', 'A block feed can be iterated once.')
      isTaken = true
      return events()
    },
    health: () =>
      health.read({
        head: tracker
          .views()
          .reduce<number | undefined>(
            (best, { head }) => (best === undefined || head.number > best ? head.number : best),
            undefined,
          ),
        processed: view.last()?.number,
        finalized: view.finalized(),
        heardAtMs: tracker.heardAtMs(),
        notes: tracker.problems(),
      }),
    stop,
  }
}

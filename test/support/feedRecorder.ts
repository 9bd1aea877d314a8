import { sleep } from '../../core/base/index.ts'
import type { BlockFeed, ChainBlock, FeedEvent } from '../../core/chain/index.ts'
import type { HeadId } from './transferChain.ts'

export type FeedRecorder = {
  readonly events: readonly FeedEvent[]
  /** Blocks as they stand after all rollbacks, oldest first. */
  readonly canonical: () => readonly ChainBlock[]
  /** Waits until the newest canonical block is this one. @throws when it does not come in time */
  readonly until: (head: HeadId, timeoutMs?: number) => Promise<void>
  /** Waits for a condition. @throws when it does not come true in time */
  readonly when: (condition: () => boolean, what: string, timeoutMs?: number) => Promise<void>
  /** Rules that were broken: order, doubles, rollbacks that do not fit. Empty when all is well. */
  readonly faults: readonly string[]
  readonly failure: () => unknown
  readonly stop: () => Promise<void>
}

/** Consumes a feed and holds every event against what a feed promises. */
export const recordFeed = (feed: BlockFeed): FeedRecorder => {
  const events: FeedEvent[] = []
  const faults: string[] = []
  let chain: ChainBlock[] = []
  let tip: { number: number; hash: string } | undefined
  let final = -1
  let failure: unknown

  const accept = (event: FeedEvent): void => {
    events.push(event)
    if (event.kind === 'block') {
      const { block } = event
      if (tip && (block.parentHash !== tip.hash || block.number !== tip.number + 1))
        faults.push(`block ${block.number} does not follow from block ${tip.number}`)
      chain.push(block)
      tip = block
    } else if (event.kind === 'rollback') {
      const dropped = chain.filter(({ number }) => number > event.to.number).reverse()
      if (dropped.map(({ hash }) => hash).join() !== event.orphaned.map(({ hash }) => hash).join())
        faults.push(`rollback to ${event.to.number} names other blocks than were given`)
      if (event.to.number < final) faults.push('rollback below the finalised block')
      chain = chain.filter(({ number }) => number <= event.to.number)
      tip = event.to
    } else {
      if (event.number <= final) faults.push('finality went back')
      final = event.number
    }
  }
  const run = async (): Promise<void> => {
    try {
      for await (const event of feed) accept(event)
    } catch (error) {
      failure = error
    }
  }
  const running = run()

  const when: FeedRecorder['when'] = async (condition, what, timeoutMs = 20_000) => {
    const deadline = performance.now() + timeoutMs
    while (!condition()) {
      if (performance.now() > deadline)
        throw new Error(
          `waited in vain for ${what}; health: ${JSON.stringify(feed.health())}; failure: ${String(failure)}`,
        )
      await sleep(10)
    }
  }
  return {
    events,
    faults,
    canonical: () => chain,
    when,
    until: (head, timeoutMs) =>
      when(() => tip?.hash === head.hash, `block ${head.number}`, timeoutMs),
    failure: () => failure,
    stop: async () => {
      await feed.stop()
      await running
    },
  }
}

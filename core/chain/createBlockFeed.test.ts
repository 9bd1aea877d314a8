import { afterEach, expect, test } from 'vitest'
import { type Anvil, startAnvil } from '../testing/index.ts'
import {
  type BlockFeed,
  type BlockFeedOptions,
  createBlockFeed,
  createRpcPool,
  type FeedEvent,
  type RpcPool,
} from './index.ts'

const cleanups: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

const chain = async (args: readonly string[] = []): Promise<Anvil> => {
  const anvil = await startAnvil({ args })
  cleanups.push(anvil.stop)
  return anvil
}

const poolOf = (anvil: Anvil, ws = true): RpcPool => {
  const pool = createRpcPool({
    chainId: anvil.chainId,
    chainName: 'local',
    endpoints: [{ name: 'one', http: anvil.url, ...(ws ? { ws: anvil.wsUrl } : {}) }],
  })
  cleanups.push(pool.stop)
  return pool
}

const feedOf = (
  pool: RpcPool,
  options: Partial<BlockFeedOptions> = {},
): { feed: BlockFeed; next: () => Promise<FeedEvent> } => {
  const feed = createBlockFeed({ pool, blockTimeMs: 200, pollMs: 30, ...options })
  cleanups.push(feed.stop)
  const iterator = feed[Symbol.asyncIterator]()
  return {
    feed,
    next: async () => {
      const { value, done } = await iterator.next()
      if (done) throw new Error('the feed ended')
      return value
    },
  }
}

/** Events up to the block at this height with this hash. */
const until = async (next: () => Promise<FeedEvent>, hash: string): Promise<FeedEvent[]> => {
  const events: FeedEvent[] = []
  for (;;) {
    const event = await next()
    if (event.kind !== 'finalized') events.push(event)
    if (event.kind === 'block' && event.block.hash === hash) return events
  }
}

const headOf = async (anvil: Anvil): Promise<{ number: number; hash: `0x${string}` }> => {
  const { number, hash } = await anvil.rpc<{ number: string; hash: `0x${string}` }>(
    'eth_getBlockByNumber',
    ['latest', false],
  )
  return { number: Number(number), hash }
}
const mine = (anvil: Anvil, count = 1): Promise<unknown> =>
  anvil.rpc('anvil_mine', [`0x${count.toString(16)}`])
const describeEvents = (events: readonly FeedEvent[]): string[] =>
  events.map((event) =>
    event.kind === 'block'
      ? `block ${event.block.number}`
      : event.kind === 'rollback'
        ? `back to ${event.to.number}`
        : 'final',
  )

test('behavior: live blocks come once, in order', async () => {
  const anvil = await chain()
  await mine(anvil, 2)
  const { next, feed } = feedOf(poolOf(anvil))
  await until(next, (await headOf(anvil)).hash)
  for (let count = 0; count < 5; count++) {
    await mine(anvil)
    const head = await headOf(anvil)
    expect(describeEvents(await until(next, head.hash))).toEqual([`block ${head.number}`])
  }
  expect(feed.health()).toMatchObject({ status: 'ok', head: 7, processed: 7 })
})

test.each([1, 2, 5, 17, 32])(
  'behavior: a reorg of depth %i is rolled back to the common ancestor',
  async (depth) => {
    const anvil = await chain()
    await mine(anvil, 3)
    const { next } = feedOf(poolOf(anvil))
    await until(next, (await headOf(anvil)).hash)
    const snapshot = await anvil.rpc<string>('evm_snapshot')
    for (let count = 0; count < depth; count++) await mine(anvil)
    await until(next, (await headOf(anvil)).hash)
    await anvil.rpc('evm_revert', [snapshot])
    await anvil.rpc('evm_increaseTime', [1_000])
    for (let count = 0; count <= depth; count++) await mine(anvil)
    const events = await until(next, (await headOf(anvil)).hash)
    const back = events.find((event) => event.kind === 'rollback')
    expect(back).toMatchObject({ to: { number: 3 } })
    expect(back?.kind === 'rollback' && back.orphaned.map(({ number }) => number)).toEqual(
      Array.from({ length: depth }, (_, index) => 3 + depth - index),
    )
    const blocks = events.flatMap((event) => (event.kind === 'block' ? event.block.number : []))
    expect(blocks.slice(-depth - 1)).toEqual(
      Array.from({ length: depth + 1 }, (_, index) => 4 + index),
    )
  },
)

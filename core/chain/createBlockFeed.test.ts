import { afterEach, expect, test } from 'vitest'
import { recordFeed } from '../../test/support/feedRecorder.ts'
import { startTransferChain, type TransferChain } from '../../test/support/transferChain.ts'
import { type Anvil, startAnvil } from '../testing/index.ts'
import {
  type BlockFeed,
  type BlockFeedOptions,
  type ChainBlock,
  createBlockFeed,
  createRpcPool,
  type FeedCursor,
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

const transfers = async (): Promise<TransferChain> => {
  const chain = await startTransferChain({ args: ['--slots-in-an-epoch', '40'] })
  cleanups.push(chain.anvil.stop)
  for (let count = 0; count < 3; count++) await chain.mine(1)
  return chain
}

const record = (chain: TransferChain, options: Partial<BlockFeedOptions> = {}) => {
  const feed = createBlockFeed({
    pool: poolOf(chain.anvil),
    blockTimeMs: 200,
    pollMs: 30,
    ...options,
  })
  const recorder = recordFeed(feed)
  cleanups.push(recorder.stop)
  return { ...recorder, health: feed.health }
}

/** Amounts moved per canonical block. */
const moved = (blocks: readonly ChainBlock[], from: number): string[] =>
  blocks
    .filter(({ number }) => number >= from)
    .map((block) =>
      [
        block.number,
        ...block.transactions.flatMap(({ logs }) => logs.map((log) => BigInt(log.data))),
      ].join(':'),
    )

test('behavior: an attack disappears, moves, or stays: the canonical blocks say which', async () => {
  const chain = await transfers()
  const recorder = record(chain)
  await recorder.until(await chain.head())
  const { number } = await chain.head()
  await chain.mine(1, 666n)
  await recorder.until(await chain.mine(1, 1n))
  expect(moved(recorder.canonical(), number + 1)).toEqual([`${number + 1}:666`, `${number + 2}:1`])
  await recorder.until(await chain.reorg(2, [1, 1, 1], 2n))
  expect(moved(recorder.canonical(), number + 1)).toEqual([
    `${number + 1}:2`,
    `${number + 2}:2`,
    `${number + 3}:2`,
  ])
  // Moves: the same transfer one block later, on another branch.
  await chain.anvil.rpc('anvil_rollback', [3])
  await chain.anvil.rpc('evm_increaseTime', [100])
  await chain.mine(0)
  await recorder.until(await chain.mine(1, 666n))
  expect(moved(recorder.canonical(), number + 1)).toEqual([`${number + 1}`, `${number + 2}:666`])
  // Stays: the same transfer in a sibling of its block.
  await chain.anvil.rpc('anvil_rollback', [1])
  await chain.anvil.rpc('evm_increaseTime', [100])
  await recorder.until(await chain.mine(1, 666n))
  expect(moved(recorder.canonical(), number + 1)).toEqual([`${number + 1}`, `${number + 2}:666`])
  expect(recorder.faults).toEqual([])
  expect(recorder.events.filter(({ kind }) => kind === 'rollback')).toHaveLength(3)
})

test('behavior: a chain replaced by a shorter one is followed', async () => {
  const chain = await transfers()
  const recorder = record(chain)
  for (let count = 0; count < 6; count++) await chain.mine(1)
  await recorder.until(await chain.head())
  await recorder.until(await chain.reorg(5, [1, 2]))
  expect(recorder.faults).toEqual([])
})

test('behavior: a node that merely falls back is behind; nothing is rolled back', async () => {
  const chain = await transfers()
  const recorder = record(chain)
  const { hash } = await chain.mine(1)
  await recorder.until(await chain.head())
  await chain.anvil.rpc('anvil_rollback', [2])
  await recorder.when(() => recorder.health().head === 3, 'the node to fall back')
  expect(recorder.events.some(({ kind }) => kind === 'rollback')).toBe(false)
  expect(recorder.canonical().at(-1)?.hash).toBe(hash)
})

const cursorOf = (blocks: readonly ChainBlock[], finalized?: number): FeedCursor => {
  const recent = blocks.map(({ number, hash }) => ({ number, hash })).reverse()
  const [last = { number: 0, hash: '0x' as const }] = recent
  return { ...last, recent, finalized }
}

test('behavior: a restart resumes after the cursor, however long it was down', async () => {
  const chain = await transfers()
  const before = record(chain, { startBlock: 1 })
  await before.until(await chain.head())
  await before.stop()
  for (let count = 0; count < 40; count++) await chain.mine(count % 2)
  const after = record(chain, { cursor: cursorOf(before.canonical()), batchBlocks: 5 })
  await after.until(await chain.head())
  expect(after.faults).toEqual([])
  const blocks = [...before.canonical(), ...after.canonical()]
  expect(blocks.map(({ number }) => number)).toEqual(
    Array.from({ length: 44 }, (_, index) => 1 + index),
  )
  expect(after.canonical()[0]?.catchingUp).toBe(true)
  expect(after.canonical().at(-1)?.catchingUp).toBe(false)
})

test.each([0, 1, 20])(
  'behavior: a cursor orphaned meanwhile is rolled back (%i blocks later)',
  async (later) => {
    const chain = await transfers()
    const before = record(chain, { startBlock: 1 })
    await before.until(await chain.head())
    await before.stop()
    await chain.reorg(2, [1, 2, ...Array.from({ length: later }, () => 0)])
    const after = record(chain, { cursor: cursorOf(before.canonical()) })
    await after.until(await chain.head())
    expect(after.events[0]).toMatchObject({ kind: 'rollback', to: { number: 2 } })
    expect(after.canonical().map(({ number }) => number)).toEqual(
      Array.from({ length: 2 + later }, (_, index) => 3 + index),
    )
  },
)

test('error: a reorg below the finalised block halts the feed', async () => {
  const chain = await transfers()
  const recorder = record(chain, { startBlock: 1, finality: { depth: 2 } })
  for (let count = 0; count < 4; count++) await chain.mine(1)
  await recorder.until(await chain.head())
  await recorder.when(() => recorder.health().finalized === 6, 'finality')
  await chain.reorg(4, [2, 2, 2, 2, 2])
  await recorder.when(() => recorder.failure() !== undefined, 'the halt')
  expect(recorder.failure()).toMatchObject({ code: 'feed.reorg_below_finality' })
  expect(recorder.health()).toMatchObject({ status: 'halted' })
  expect(recorder.events.some(({ kind }) => kind === 'rollback')).toBe(false)
})

test('behavior: a reorg of everything above the finalised block is no halt', async () => {
  const chain = await transfers()
  const recorder = record(chain, { startBlock: 1, finality: { depth: 2 } })
  await recorder.until(await chain.head())
  await recorder.when(() => recorder.health().finalized === 2, 'finality')
  await recorder.until(await chain.reorg(2, [1, 2, 0]))
  expect(recorder.faults).toEqual([])
})

test('behavior: finality follows the tag of the node and never goes back', async () => {
  const chain = await startTransferChain({ args: ['--slots-in-an-epoch', '1'] })
  cleanups.push(chain.anvil.stop)
  const recorder = record(chain, { startBlock: 1 })
  for (let count = 0; count < 6; count++) await recorder.until(await chain.mine(1))
  await recorder.when(() => recorder.health().finalized === 5, 'finality of block 5')
  expect(recorder.faults).toEqual([])
})

import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import {
  type BlockFeedOptions,
  createBlockFeed,
  createRpcPool,
  type RpcPool,
} from '../core/chain/index.ts'
import { type FaultProxy, type FaultRule, startFaultProxy } from './support/faultProxy.ts'
import { type FeedRecorder, recordFeed } from './support/feedRecorder.ts'
import { startTransferChain, type TransferChain } from './support/transferChain.ts'

let chain: TransferChain
let proxy: FaultProxy
let second: FaultProxy
const cleanups: (() => Promise<unknown>)[] = []

beforeAll(async () => {
  chain = await startTransferChain()
  proxy = await startFaultProxy(chain.anvil)
  second = await startFaultProxy(chain.anvil)
})
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
  for (const one of [proxy, second]) {
    one.clearFaults()
    one.setLagBlocks(0)
    one.refuseSockets(false)
    one.setUpstream(chain.anvil)
  }
})
afterAll(async () => {
  await proxy?.stop()
  await second?.stop()
  await chain?.anvil.stop()
})

type Watch = FeedRecorder & {
  readonly pool: RpcPool
  readonly health: ReturnType<typeof createBlockFeed>['health']
}

const watch = (
  options: Partial<BlockFeedOptions> & {
    readonly proxies?: readonly FaultProxy[]
    readonly ws?: boolean
    readonly timeoutMs?: number
  } = {},
): Watch => {
  const { proxies = [proxy], ws = false, timeoutMs = 1_000, ...rest } = options
  const pool = createRpcPool({
    chainId: chain.anvil.chainId,
    chainName: 'local',
    timeoutMs,
    endpoints: proxies.map((one, index) => ({
      name: `node-${index + 1}`,
      http: `${one.url}/key-not-to-be-seen`,
      ...(ws ? { ws: one.wsUrl } : {}),
    })),
  })
  const feed = createBlockFeed({ pool, blockTimeMs: 300, pollMs: 30, ...rest })
  const recorder = recordFeed(feed)
  cleanups.push(pool.stop, recorder.stop)
  return { ...recorder, pool, health: feed.health }
}

/** What the node itself says, without weather. */
const truth = async (from: number, to: number): Promise<string[]> => {
  const hashes: string[] = []
  for (let number = from; number <= to; number++) {
    const block = await chain.anvil.rpc<{ hash: string; transactions: string[] }>(
      'eth_getBlockByNumber',
      [`0x${number.toString(16)}`, false],
    )
    const logs = await chain.anvil.rpc<unknown[]>('eth_getLogs', [{ blockHash: block.hash }])
    hashes.push(`${number} ${block.hash} ${block.transactions.join()} ${logs.length}`)
  }
  return hashes
}

const told = (recorder: Watch): string[] =>
  recorder
    .canonical()
    .map(
      (block) =>
        `${block.number} ${block.hash} ${block.transactions.map(({ hash }) => hash).join()} ${
          block.transactions.flatMap(({ logs }) => logs).length
        }`,
    )

const expectWhole = async (recorder: Watch): Promise<void> => {
  const blocks = recorder.canonical()
  const [first] = blocks
  const last = blocks[blocks.length - 1]
  expect(recorder.faults).toEqual([])
  expect(recorder.failure()).toBeUndefined()
  expect(told(recorder)).toEqual(await truth(first?.number ?? 0, last?.number ?? -1))
}

const everyThird = { every: 3 } as const
const storms: readonly (readonly [string, FaultRule[]])[] = [
  ['null blocks', [{ method: /eth_getBlockBy/, fault: { kind: 'null' }, ...everyThird }]],
  [
    'HTTP 429 with Retry-After',
    [{ fault: { kind: 'http', status: 429, headers: { 'retry-after': '0.05' } }, ...everyThird }],
  ],
  ['HTTP 500', [{ fault: { kind: 'http', status: 500, body: 'oops' }, ...everyThird }]],
  [
    'JSON-RPC errors',
    [{ fault: { kind: 'error', code: -32603, message: 'internal error' }, ...everyThird }],
  ],
  [
    'an unknown header',
    [
      {
        method: /Receipts|ByHash/,
        fault: { kind: 'error', code: -32000, message: 'header not found' },
        every: 3,
      },
    ],
  ],
  ['null receipts', [{ method: 'eth_getBlockReceipts', fault: { kind: 'null' }, every: 2 }]],
  [
    'one receipt missing',
    [
      {
        method: 'eth_getBlockReceipts',
        fault: { kind: 'map', map: (list) => (Array.isArray(list) ? list.slice(1) : list) },
        every: 2,
      },
    ],
  ],
  [
    'receipts in another order',
    [
      {
        method: 'eth_getBlockReceipts',
        fault: { kind: 'map', map: (list) => (Array.isArray(list) ? [...list].reverse() : list) },
        every: 2,
      },
    ],
  ],
  [
    'receipts of another block',
    [
      {
        method: 'eth_getBlockReceipts',
        fault: {
          kind: 'map',
          map: (list) =>
            Array.isArray(list)
              ? list.map((one) => ({ ...one, blockHash: `0x${'11'.repeat(32)}` }))
              : list,
        },
        every: 2,
      },
    ],
  ],
  [
    'empty logs under a full bloom',
    [
      {
        method: 'eth_getBlockReceipts',
        fault: {
          kind: 'map',
          map: (list) => (Array.isArray(list) ? list.map((one) => ({ ...one, logs: [] })) : list),
        },
        every: 2,
      },
    ],
  ],
  ['truncated JSON', [{ fault: { kind: 'truncate' }, ...everyThird }]],
  ['connections cut', [{ fault: { kind: 'reset' }, ...everyThird }]],
  ['answers that never come', [{ method: /Receipts|ByHash/, fault: { kind: 'hang' }, every: 4 }]],
]

test.each(storms)('behavior: %s: nothing missed, nothing twice, live', async (_, rules) => {
  const recorder = watch({ timeoutMs: 300 })
  await recorder.until(await chain.head())
  const strikes = rules.map((rule) => proxy.addFault(rule))
  for (let count = 0; count < 6; count++) await recorder.until(await chain.mine(3))
  expect(strikes.every(({ struck }) => struck() > 0)).toBe(true)
  await expectWhole(recorder)
})

test.each(storms)('behavior: %s: nothing missed, nothing twice, catching up', async (_, rules) => {
  const from = (await chain.head()).number + 1
  for (let count = 0; count < 12; count++) await chain.mine(count % 3)
  const strikes = rules.map((rule) => proxy.addFault(rule))
  const recorder = watch({ startBlock: from, timeoutMs: 300, batchBlocks: 3 })
  await recorder.until(await chain.head())
  expect(strikes.every(({ struck }) => struck() > 0)).toBe(true)
  expect(recorder.canonical()[0]?.number).toBe(from)
  await expectWhole(recorder)
})

test('behavior: a node without eth_getBlockReceipts is asked transaction by transaction', async () => {
  proxy.addFault({
    method: 'eth_getBlockReceipts',
    fault: { kind: 'error', code: -32601, message: 'the method does not exist' },
  })
  const from = (await chain.head()).number + 1
  for (let count = 0; count < 6; count++) await chain.mine(2)
  const recorder = watch({ startBlock: from })
  await recorder.until(await chain.head())
  await recorder.until(await chain.mine(4))
  await expectWhole(recorder)
  expect(proxy.counts().calls['eth_getTransactionReceipt']).toBeGreaterThan(0)
})

test('behavior: data that cannot be had stops the feed, health says so, and it goes on when they come', async () => {
  const recorder = watch()
  await recorder.until(await chain.head())
  const fault = proxy.addFault({
    method: 'eth_getBlockReceipts',
    fault: {
      kind: 'map',
      map: (list) => (Array.isArray(list) ? list.map((one) => ({ ...one, logs: [] })) : list),
    },
  })
  const next = await chain.mine(2)
  await recorder.when(() => recorder.health().status !== 'ok', 'health to tell', 10_000)
  expect(recorder.health()).toMatchObject({ processed: next.number - 1, head: next.number })
  expect(recorder.health().reason).toMatch(/bloom|receipts|blocks behind/)
  fault.remove()
  await recorder.until(next)
  await recorder.when(() => recorder.health().status === 'ok', 'health to clear', 10_000)
  await expectWhole(recorder)
})

test('behavior: a lagging second provider is passed over and shown', async () => {
  second.setLagBlocks(6)
  const recorder = watch({ proxies: [second, proxy] })
  await recorder.until(await chain.head())
  for (let count = 0; count < 5; count++) await recorder.until(await chain.mine(2))
  await expectWhole(recorder)
  await recorder.when(() => recorder.health().endpoints[0]?.ok === false, 'the lag to show')
  expect(recorder.health()).toMatchObject({ status: 'degraded' })
  expect(recorder.health().reason).toContain('blocks behind')
  expect(JSON.stringify(recorder.health())).not.toContain('key-not-to-be-seen')
})

test('behavior: a provider that is down, then another, costs no block', async () => {
  const recorder = watch({ proxies: [second, proxy] })
  await recorder.until(await chain.head())
  for (const down of [second, proxy]) {
    const fault = down.addFault({ fault: { kind: 'reset' } })
    for (let count = 0; count < 3; count++) await recorder.until(await chain.mine(2))
    await recorder.when(() => recorder.health().status === 'degraded', 'the outage to show')
    fault.remove()
    await recorder.when(() => recorder.health().status === 'ok', 'the recovery to show')
  }
  await expectWhole(recorder)
})

test('behavior: every provider down is told within ten seconds, and nothing is lost', async () => {
  const recorder = watch()
  await recorder.until(await chain.head())
  const fault = proxy.addFault({ fault: { kind: 'http', status: 503 } })
  for (let count = 0; count < 3; count++) await chain.mine(1)
  await recorder.when(() => recorder.health().status === 'stalled', 'the outage to show', 10_000)
  fault.remove()
  await recorder.until(await chain.head())
  await expectWhole(recorder)
})

test('behavior: an endpoint of another chain is never used, and named in health', async () => {
  const wrong = await startTransferChain({ chainId: 999 })
  cleanups.push(wrong.anvil.stop)
  for (let count = 0; count < 3; count++) await wrong.mine(1)
  second.setUpstream(wrong.anvil)
  const recorder = watch({ proxies: [second, proxy], ws: true })
  await recorder.until(await chain.head())
  for (let count = 0; count < 3; count++) await recorder.until(await chain.mine(2))
  await expectWhole(recorder)
  expect(recorder.health().endpoints[0]).toMatchObject({ ok: false, score: 0 })
  expect(recorder.health().endpoints[0]?.lastError).toContain('serves chain 999, not 31337')
  expect(recorder.health().status).toBe('degraded')
})

test('behavior: an endpoint that turns into another chain after a reconnect is dropped', async () => {
  const wrong = await startTransferChain({ chainId: 999 })
  cleanups.push(wrong.anvil.stop)
  const recorder = watch({ proxies: [second, proxy] })
  await recorder.until(await chain.head())
  second.addFault({ fault: { kind: 'reset' }, times: 1 })
  second.setUpstream(wrong.anvil)
  await recorder.when(() => recorder.health().endpoints[0]?.ok === false, 'the exclusion')
  for (let count = 0; count < 3; count++) await recorder.until(await chain.mine(2))
  await expectWhole(recorder)
})

test('behavior: a dropped WebSocket is connected again; polling covers the gap', async () => {
  const recorder = watch({ ws: true })
  await recorder.until(await chain.head())
  await recorder.when(() => proxy.openSockets() === 1, 'the first connection')
  proxy.refuseSockets(true)
  proxy.dropSockets()
  for (let count = 0; count < 3; count++) await recorder.until(await chain.mine(1))
  await recorder.when(() => recorder.health().status === 'degraded', 'the loss to show')
  proxy.refuseSockets(false)
  await recorder.when(() => proxy.openSockets() === 1, 'the second connection')
  await recorder.until(await chain.mine(1))
  await recorder.when(() => recorder.health().status === 'ok', 'the recovery to show')
  await expectWhole(recorder)
})

test('behavior: a hung WebSocket is found out by polling and dropped', async () => {
  const recorder = watch({ ws: true })
  await recorder.until(await chain.mine(1))
  await recorder.when(() => proxy.openSockets() === 1, 'the connection')
  const before = proxy.counts().calls['ws:eth_subscribe'] ?? 0
  proxy.hangSockets()
  const deadline = performance.now() + 15_000
  while ((proxy.counts().calls['ws:eth_subscribe'] ?? 0) === before && performance.now() < deadline)
    await recorder.until(await chain.mine(1))
  expect(proxy.counts().calls['ws:eth_subscribe']).toBeGreaterThan(before)
  await expectWhole(recorder)
})

test('behavior: a storm of everything at once, with reorgs', async () => {
  const recorder = watch({ proxies: [second, proxy], ws: true, timeoutMs: 300 })
  await recorder.until(await chain.mine(1))
  for (const [index, [, rules]] of storms.entries())
    for (const rule of rules) (index % 2 ? proxy : second).addFault({ ...rule, every: 11 })
  for (let count = 0; count < 8; count++) {
    await recorder.until(await chain.mine(2), 30_000)
    if (count % 3 === 2) await recorder.until(await chain.reorg(2, [1, 3, 2]), 30_000)
    if (count === 4) proxy.dropSockets()
  }
  await expectWhole(recorder)
})

/** A node that tells another hash of every newest block. */
const lie = (liar: FaultProxy) =>
  liar.addFault({
    method: 'eth_getBlockByNumber',
    when: ({ params }) => params[0] === 'latest',
    fault: {
      kind: 'map',
      map: (block) =>
        typeof block === 'object' && block !== null && 'hash' in block
          ? { ...block, hash: String(block.hash).replace(/^0x.{8}/, '0xdeadbeef') }
          : block,
    },
  })

test('behavior: one of three that lies is outvoted and named', async () => {
  const third = await startFaultProxy(chain.anvil)
  cleanups.push(third.stop)
  const fault = lie(third)
  const recorder = watch({ proxies: [third, second, proxy] })
  await recorder.until(await chain.head())
  for (let count = 0; count < 4; count++) await recorder.until(await chain.mine(1))
  await recorder.when(() => recorder.health().status === 'degraded', 'the disagreement to show')
  expect(recorder.health().reason).toContain('disagree')
  fault.remove()
  await recorder.until(await chain.mine(1))
  await recorder.when(() => recorder.health().status === 'ok', 'the agreement to show')
  await expectWhole(recorder)
})

test('behavior: two that disagree are shown; the block waits and no lie is handed on', async () => {
  const recorder = watch({ proxies: [second, proxy] })
  await recorder.until(await chain.head())
  const fault = lie(second)
  const next = await chain.mine(1)
  await recorder.when(
    () => recorder.health().reason.includes('disagree'),
    'the disagreement to show',
  )
  fault.remove()
  await recorder.until(next)
  await expectWhole(recorder)
})

import { encodeFunctionData, encodeFunctionResult, type Hex, parseAbi } from 'viem'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { compileContracts } from '../../demo/contracts/compile.ts'
import { putMulticall } from '../../demo/contracts/putMulticall.ts'
import { type FaultProxy, startFaultProxy } from '../../test/support/faultProxy.ts'
import { startTransferChain, type TransferChain } from '../../test/support/transferChain.ts'
import { createBlockFetcher } from './createBlockFetcher.ts'
import {
  type ChainBlock,
  createChainSource,
  createRangeSource,
  createRpcPool,
  type RpcPool,
} from './index.ts'

let chain: TransferChain
let proxy: FaultProxy
let pool: RpcPool

beforeAll(async () => {
  chain = await startTransferChain()
  proxy = await startFaultProxy(chain.anvil)
  pool = createRpcPool({
    chainId: chain.anvil.chainId,
    chainName: 'local',
    endpoints: [{ name: 'one', http: proxy.url }],
    timeoutMs: 2_000,
  })
})
afterAll(async () => {
  await pool?.stop()
  await proxy?.stop()
  await chain?.anvil.stop()
})

const abi = parseAbi(['function balanceOf(address) view returns (uint256)'])
const balanceOf = (owner: Hex): Hex =>
  encodeFunctionData({ abi, functionName: 'balanceOf', args: [owner] })
const blockOf = async (hash: Hex): Promise<ChainBlock> => ({
  ...(await createBlockFetcher({ pool, transactions: 'full' }).byHash(hash)),
  seenAtMs: 0,
  catchingUp: false,
})
const to = '0x70997970c51812dc3a010c7d01b50e0d17dc79c8'
const word = (value: bigint): Hex =>
  encodeFunctionResult({ abi, functionName: 'balanceOf', result: value })

test('behavior: reads belong to the block, and one turn of them is one exchange', async () => {
  const { reader } = createChainSource(pool)
  const before = await chain.mine(1, 5n)
  const after = await chain.mine(1, 6n)
  await reader.balance(to, before.hash)
  proxy.takeCounts()
  const data = balanceOf(to)
  const [first, second, none, code, balance] = await Promise.all([
    reader.call({ to: chain.token, data, block: before.hash }),
    reader.call({ to: chain.token, data, block: after.hash }),
    reader.call({ to: chain.token, data: '0x12345678', block: after.hash }),
    reader.code(chain.token, after.hash),
    reader.balance(to, after.hash),
  ])
  expect(first).toEqual({ ok: true, data: word(5n) })
  expect(second).toEqual({ ok: true, data: word(11n) })
  expect(none).toMatchObject({ ok: false })
  expect(code.length).toBeGreaterThan(100)
  expect(balance).toBeGreaterThan(0n)
  expect(proxy.takeCounts().requests).toBe(2)
})

test('behavior: the storage hash changes with the storage and only then', async () => {
  const source = createChainSource(pool)
  const first = await chain.mine(1)
  const idle = await chain.mine(0)
  const next = await chain.mine(1)
  const hashes = await Promise.all(
    [first, idle, next].map(({ hash }) => source.storageHash(chain.token, hash)),
  )
  expect(hashes[0]).toBe(hashes[1])
  expect(hashes[1]).not.toBe(hashes[2])
})

test('error: a block that the node does not have gives no state', async () => {
  const { reader } = createChainSource(pool)
  const block: Hex = `0x${'ab'.repeat(32)}`
  await expect(reader.call({ to: chain.token, data: balanceOf(to), block })).rejects.toMatchObject({
    code: 'rpc.unavailable',
  })
})

test('behavior: a node that takes no block hashes is read by height, the hash checked', async () => {
  const head = await chain.mine(1)
  const fault = proxy.addFault({
    when: ({ params }) =>
      params.some((one) => typeof one === 'object' && one !== null && 'blockHash' in one),
    fault: { kind: 'error', code: -32602, message: 'invalid argument: cannot unmarshal object' },
  })
  const { reader } = createChainSource(pool)
  const expected = await chain.anvil.rpc<Hex>('eth_call', [
    { to: chain.token, data: balanceOf(to) },
    'latest',
  ])
  expect(await reader.call({ to: chain.token, data: balanceOf(to), block: head.hash })).toEqual({
    ok: true,
    data: expected,
  })
  fault.remove()
})

test('behavior: calldata of named transactions, and of a foreign one none', async () => {
  const source = createChainSource(pool)
  const head = await chain.mine(3, 9n)
  const block = await blockOf(head.hash)
  const hashes = block.transactions.map(({ hash }) => hash)
  const inputs = await source.inputs(block, hashes)
  expect(inputs).toEqual(
    block.transactions.map(({ hash, input, value }) => ({ hash, input, valueWei: value })),
  )
  const other = await blockOf((await chain.mine(1)).hash)
  await expect(
    source.inputs(
      block,
      other.transactions.map(({ hash }) => hash),
    ),
  ).rejects.toMatchObject({ code: 'rpc.unavailable' })
})

test('behavior: calldata of many transactions comes by the way that the node is fastest at', async () => {
  const source = createChainSource(pool)
  const block = await blockOf((await chain.mine(20, 9n)).hash)
  const hashes = block.transactions.map(({ hash }) => hash)
  const expected = block.transactions.map(({ hash, input, value }) => ({
    hash,
    input,
    valueWei: value,
  }))
  const slow = proxy.addFault({ method: 'eth_getBlockByHash', fault: { kind: 'delay', ms: 40 } })
  expect(await source.inputs(block, hashes)).toEqual(expected)
  // The node has no raw blocks; the whole block came, and traces are compared with it a little later.
  await expect.poll(() => proxy.counts().calls['trace_block'] ?? 0).toBeGreaterThan(0)
  await expect
    .poll(async () => {
      proxy.takeCounts()
      expect(await source.inputs(block, hashes)).toEqual(expected)
      return proxy.takeCounts().calls
    })
    .toEqual({ trace_block: 1 })
  slow.remove()
})

test('behavior: calldata is fetched beside the receipts where it is wanted and comes fast', async () => {
  const source = createChainSource(pool)
  const slow = proxy.addFault({ method: 'eth_getBlockByHash', fault: { kind: 'delay', ms: 40 } })
  const mineMany = async (): Promise<{ block: ChainBlock; hashes: readonly Hex[] }> => {
    const block = await blockOf((await chain.mine(12, 9n)).hash)
    return { block, hashes: block.transactions.map(({ hash }) => hash) }
  }
  const first = await mineMany()
  proxy.takeCounts()
  source.prefetchInputs(first.block)
  await source.inputs(first.block, first.hashes)
  // Nobody had wanted any before: it came when it was asked for, as a whole block.
  expect(proxy.takeCounts().calls).toMatchObject({ eth_getBlockByHash: 1 })
  // A few blocks later the node's fastest way is known, and what is wanted comes unasked.
  await expect
    .poll(
      async () => {
        const { block, hashes } = await mineMany()
        proxy.takeCounts()
        source.prefetchInputs(block)
        const isBegun = await vi
          .waitUntil(() => proxy.counts().calls['trace_block'] === 1, { timeout: 100 })
          .catch(() => false)
        const inputs = await source.inputs(block, hashes)
        expect(inputs.map(({ input }) => input)).toEqual(block.transactions.map((tx) => tx.input))
        return isBegun && proxy.counts().calls['trace_block'] === 1
      },
      { timeout: 10_000 },
    )
    .toBe(true)
  slow.remove()
})

/** Calls the address in its calldata, ignores the outcome, then reverts when asked to by a second word. */
const FORWARDER = '0x60006000600060006000600035612710f150602035600a57005b600080fd'
const forwarder: Hex = `0x${'f0'.repeat(20)}`

const forward = async (fails: boolean): Promise<{ block: ChainBlock; hash: Hex }> => {
  // JUMPI goes to 0x18 when the second word is not zero.
  await chain.anvil.rpc('anvil_setCode', [forwarder, FORWARDER.replace('600a57', '601857')])
  const hash = await chain.anvil.rpc<Hex>('eth_sendTransaction', [
    {
      from: chain.owner,
      to: forwarder,
      gas: '0x30000',
      data: `0x${to.slice(2).padStart(64, '0')}${(fails ? '1' : '0').padStart(64, '0')}`,
    },
  ])
  return { block: await blockOf((await chain.mine(0)).hash), hash }
}

test.each(['debug', 'parity'] as const)(
  'behavior: %s traces are flat, whole, and know what was reverted',
  async (traces) => {
    const source = createChainSource(pool, { traces })
    for (const fails of [false, true]) {
      const { block, hash } = await forward(fails)
      for (const flat of [await source.traces(block), await source.traces(block, [hash])]) {
        expect(
          flat.map(({ path, from, to: called, txHash }) => ({ path, from, called, txHash })),
        ).toEqual([
          { path: [], from: chain.owner, called: forwarder, txHash: hash },
          { path: [0], from: forwarder, called: to, txHash: hash },
        ])
        expect(flat.map(({ reverted }) => reverted)).toEqual([fails, fails])
      }
    }
  },
)

test('error: an unknown transaction is no empty trace', async () => {
  const source = createChainSource(pool)
  const { block } = await forward(false)
  await expect(source.traces(block, [`0x${'cd'.repeat(32)}`])).rejects.toMatchObject({
    code: 'rpc.unavailable',
  })
})

test('error: missing traces are no empty traces', async () => {
  const { block } = await forward(false)
  const fault = proxy.addFault({ method: /^(debug|trace)_/, fault: { kind: 'map', map: () => [] } })
  await expect(createChainSource(pool).traces(block)).rejects.toMatchObject({
    code: 'rpc.unavailable',
  })
  fault.remove()
})

test('error: nodes that cannot trace are told apart', async () => {
  const { block } = await forward(false)
  const separate = createRpcPool({
    chainId: chain.anvil.chainId,
    chainName: 'local',
    endpoints: [{ name: 'one', http: proxy.url }],
  })
  const fault = proxy.addFault({
    method: /^(debug|trace)_/,
    fault: { kind: 'error', code: -32601, message: 'the method does not exist' },
  })
  await expect(createChainSource(separate).traces(block)).rejects.toMatchObject({
    code: 'chain.traces_unavailable',
  })
  fault.remove()
  await separate.stop()
})

test('behavior: a range comes whole and in order, with traces, also far from the node', async () => {
  const from = (await chain.head()).number + 1
  for (let count = 0; count < 30; count++) await chain.mine(count % 3)
  const to = (await chain.head()).number
  proxy.setLatencyMs(40)
  proxy.takeCounts()
  const range = createRangeSource(pool, { from, to, prefetchTraces: true })
  const numbers: number[] = []
  let roots = 0
  for await (const block of range) {
    numbers.push(block.number)
    roots += (await range.source.traces(block)).filter(({ path }) => path.length === 0).length
    expect(block.transactions).toHaveLength((block.number - from) % 3)
  }
  proxy.setLatencyMs(0)
  expect(numbers).toEqual(Array.from({ length: 30 }, (_, index) => from + index))
  expect(roots).toBe(30)
  const { requests, calls } = proxy.takeCounts()
  expect(calls['trace_block']).toBe(20)
  expect(requests).toBeLessThan(40)
})

test('behavior: who pulls blocks ahead of their turn finds the traces of each', async () => {
  const from = (await chain.head()).number + 1
  for (let count = 0; count < 12; count++) await chain.mine(2)
  proxy.takeCounts()
  const range = createRangeSource(pool, { from, to: from + 11, prefetchTraces: true })
  const pulled = range[Symbol.asyncIterator]()
  const blocks = await Promise.all(
    Array.from({ length: 12 }, async () => {
      const { value } = await pulled.next()
      if (!value) throw new Error('the range ended early')
      const block: ChainBlock = value
      const hashes = block.transactions.map(({ hash }) => hash)
      const [inputs, traces] = await Promise.all([
        range.source.inputs(block, hashes),
        range.source.traces(block),
      ])
      return [inputs.length, traces.length]
    }),
  )
  expect(blocks).toEqual(Array.from({ length: 12 }, () => [2, 2]))
  const { calls } = proxy.takeCounts()
  expect(calls['trace_block']).toBe(12)
  expect(calls['eth_getTransactionByHash']).toBeUndefined()
})

test('behavior: blocks that the bloom rules out come without receipts, and are marked', async () => {
  const from = (await chain.head()).number + 1
  for (let count = 0; count < 8; count++) await chain.mine(count % 2)
  const range = createRangeSource(pool, {
    from,
    to: from + 7,
    isNeeded: ({ logsBloom }) => BigInt(logsBloom) !== 0n,
  })
  const seen: [boolean, number][] = []
  for await (const block of range) seen.push([block.skipped === true, block.transactions.length])
  expect(seen).toEqual(
    Array.from({ length: 8 }, (_, index) => (index % 2 ? [false, 1] : [true, 0])),
  )
})

test('behavior: Multicall3 takes many calls as one, once its answers are the same', async () => {
  const { DemoMulticall } = await compileContracts()
  if (!DemoMulticall) throw new Error('the contract is missing')
  const asked = Array.from({ length: 5 }, (_, i) => ({
    to: chain.token,
    data: balanceOf(`0x${String(i + 1).padStart(40, '0')}`),
  }))
  const { reader } = createChainSource(pool)
  const readAll = (block: Hex) =>
    Promise.all([
      ...asked.map((call) => reader.call({ ...call, block })),
      reader.call({ to: chain.token, data: '0x12345678', block }),
    ])
  const bare = await chain.mine(1)
  await putMulticall(
    { rpc: (method, params) => chain.anvil.rpc(method, params ? [...params] : []) },
    DemoMulticall,
  )
  const head = await chain.mine(1)
  const direct = await readAll(head.hash)
  expect(direct.map(({ ok }) => ok)).toEqual([true, true, true, true, true, false])
  // One by one, and once more as one call, off the way.
  await vi.waitFor(() => expect(proxy.counts().calls['eth_call']).toBeGreaterThan(6))
  await vi.waitFor(async () => {
    const next = await chain.mine(1)
    proxy.takeCounts()
    expect(await readAll(next.hash)).toEqual(direct)
    // All in one, and what failed inside once more by itself.
    expect(proxy.takeCounts().calls['eth_call']).toBe(2)
  })
  // Before it was deployed.
  expect(await readAll(bare.hash)).toEqual(direct)
})

test('error: what lies at the address of Multicall3 and answers otherwise is not used', async () => {
  const liar = '0x00000000000000000000000000000000000c0de1'
  // Answers everything with one empty word.
  await chain.anvil.rpc('anvil_setCode', [liar, '0x60206000f3'])
  const head = await chain.mine(1)
  for (const multicall3 of [liar, 'none'] as const) {
    const { reader } = createChainSource(pool, { multicall3 })
    const read = () =>
      Promise.all([
        reader.call({ to: chain.token, data: balanceOf(to), block: head.hash }),
        reader.call({ to: chain.token, data: balanceOf(chain.owner), block: head.hash }),
      ])
    const first = await read()
    await new Promise((resolve) => setTimeout(resolve, 100))
    proxy.takeCounts()
    expect(await read()).toEqual(first)
    expect(proxy.takeCounts().calls['eth_call']).toBe(2)
  }
})

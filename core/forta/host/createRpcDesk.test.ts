import { expect, test } from 'vitest'
import type { RpcCall, RpcPool } from '../../chain/index.ts'
import type { RawBlock } from './createRawBlocks.ts'
import { createRpcDesk } from './createRpcDesk.ts'
import { serveRpc } from './serveRpc.ts'

const hash = (n: number) => `0x${n.toString(16).padStart(64, '0')}` as const
const block = (number: number, own: number): RawBlock => ({
  number,
  hash: hash(own),
  parentHash: hash(0),
  timestampS: 1,
  hashes: [hash(own + 1_000)],
  payload: {
    block: {
      hash: hash(own),
      number: `0x${number.toString(16)}`,
      transactions: [{ hash: hash(own + 1_000), nonce: '0x0' }],
    },
    logs: [],
  },
})

const setUp = (answer: (call: RpcCall) => unknown = () => '0x1') => {
  const asked: RpcCall[] = []
  const pool = {
    chainId: 5,
    chainName: 'five',
    batch: async (calls: readonly RpcCall[]) =>
      calls.map((call) => {
        asked.push(call)
        return { ok: true as const, result: answer(call) }
      }),
    request: async (method: string, params: readonly unknown[]) => {
      asked.push({ method, params })
      return answer({ method, params })
    },
  } as unknown as RpcPool
  const desk = createRpcDesk({
    pool,
    blocks: { byHash: async () => block(1, 1), byNumbers: async () => [block(1, 1)] },
  })
  return { desk, asked }
}

test('behavior: a height that bots have seen is asked for by its hash, once, and never again after a reorg', async () => {
  const { desk, asked } = setUp()
  desk.note(block(10, 1))
  for (let times = 0; times < 3; times++) await desk.answer('eth_call', [{ to: '0x1' }, '0xa'])
  expect(asked).toEqual([{ method: 'eth_call', params: [{ to: '0x1' }, { blockHash: hash(1) }] }])
  desk.note(block(10, 2))
  await desk.answer('eth_call', [{ to: '0x1' }, '0xa'])
  expect(asked.at(-1)?.params[1]).toEqual({ blockHash: hash(2) })
  await desk.answer('eth_call', [{ to: '0x1' }, 'latest'])
  await desk.answer('eth_call', [{ to: '0x1' }, 'latest'])
  expect(asked).toHaveLength(4)
})

test('behavior: blocks and transactions at hand cost nothing; those of an orphaned block are asked for', async () => {
  const { desk, asked } = setUp(() => null)
  desk.note(block(10, 1))
  expect(await desk.answer('eth_getBlockByNumber', ['0xa', false])).toContain(hash(1_001))
  expect(await desk.answer('eth_getTransactionByHash', [hash(1_001)])).toContain('"nonce":"0x0"')
  expect(await desk.answer('eth_chainId', [])).toBe('"result":"0x5"')
  expect(asked).toEqual([])
  desk.note(block(10, 2))
  expect(await desk.answer('eth_getTransactionByHash', [hash(1_001)])).toBe('"result":null')
  expect(asked).toHaveLength(1)
})

test('behavior: receipts of one block are fetched together', async () => {
  const receipt = { transactionHash: hash(1_001), status: '0x1' }
  const { desk, asked } = setUp(({ method }) =>
    method === 'eth_getBlockReceipts' ? [receipt] : null,
  )
  desk.note(block(10, 1))
  for (let times = 0; times < 2; times++)
    expect(await desk.answer('eth_getTransactionReceipt', [hash(1_001)])).toContain('"status"')
  expect(asked.map(({ method }) => method)).toEqual(['eth_getBlockReceipts'])
})

test.each([
  'eth_sendRawTransaction',
  'eth_sendTransaction',
  'eth_sign',
  'eth_accounts',
  'personal_unlockAccount',
  'anvil_setCode',
  'evm_revert',
  'admin_peers',
  'debug_setHead',
  'miner_start',
])('error: %s is not served', async (method) => {
  const { desk, asked } = setUp()
  expect(await desk.answer(method, [])).toContain('-32601')
  expect(asked).toEqual([])
})

test('error: pages of a browser, other paths, rubbish and too much are refused', async () => {
  const { desk } = setUp()
  const server = await serveRpc(desk)
  const post = (body: string, headers: Record<string, string> = {}, path = '/') =>
    fetch(`http://127.0.0.1:${server.port}${path}`, { method: 'POST', body, headers })
  try {
    const call = '{"jsonrpc":"2.0","id":1,"method":"eth_chainId","params":[]}'
    expect(await (await post(call)).json()).toEqual({ jsonrpc: '2.0', id: 1, result: '0x5' })
    expect(await (await post(`[${call},7]`)).json()).toMatchObject([
      { result: '0x5' },
      { error: { code: -32_600 } },
    ])
    expect((await post(call, { origin: 'http://evil.example' })).status).toBe(403)
    expect((await post(call, {}, '/other')).status).toBe(404)
    expect((await post('rubbish')).status).toBe(400)
    expect((await post(`[${Array(1_001).fill(7).join(',')}]`)).status).toBe(413)
    expect((await post('x'.repeat(9 * 2 ** 20))).status).toBe(413)
  } finally {
    await server.stop()
  }
})

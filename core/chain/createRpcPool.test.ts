import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { type FaultProxy, startFaultProxy } from '../../test/support/faultProxy.ts'
import { type Anvil, startAnvil } from '../testing/index.ts'
import { createRpcPool, type RpcPool } from './index.ts'

let anvil: Anvil
let one: FaultProxy
let two: FaultProxy
const pools: RpcPool[] = []

beforeAll(async () => {
  anvil = await startAnvil()
  one = await startFaultProxy(anvil)
  two = await startFaultProxy(anvil)
})
afterEach(async () => {
  for (const pool of pools.splice(0)) await pool.stop()
  for (const proxy of [one, two]) {
    proxy.clearFaults()
    proxy.setLatencyMs(0)
    proxy.takeCounts()
  }
})
afterAll(async () => {
  await one?.stop()
  await two?.stop()
  await anvil?.stop()
})

const poolOf = (proxies: readonly FaultProxy[], timeoutMs = 2_000): RpcPool => {
  const pool = createRpcPool({
    chainId: 31_337,
    chainName: 'local',
    timeoutMs,
    maxBytes: 10_000,
    endpoints: proxies.map(({ url }, index) => ({
      name: `n${index}`,
      http: `${url}/v2/secret-key`,
    })),
  })
  pools.push(pool)
  return pool
}

test('behavior: what the node refuses on purpose is asked once', async () => {
  const pool = poolOf([one])
  await expect(pool.request('eth_getBalance', ['nonsense', 'latest'])).rejects.toMatchObject({
    code: 'rpc.rejected',
  })
  await expect(pool.request('eth_noSuchMethod', [])).rejects.toMatchObject({
    code: 'rpc.method_missing',
  })
  const { calls } = one.takeCounts()
  expect(calls).toMatchObject({ eth_getBalance: 1, eth_noSuchMethod: 1 })
})

test('behavior: a revert is an answer, with its data', async () => {
  const to = `0x${'42'.repeat(20)}`
  await anvil.rpc('anvil_setCode', [to, '0x60aa60005260206000fd'])
  const [outcome] = await poolOf([one]).batch([{ method: 'eth_call', params: [{ to }, 'latest'] }])
  expect(outcome).toMatchObject({
    ok: false,
    error: { isExecution: true, data: `0x${'aa'.padStart(64, '0')}` },
  })
})

test('behavior: transient failures are retried', async () => {
  for (const fault of [
    { kind: 'http', status: 502 },
    { kind: 'truncate' },
    { kind: 'reset' },
    { kind: 'error', code: -32005, message: 'limit exceeded' },
  ] as const) {
    const { struck } = one.addFault({ method: 'eth_blockNumber', fault, times: 2 })
    expect(await poolOf([one]).request('eth_blockNumber', [])).toBe('0x0')
    expect(struck()).toBe(2)
    one.clearFaults()
  }
})

test('behavior: an endpoint that asked for a rest gets it', async () => {
  const fault = { kind: 'http', status: 429, headers: { 'retry-after': '60' } } as const
  const pool = poolOf([one, two])
  one.addFault({ method: 'eth_blockNumber', fault })
  for (let count = 0; count < 5; count++)
    expect(await pool.request('eth_blockNumber', [])).toBe('0x0')
  expect(one.takeCounts().calls['eth_blockNumber'] ?? 0).toBeLessThanOrEqual(1)
})

test('behavior: a slow endpoint is hedged by another', async () => {
  const pool = poolOf([one, two], 5_000)
  for (let count = 0; count < 5; count++) await pool.request('eth_blockNumber', [])
  one.addFault({ method: 'eth_blockNumber', fault: { kind: 'hang' } })
  two.addFault({ method: 'eth_blockNumber', fault: { kind: 'delay', ms: 5 } })
  expect(await pool.request('eth_blockNumber', [], { rounds: 1 })).toBe('0x0')
})

test('behavior: an answer that is refused is asked for elsewhere', async () => {
  one.addFault({ method: 'eth_blockNumber', fault: { kind: 'null' } })
  const pool = poolOf([one, two])
  const refuse = (result: unknown): string | undefined =>
    result === null ? 'not there yet' : undefined
  expect(await pool.request('eth_blockNumber', [], { refuse })).toBe('0x0')
})

test('behavior: a batch keeps its order when the node does not', async () => {
  const pool = poolOf([one])
  const outcomes = await pool.batch([
    { method: 'eth_chainId', params: [] },
    { method: 'eth_blockNumber', params: [] },
  ])
  expect(outcomes).toEqual([
    { ok: true, result: '0x7a69' },
    { ok: true, result: '0x0' },
  ])
})

test('error: no URL of an endpoint gets out', async () => {
  const heard: unknown[] = []
  const pool = createRpcPool({
    chainId: 31_337,
    chainName: 'local',
    endpoints: [{ name: 'gone', http: 'http://user:password@127.0.0.1:9/v2/secret-key' }],
    onError: (_, error) =>
      heard.push(error instanceof Error ? `${error.message} ${String(error.cause)}` : error),
  })
  pools.push(pool)
  const error: unknown = await pool
    .request('eth_blockNumber', [], { rounds: 2 })
    .catch((reason: unknown) => reason)
  const text = `${JSON.stringify(pool.health())} ${String(error)} ${heard.join(' ')}`
  expect(error).toMatchObject({ code: 'rpc.unavailable' })
  expect(text).not.toMatch(/secret-key|password/)
})

test('error: an answer without end is cut off', async () => {
  one.addFault({
    method: 'eth_blockNumber',
    fault: { kind: 'map', map: () => 'x'.repeat(100_000) },
  })
  const error: unknown = await poolOf([one])
    .request('eth_blockNumber', [], { rounds: 1 })
    .catch((reason: unknown) => reason)
  expect(error).toMatchObject({ code: 'rpc.unavailable' })
  expect(String(error)).toContain('longer than 10000 bytes')
})

test('error: a pool whose only endpoint serves another chain says so', async () => {
  const pool = createRpcPool({
    chainId: 1,
    chainName: 'mainnet',
    endpoints: [{ name: 'wrong', http: one.url }],
  })
  pools.push(pool)
  await expect(pool.request('eth_blockNumber', [], { rounds: 2 })).rejects.toMatchObject({
    code: 'rpc.chain_mismatch',
  })
  expect(pool.health()[0]).toMatchObject({ ok: false, score: 0 })
})

test('behavior: a node that fails every third call is asked for those again, so long batches come through', async () => {
  one.addFault({
    method: 'eth_getBalance',
    fault: { kind: 'error', code: -32603, message: 'internal error' },
    every: 3,
  })
  const pool = poolOf([one])
  const calls = Array.from({ length: 10 }, (_, index) => ({
    method: 'eth_getBalance',
    params: [`0x${String(index).padStart(40, '0')}`, 'latest'],
  }))
  const outcomes = await pool.batch(calls, { rounds: 1 })
  expect(outcomes).toEqual(calls.map(() => ({ ok: true, result: '0x0' })))
  // 10, of which 4 fail, of which 1 or 2 fail, and so on: the others are not asked twice.
  expect(one.takeCounts().calls['eth_getBalance']).toBeLessThanOrEqual(17)
  expect(pool.health()[0]?.lastError).toContain('internal error')
})

test('error: a call of a batch that fails again and again fails the batch, after a few times', async () => {
  one.addFault({
    method: 'eth_getBalance',
    fault: { kind: 'error', code: -32603, message: 'internal error' },
    when: ({ params }) => String(params[0]).endsWith('1'),
  })
  const calls = [0, 1].map((index) => ({
    method: 'eth_getBalance',
    params: [`0x${String(index).padStart(40, '0')}`, 'latest'],
  }))
  await expect(poolOf([one]).batch(calls, { rounds: 1 })).rejects.toMatchObject({
    code: 'rpc.unavailable',
  })
  expect(one.takeCounts().calls['eth_getBalance']).toBe(3)
})

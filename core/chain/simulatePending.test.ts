import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Address, type Hex, TocsinError } from '../base/index.ts'
import { type Anvil, startAnvil } from '../testing/index.ts'
import { createRpcPool } from './createRpcPool.ts'
import type { PendingTransaction } from './parsePending.ts'
import type { RpcPool } from './rpcTypes.ts'
import { simulateByTrace } from './simulateByTrace.ts'
import { createPendingSimulator } from './simulatePending.ts'
import type { SimulatePending } from './simulationTypes.ts'

/** `sstore(0, calldata[0]); log1("", calldata[0])`, and `return sload(0)` when nothing is given. */
const RUNTIME = '36600c575f545f5260205ff35b5f355f555f355f5fa100'
const INIT = `0x60${(RUNTIME.length / 2).toString(16)}8060095f395ff3${RUNTIME}`

let anvil: Anvil
let pool: RpcPool
let contract: Address
let user: Address

beforeAll(async () => {
  anvil = await startAnvil()
  pool = createRpcPool({
    chainId: anvil.chainId,
    chainName: 'local',
    endpoints: [{ name: 'one', http: anvil.url }],
  })
  const [first] = await anvil.rpc<Address[]>('eth_accounts')
  if (!first) throw new Error('no accounts')
  user = first
  const hash = await anvil.rpc<Hex>('eth_sendTransaction', [
    { from: user, data: INIT, gas: '0x100000' },
  ])
  await anvil.rpc('evm_mine')
  const receipt = await anvil.rpc<{ contractAddress: Address; status: Hex }>(
    'eth_getTransactionReceipt',
    [hash],
  )
  expect(receipt.status).toBe('0x1')
  contract = receipt.contractAddress
})
afterAll(async () => {
  await pool?.stop()
  await anvil?.stop()
})

const wordOf = (value: number): Hex => `0x${value.toString(16).padStart(64, '0')}`
const writes = (value: number, nonce: number): PendingTransaction => ({
  hash: wordOf(1_000 + nonce),
  from: user,
  to: contract,
  input: wordOf(value),
  valueWei: 5n,
  gas: 200_000n,
  nonce,
  maxFeePerGasWei: 10n ** 10n,
  maxPriorityFeePerGasWei: 10n ** 9n,
  accessList: [],
  seenAtMs: 0,
})
const headOf = async () => {
  const block = await anvil.rpc<{ number: Hex; hash: Hex; timestamp: Hex }>(
    'eth_getBlockByNumber',
    ['latest', false],
  )
  return {
    head: { number: Number(block.number), hash: block.hash },
    timestampS: Number(block.timestamp) + 1,
  }
}
const ways: readonly [string, () => SimulatePending][] = [
  ['eth_simulateV1', () => createPendingSimulator(pool)],
  ['debug_traceCall', () => (request) => simulateByTrace(pool, request)],
]

describe.each(ways)('%s', (_, create) => {
  test('behavior: logs, and every kind of state as it stands after all transactions', async () => {
    const simulation = await create()({
      ...(await headOf()),
      transactions: [writes(7, 1), writes(9, 2)],
      asks: [
        { kind: 'call', to: contract, data: '0x' },
        { kind: 'storage', address: contract, slot: wordOf(0) },
        { kind: 'balance', address: contract },
        { kind: 'code', address: contract },
        { kind: 'storage', address: contract, slot: wordOf(1) },
      ],
    })
    expect(simulation.transactions.map(({ status, logs }) => [status, logs])).toEqual([
      ['success', [{ address: contract, topics: [wordOf(7)], data: '0x' }]],
      ['success', [{ address: contract, topics: [wordOf(9)], data: '0x' }]],
    ])
    expect(simulation.answers.map(({ ok, data }) => [ok, BigInt(data)])).toEqual([
      [true, 9n],
      [true, 9n],
      [true, 10n],
      [true, BigInt(`0x${RUNTIME}`)],
      [true, 0n],
    ])
    // Nothing of it happened.
    expect(BigInt(await anvil.rpc<Hex>('eth_getStorageAt', [contract, '0x0', 'latest']))).toBe(0n)
  })

  test('behavior: a transaction that fails is one that changes nothing', async () => {
    const simulation = await create()({
      ...(await headOf()),
      transactions: [{ ...writes(7, 1), gas: 30_000n }],
      asks: [{ kind: 'call', to: contract, data: '0x' }],
    })
    expect(simulation.transactions).toMatchObject([{ status: 'reverted', logs: [] }])
    expect(BigInt(simulation.answers[0]?.data ?? '0x1')).toBe(0n)
  })
})

test('behavior: nodes without eth_simulateV1 are asked by traces', async () => {
  const asked: string[] = []
  const old: RpcPool = {
    ...pool,
    request: (method, params, options) => {
      asked.push(method)
      if (method === 'eth_simulateV1')
        throw new TocsinError('rpc.method_missing', 'The method does not exist.')
      return pool.request(method, params, options)
    },
  }
  const simulate = createPendingSimulator(old)
  for (const value of [3, 4]) {
    const { transactions } = await simulate({
      ...(await headOf()),
      transactions: [writes(value, 1)],
      asks: [],
    })
    expect(transactions[0]?.logs[0]?.topics).toEqual([wordOf(value)])
  }
  expect(asked.filter((method) => method === 'eth_simulateV1')).toHaveLength(1)
})

import { fromRlp, toRlp } from 'viem'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Hex } from '../base/index.ts'
import { type Anvil, startAnvil } from '../testing/index.ts'
import { decodeRawBlock } from './decodeRawBlock.ts'

type Nested = Hex | readonly Nested[]

let anvil: Anvil
let raw: Hex
let transactions: { hash: Hex; input: Hex; value: Hex }[]

beforeAll(async () => {
  anvil = await startAnvil()
  const [from, to] = await anvil.rpc<Hex[]>('eth_accounts')
  const send = (extra: Record<string, unknown>): Promise<unknown> =>
    anvil.rpc('eth_sendTransaction', [{ from, to, gas: '0x30d40', ...extra }])
  await send({ type: '0x0', gasPrice: '0x77359400', value: '0x1', data: '0x' })
  await send({
    type: '0x1',
    gasPrice: '0x77359400',
    accessList: [],
    value: '0x0',
    data: `0x${'ab'.repeat(70)}`,
  })
  await send({
    type: '0x2',
    maxFeePerGas: '0x77359400',
    maxPriorityFeePerGas: '0x1',
    value: '0xde0b6b3a7640000',
    data: '0x01',
  })
  await send({ type: '0x2', to: undefined, data: '0x600160005500', gas: '0x186a0' })
  await anvil.rpc('evm_mine')
  transactions = (
    await anvil.rpc<{ transactions: typeof transactions }>('eth_getBlockByNumber', ['0x1', true])
  ).transactions
  // The node gives raw transactions but no raw blocks: the block around them is put together here.
  const items: Nested[] = []
  for (const { hash } of transactions) {
    const bytes = await anvil.rpc<Hex>('debug_getRawTransaction', [hash])
    items.push(Number.parseInt(bytes.slice(2, 4), 16) >= 0xc0 ? fromRlp(bytes, 'hex') : bytes)
  }
  raw = toRlp([['0x01', '0x02'], items, []])
})
afterAll(() => anvil?.stop())

test('default: every type decodes to what the node says in JSON', () => {
  const decoded = decodeRawBlock(
    raw,
    transactions.map(({ hash }) => hash),
  )
  expect(decoded).toHaveLength(4)
  expect(decoded).toEqual(
    transactions.map(({ hash, input, value }) => ({ hash, input, valueWei: BigInt(value) })),
  )
})

test('behavior: order is as asked; a transaction that is not there gives nothing', () => {
  const hashes = transactions.map(({ hash }) => hash).reverse()
  expect(decodeRawBlock(raw, hashes)?.map(({ hash }) => hash)).toEqual(hashes)
  expect(decodeRawBlock(raw, [...hashes, `0x${'11'.repeat(32)}`])).toBeUndefined()
})

test('error: a cut or foreign answer is refused', () => {
  const hashes = transactions.map(({ hash }) => hash)
  expect(() => decodeRawBlock(raw.slice(0, -20) as Hex, hashes)).toThrow(/well-formed/)
  expect(() => decodeRawBlock('0x', hashes)).toThrow(/well-formed/)
  expect(() => decodeRawBlock('0xc20102', hashes)).toThrow(/well-formed/)
})

import { fileURLToPath } from 'node:url'
import { type Anvil, runBotOnAnvil, sendFrom, startAnvil } from 'tocsin/testing'
import { encodeFunctionData, type Hex } from 'viem'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type ContractArtifact, compileContracts } from '../../demo/contracts/index.ts'
import { utilisation } from './bot.ts'

let anvil: Anvil
let market: ContractArtifact
let user: `0x${string}`

beforeAll(async () => {
  const [artifacts, node] = await Promise.all([
    compileContracts(fileURLToPath(new URL('contracts', import.meta.url))),
    startAnvil(),
  ])
  anvil = node
  const found = artifacts['MiniMarket']
  const [first] = await anvil.rpc<`0x${string}`[]>('eth_accounts')
  if (!found || !first) throw new Error('the scene is incomplete')
  market = found
  user = first
})
afterAll(() => anvil?.stop())

/** A market of its own; then one call in each block. */
const play = async (calls: readonly (readonly [string, bigint])[]) => {
  const hash = await anvil.rpc<Hex>('eth_sendTransaction', [
    { from: user, data: market.bytecode, gas: '0x989680' },
  ])
  await anvil.rpc('evm_mine')
  const { contractAddress, blockNumber } = await anvil.rpc<{
    contractAddress: `0x${string}`
    blockNumber: Hex
  }>('eth_getTransactionReceipt', [hash])
  for (const [functionName, amount] of calls) {
    const data = encodeFunctionData({ abi: market.abi, functionName, args: [amount] })
    const { success } = await sendFrom(anvil, user, contractAddress, data)
    expect(success).toBe(true)
  }
  const things = [
    { kind: 'lending-market', name: 'market', address: contractAddress, variant: 'aave-v3' },
  ] as const
  const rows = await runBotOnAnvil(utilisation, anvil, {
    things,
    from: Number(blockNumber),
    traces: false,
  })
  return rows.map(({ alertId, severity, condition }) => [alertId, severity, condition])
}

test('behavior: loans and repayments below the threshold are silent', async () => {
  expect(
    await play([
      ['supply', 1_000_000n],
      ['borrow', 800_000n],
      ['borrow', 100_000n],
      ['repay', 500_000n],
      ['supply', 5_000_000n],
    ]),
  ).toEqual([])
})

test('behavior: a market that is lent out, then written off', async () => {
  expect(
    await play([
      ['supply', 1_000_000n],
      ['borrow', 930_000n],
      ['borrow', 65_000n],
      ['writeOff', 900_000n],
    ]),
  ).toEqual([
    ['UTILISATION', 'Medium', 'holds'],
    ['UTILISATION', 'High', 'holds'],
    ['BAD-DEBT', 'Critical', null],
  ])
})

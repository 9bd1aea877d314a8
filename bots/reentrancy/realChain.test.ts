import { fileURLToPath } from 'node:url'
import { type Anvil, runBotOnAnvil, startAnvil } from 'tocsin/testing'
import { type Abi, encodeDeployData, encodeFunctionData } from 'viem'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import {
  compileContracts,
  createSender,
  demoAccount,
  type Sender,
} from '../../demo/contracts/index.ts'
import { reentrancy } from './bot.ts'

type Contract = { readonly address: `0x${string}`; readonly abi: Abi }
const THIEF = demoAccount(1).address
const SAVER = demoAccount(2).address
const COIN = 10n ** 18n

let anvil: Anvil
let sender: Sender
let snapshot: unknown
let start = 0
let vault: Contract
let market: Contract
let visitor: Contract

const send = async (
  from: `0x${string}`,
  to: `0x${string}` | undefined,
  data: `0x${string}`,
  value = 0n,
) => {
  const hashes = await sender.send([
    { from, data, valueWei: value, gas: 4_000_000n, ...(to ? { to } : {}) },
  ])
  await anvil.rpc('evm_mine')
  const [receipt] = await sender.wait(hashes)
  expect(receipt?.status).toBe('success')
  return receipt
}
const call = (
  from: `0x${string}`,
  to: Contract,
  functionName: string,
  args: readonly unknown[] = [],
  value = 0n,
) => send(from, to.address, encodeFunctionData({ abi: to.abi, functionName, args }), value)

beforeAll(async () => {
  anvil = await startAnvil()
  sender = await createSender({ rpcUrl: anvil.url })
  const artifacts = await compileContracts(fileURLToPath(new URL('contracts', import.meta.url)))
  const deploy = async (name: string, args: readonly unknown[] = []): Promise<Contract> => {
    const artifact = artifacts[name]
    if (!artifact) throw new Error(`${name} was not compiled.`)
    const receipt = await send(THIEF, undefined, encodeDeployData({ ...artifact, args }))
    return {
      address: (receipt?.contractAddress ?? '0x').toLowerCase() as `0x${string}`,
      abi: artifact.abi,
    }
  }
  vault = await deploy('LateVault')
  market = await deploy('PriceTaker', [vault.address])
  visitor = await deploy('Visitor', [vault.address, market.address])
  await call(SAVER, vault, 'deposit', [], 10n * COIN)
  await call(THIEF, visitor, 'enter', [], COIN)
  snapshot = await anvil.rpc('evm_snapshot')
})
afterAll(() => anvil?.stop())
beforeEach(async () => {
  await anvil.rpc('evm_revert', [snapshot])
  snapshot = await anvil.rpc('evm_snapshot')
  sender = await createSender({ rpcUrl: anvil.url })
  start = Number(await anvil.rpc<string>('eth_blockNumber')) + 1
})

const watch = () =>
  runBotOnAnvil(reentrancy, anvil, {
    things: [
      { kind: 'vault', name: 'vault', ...vault },
      { kind: 'contract', name: 'market', ...market },
    ],
    from: start,
  })

test('behavior: a vault that pays before it books is emptied by coming back in', async () => {
  await call(THIEF, visitor, 'leave', [1, 4n])
  const [finding, ...rest] = await watch()
  expect(rest).toEqual([])
  expect(finding).toMatchObject({
    alertId: 'REENTRANCY',
    severity: 'Critical',
    thing: 'vault',
    metadata: { intruder: visitor.address, times: '4' },
  })
  expect(finding?.metadata['loss.1']).toContain('5 of the native coin')
})

test("behavior: a market that reads the vault's price while it pays out", async () => {
  await call(THIEF, visitor, 'leave', [2, 0n])
  expect(await watch()).toMatchObject([
    { alertId: 'READ-ONLY-REENTRANCY', severity: 'High', metadata: { consumer: market.address } },
  ])
})

test('behavior: deposits, plain withdrawals and prices read from outside are nothing', async () => {
  await call(THIEF, visitor, 'leave', [0, 0n])
  await call(SAVER, vault, 'withdraw')
  await call(SAVER, vault, 'deposit', [], COIN)
  await call(SAVER, market, 'borrow')
  expect(await watch()).toEqual([])
})

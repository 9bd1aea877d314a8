import { fileURLToPath } from 'node:url'
import { runBotOnAnvil } from 'tocsin/testing'
import { expect, test } from 'vitest'
import {
  callOf,
  compileContracts,
  type DemoContract,
  demoAccount,
} from '../../demo/contracts/index.ts'
import { useChainScene } from '../../test/support/chainScene.ts'
import { reentrancy } from './bot.ts'

const THIEF = demoAccount(1).address
const SAVER = demoAccount(2).address
const COIN = 10n ** 18n

const request = (
  from: `0x${string}`,
  to: DemoContract,
  functionName: string,
  args: readonly unknown[] = [],
  valueWei = 0n,
) => callOf(from, to, functionName, args, { valueWei, gas: 4_000_000n })

const scene = useChainScene(async ({ block, deploy }) => {
  const made = await compileContracts(fileURLToPath(new URL('contracts', import.meta.url)))
  const vault = await deploy(THIEF, made['LateVault'])
  const market = await deploy(THIEF, made['PriceTaker'], [vault.address])
  const visitor = await deploy(THIEF, made['Visitor'], [vault.address, market.address])
  await block([request(SAVER, vault, 'deposit', [], 10n * COIN)])
  await block([request(THIEF, visitor, 'enter', [], COIN)])
  return { vault, market, visitor }
})
const call = (...call: Parameters<typeof request>) => scene().block([request(...call)])

const watch = () => {
  const { anvil, vault, market, start } = scene()
  return runBotOnAnvil(reentrancy, anvil, {
    things: [
      { kind: 'vault', name: 'vault', ...vault },
      { kind: 'contract', name: 'market', ...market },
    ],
    from: start(),
  })
}

test('behavior: a vault that pays before it books is emptied by coming back in', async () => {
  const { visitor } = scene()
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
  const { market, visitor } = scene()
  await call(THIEF, visitor, 'leave', [2, 0n])
  expect(await watch()).toMatchObject([
    { alertId: 'READ-ONLY-REENTRANCY', severity: 'High', metadata: { consumer: market.address } },
  ])
})

test('behavior: deposits, plain withdrawals and prices read from outside are nothing', async () => {
  const { vault, market, visitor } = scene()
  await call(THIEF, visitor, 'leave', [0, 0n])
  await call(SAVER, vault, 'withdraw')
  await call(SAVER, vault, 'deposit', [], COIN)
  await call(SAVER, market, 'borrow')
  expect(await watch()).toEqual([])
})

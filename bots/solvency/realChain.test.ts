import { type Anvil, runBotOnAnvil, startAnvil } from 'tocsin/testing'
import { encodeAbiParameters, keccak256, toHex } from 'viem'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { runAttack } from '../../demo/attack.ts'
import { type DemoDeployment, deployDemo, FIRST_USER } from '../../demo/contracts/index.ts'
import { playTraffic } from '../../demo/traffic.ts'
import { solvency } from './bot.ts'

const USERS = 6
let anvil: Anvil
let demo: DemoDeployment
let snapshot: unknown
let start = 0
const mine = (): Promise<unknown> => anvil.rpc('evm_mine')

beforeAll(async () => {
  anvil = await startAnvil({ accounts: FIRST_USER + USERS })
  demo = await deployDemo({ rpcUrl: anvil.url, users: USERS, mine })
  snapshot = await anvil.rpc('evm_snapshot')
})
afterAll(() => anvil?.stop())
beforeEach(async () => {
  await anvil.rpc('evm_revert', [snapshot])
  snapshot = await anvil.rpc('evm_snapshot')
  start = Number(await anvil.rpc<string>('eth_blockNumber')) + 1
  await mine()
  await mine()
})

const look = () =>
  runBotOnAnvil(solvency, anvil, {
    from: start,
    traces: false,
    things: [
      { kind: 'vault', name: 'vault', address: demo.vault.address },
      { kind: 'pool', name: 'pair', address: demo.pair.address, variant: 'uniswap-v2' },
      { kind: 'pool', name: 'pool', address: demo.pool.address, variant: 'uniswap-v3' },
      { kind: 'token', name: 'weth', address: demo.weth.address },
      { kind: 'token', name: 'usd', address: demo.usd.address },
    ],
  })

test('behavior: ordinary traffic in vault, pools and wrapped ether is silent', async () => {
  await playTraffic({ deployment: demo, seconds: 10, ratePerS: 12, seed: 5, mine })
  expect(await look()).toEqual([])
})

test('behavior: a drain that the books of the vault follow is no insolvency', async () => {
  await runAttack({ deployment: demo, drains: 3, mine })
  expect(await look()).toEqual([])
})

test('behavior: tokens that vanish from a pool, and native coin from under its wrapper', async () => {
  // OpenZeppelin's ERC-20 keeps balances in slot 0.
  const slot = keccak256(
    encodeAbiParameters([{ type: 'address' }, { type: 'uint256' }], [demo.pair.address, 0n]),
  )
  await anvil.rpc('anvil_setStorageAt', [demo.usd.address, slot, toHex(1n, { size: 32 })])
  await anvil.rpc('anvil_setBalance', [demo.weth.address, '0x1'])
  await anvil.rpc('anvil_mine', ['0x2', '0x12c'])
  const found = await look()
  expect(found.map(({ alertId, severity, thing }) => [alertId, severity, thing]).sort()).toEqual([
    ['SHORTFALL', 'Critical', 'weth'],
    ['SHORTFALL', 'Medium', 'pair'],
  ])
})

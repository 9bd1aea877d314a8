import { runBotOnAnvil } from 'tocsin/testing'
import { encodeAbiParameters, keccak256, toHex } from 'viem'
import { expect, test } from 'vitest'
import { runAttack } from '../../demo/attack.ts'
import { playTraffic } from '../../demo/traffic.ts'
import { useDemoScene } from '../../test/support/demoScene.ts'
import { solvency } from './bot.ts'

const scene = useDemoScene(6)

const look = () => {
  const { anvil, demo, start } = scene()
  return runBotOnAnvil(solvency, anvil, {
    from: start(),
    traces: false,
    things: [
      { kind: 'vault', name: 'vault', address: demo.vault.address },
      { kind: 'pool', name: 'pair', address: demo.pair.address, variant: 'uniswap-v2' },
      { kind: 'pool', name: 'pool', address: demo.pool.address, variant: 'uniswap-v3' },
      { kind: 'token', name: 'weth', address: demo.weth.address },
      { kind: 'token', name: 'usd', address: demo.usd.address },
    ],
  })
}

test('behavior: ordinary traffic in vault, pools and wrapped ether is silent', async () => {
  const { demo, mine } = scene()
  await playTraffic({ deployment: demo, seconds: 10, ratePerS: 12, seed: 5, mine })
  expect(await look()).toEqual([])
})

test('behavior: a drain that the books of the vault follow is no insolvency', async () => {
  const { demo, mine } = scene()
  await runAttack({ deployment: demo, drains: 3, mine })
  expect(await look()).toEqual([])
})

test('behavior: tokens that vanish from a pool, and native coin from under its wrapper', async () => {
  const { anvil, demo } = scene()
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

import { fileURLToPath } from 'node:url'
import { runBotOnAnvil } from 'tocsin/testing'
import { expect, test } from 'vitest'
import { runAttack } from '../../demo/attack.ts'
import { callOf, compileContracts, ETHER, USD } from '../../demo/contracts/index.ts'
import { playTraffic } from '../../demo/traffic.ts'
import { useDemoSceneWith } from '../../test/support/demoScene.ts'
import { mintAnomaly } from './bot.ts'

const scene = useDemoSceneWith(8, async ({ demo, block, deploy }) => {
  const made = {
    ...(await compileContracts()),
    ...(await compileContracts(fileURLToPath(new URL('contracts', import.meta.url)))),
  }
  const { deployer } = demo.actors
  const odd = {
    rebasing: await deploy(deployer.address, made['RebasingToken'], []),
    wrapper: await deploy(deployer.address, made['LeakyWrapper'], [demo.usd.address]),
    coin: await deploy(deployer.address, made['DemoToken'], ['Coin', 'COIN', 6, deployer.address]),
  }
  await block([callOf(deployer.address, odd.coin, 'mint', [deployer.address, 10_000_000n * USD])])
  return { odd }
})

const run = () => {
  const { anvil, demo, odd, start } = scene()
  return runBotOnAnvil(mintAnomaly, anvil, {
    things: [
      { kind: 'token', name: 'usd', address: demo.usd.address, abi: demo.usd.abi },
      { kind: 'token', name: 'coin', address: odd.coin.address },
      { kind: 'token', name: 'weth', address: demo.weth.address },
      { kind: 'token', name: 'rebasing', address: odd.rebasing.address },
      { kind: 'token', name: 'wrapper', address: odd.wrapper.address },
      { kind: 'vault', name: 'vault', address: demo.vault.address, asset: demo.usd.address },
    ],
    from: start(),
  })
}
const told = async () =>
  (await run()).map(({ alertId, severity, thing }) => [alertId, severity, thing])

test("behavior: ordinary traffic, and the demo's attack, which mints nothing, are silent", async () => {
  const { demo, mine } = scene()
  await playTraffic({ deployment: demo, seconds: 15, ratePerS: 12, seed: 7, mine })
  await runAttack({ deployment: demo, drains: 3, mine })
  expect(await told()).toEqual([])
})

test('behavior: a stolen minter doubles the supply; a whale in the vault is silent', async () => {
  const { demo, odd, block } = scene()
  const { usd, vault, actors } = demo
  const whale = actors.whale.address
  const much = 3_000_000n * USD
  await block([
    callOf(whale, usd, 'approve', [vault.address, much]),
    callOf(whale, vault, 'deposit', [much, whale]),
  ])
  await block([callOf(whale, vault, 'redeem', [much / 2n, whale, whale])])
  expect(await told()).toEqual([])
  const minter = actors.deployer.address
  for (let i = 0n; i < 6n; i++)
    await block([callOf(minter, odd.coin, 'mint', [whale, 20_000n * USD + i])])
  expect(await told()).toEqual([])
  await block([callOf(minter, odd.coin, 'mint', [actors.attacker.address, 50_000_000n * USD])])
  const found = await run()
  expect(found).toMatchObject([
    {
      alertId: 'SUPPLY-JUMP',
      severity: 'Critical',
      thing: 'coin',
      metadata: { holder: actors.attacker.address, minter },
    },
  ])
})

test('behavior: wrapping by a whale is silent, units without collateral are Critical', async () => {
  const { demo, odd, block } = scene()
  const { usd, weth, actors } = demo
  const whale = actors.whale.address
  const { wrapper } = odd
  await block([
    callOf(whale, usd, 'approve', [wrapper.address, 5_000n * USD]),
    callOf(whale, wrapper, 'depositFor', [whale, 1_000n * USD]),
  ])
  await block([
    callOf(whale, wrapper, 'depositFor', [whale, 4_000n * USD]),
    callOf(whale, weth, 'deposit', [], { valueWei: 500n * ETHER }),
  ])
  await block([
    callOf(whale, wrapper, 'withdrawTo', [whale, 2_000n * USD]),
    callOf(whale, weth, 'withdraw', [400n * ETHER]),
  ])
  const quiet = await told()
  expect(quiet.filter(([, severity]) => severity !== 'Low' && severity !== 'Medium')).toEqual([])
  await block([
    callOf(actors.attacker.address, wrapper, 'leak', [actors.attacker.address, 900n * USD]),
  ])
  expect((await told()).slice(quiet.length)).toEqual([['MINT-UNBACKED', 'Critical', 'wrapper']])
})

test('behavior: a rebase is silent, a mint in secret of the same size is Critical', async () => {
  const { demo, odd, block } = scene()
  const { rebasing } = odd
  const [alice, bob] = demo.users
  if (!alice || !bob) throw new Error('no users')
  const call = (functionName: string, args: readonly unknown[]) =>
    callOf(demo.actors.deployer.address, rebasing, functionName, args)
  await block([call('mint', [alice.address, 1_000n * ETHER])])
  await block([call('mint', [bob.address, 5n * ETHER])])
  await block([call('rebase', [1_055n * ETHER])])
  await block([call('rebase', [1_045n * ETHER])])
  expect(await told()).toEqual([])
  await block([call('sneak', [demo.actors.attacker.address, 50n * ETHER])])
  expect(await told()).toEqual([['SILENT-MINT', 'Critical', 'rebasing']])
})

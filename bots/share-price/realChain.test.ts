import { runBotOnAnvil } from 'tocsin/testing'
import { encodeDeployData, encodeFunctionData } from 'viem'
import { expect, test } from 'vitest'
import { callOf, compileContracts, type DemoDeployment, USD } from '../../demo/contracts/index.ts'
import { playTraffic } from '../../demo/traffic.ts'
import { useDemoSceneWith } from '../../test/support/demoScene.ts'
import { sharePrice } from './bot.ts'

const scene = useDemoSceneWith(4, async ({ demo, block }) => {
  const { DemoProxy } = await compileContracts()
  if (!DemoProxy) throw new Error('no DemoProxy')
  const { deployer } = demo.actors
  const initialize = encodeFunctionData({
    abi: demo.vault.abi,
    functionName: 'initialize',
    args: [demo.usd.address, deployer.address, deployer.address],
  })
  const data = encodeDeployData({
    ...DemoProxy,
    args: [demo.vaultImplementation.address, initialize],
  })
  const [created] = await block([{ from: deployer.address, data, gas: 3_000_000n }])
  if (!created?.contractAddress) throw new Error('no vault')
  /** A vault that nobody has used yet. */
  const fresh: DemoDeployment['vault'] = { ...demo.vault, address: created.contractAddress }
  const approve = (who: DemoDeployment['users'][number]) =>
    callOf(who.address, demo.usd, 'approve', [fresh.address, 2n ** 255n])
  await block([demo.actors.attacker, ...demo.users].map(approve))
  return { fresh }
})

const found = async () => {
  const { anvil, demo, fresh, start } = scene()
  return runBotOnAnvil(sharePrice, anvil, {
    things: [
      { kind: 'vault', name: 'vault', address: demo.vault.address },
      { kind: 'vault', name: 'fresh', address: fresh.address },
    ],
    from: start(),
  })
}
const brief = (rows: Awaited<ReturnType<typeof found>>) =>
  rows.map(({ alertId, severity, thing, condition }) => [alertId, severity, thing, condition])
const totalAssets = async (): Promise<bigint> => {
  const { anvil, demo } = scene()
  const { to, data } = callOf(demo.actors.deployer.address, demo.vault, 'totalAssets', [])
  return BigInt(await anvil.rpc<string>('eth_call', [{ to, data }, 'latest']))
}
const give = (units: bigint) => {
  const { demo } = scene()
  return callOf(demo.actors.whale.address, demo.usd, 'transfer', [demo.vault.address, units])
}

test('behavior: ordinary traffic, whales in and out, and yield raise nothing', async () => {
  const { demo, mine, block } = scene()
  await playTraffic({ deployment: demo, seconds: 15, ratePerS: 10, seed: 9, mine })
  const whale = demo.actors.whale.address
  await block([callOf(whale, demo.usd, 'approve', [demo.vault.address, 3_000_000n * USD])])
  await block([callOf(whale, demo.vault, 'deposit', [3_000_000n * USD, whale])])
  await block([give(((await totalAssets()) * 40n) / 10_000n)])
  const units = demo.vault
  await block([callOf(whale, units, 'withdraw', [2_900_000n * USD, whale, whale])])
  expect(brief(await found())).toEqual([])
})

test('behavior: a donation of a quarter of the vault is Critical, of three per cent Medium', async () => {
  const { demo, block } = scene()
  await block([give(((await totalAssets()) * 3n) / 100n)])
  await block([give((await totalAssets()) / 4n)])
  const rows = await found()
  expect(brief(rows)).toEqual([
    ['SHARE-PRICE-JUMP', 'Medium', 'vault', null],
    ['SHARE-PRICE-JUMP', 'Critical', 'vault', null],
  ])
  expect(rows[1]?.metadata).toMatchObject({
    cause: 'donation',
    caller: demo.actors.whale.address,
    changeBps: '2499',
  })
})

test('behavior: the first depositor is robbed, in two blocks or in one', async () => {
  const { demo, fresh, block, rewind } = scene()
  const thief = demo.actors.attacker.address
  const [victim] = demo.users
  if (!victim) throw new Error('no users')
  await block([callOf(thief, fresh, 'deposit', [1n, thief])])
  await block([callOf(thief, demo.usd, 'transfer', [fresh.address, 10_000n * USD])])
  await block([callOf(victim.address, fresh, 'deposit', [4_000n * USD, victim.address])])
  const rows = await found()
  expect(brief(rows)).toEqual([
    ['SHARE-INFLATION', 'High', 'fresh', 'holds'],
    ['DEPOSIT-ROBBED', 'Critical', 'fresh', null],
  ])
  expect(rows[1]?.metadata).toMatchObject({ victim: victim.address, minted: '0' })
  await rewind()
  await block([
    callOf(thief, fresh, 'deposit', [1n, thief]),
    callOf(thief, demo.usd, 'transfer', [fresh.address, 10_000n * USD]),
    callOf(victim.address, fresh, 'deposit', [4_000n * USD, victim.address]),
  ])
  expect((await found()).map(({ alertId }) => alertId).sort()).toEqual([
    'DEPOSIT-ROBBED',
    'SHARE-INFLATION',
  ])
})

test('behavior: first depositors of all sizes in an empty vault are silent', async () => {
  const { demo, fresh, block } = scene()
  const [a, b, c] = demo.users
  if (!a || !b || !c) throw new Error('no users')
  await block([callOf(a.address, fresh, 'deposit', [100n, a.address])])
  await block([callOf(b.address, fresh, 'deposit', [50_000n * USD, b.address])])
  await block([callOf(c.address, fresh, 'mint', [1n * USD, c.address])])
  await block([callOf(b.address, fresh, 'redeem', [50_000n * USD, b.address, b.address])])
  expect(brief(await found())).toEqual([])
})

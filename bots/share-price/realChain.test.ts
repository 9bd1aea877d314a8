import { type Anvil, runBotOnAnvil, startAnvil } from 'tocsin/testing'
import { encodeDeployData, encodeFunctionData } from 'viem'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import {
  callOf,
  compileContracts,
  createSender,
  type DemoDeployment,
  deployDemo,
  FIRST_USER,
  type Sender,
  type SendRequest,
  USD,
} from '../../demo/contracts/index.ts'
import { playTraffic } from '../../demo/traffic.ts'
import { sharePrice } from './bot.ts'

let anvil: Anvil
let demo: DemoDeployment
let sender: Sender
let snapshot: unknown
let start = 0
/** A vault that nobody has used yet. */
let fresh: DemoDeployment['vault']
const mine = (): Promise<unknown> => anvil.rpc('evm_mine')

const block = async (requests: readonly SendRequest[]) => {
  const hashes = await sender.send(requests)
  await mine()
  const receipts = await sender.wait(hashes)
  expect(receipts.map(({ status }) => status)).toEqual(requests.map(() => 'success'))
  return receipts
}

beforeAll(async () => {
  anvil = await startAnvil({ accounts: FIRST_USER + 4 })
  demo = await deployDemo({ rpcUrl: anvil.url, users: 4, mine })
  sender = await createSender({ rpcUrl: anvil.url })
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
  fresh = { ...demo.vault, address: created.contractAddress }
  const approve = (who: DemoDeployment['users'][number]) =>
    callOf(who.address, demo.usd, 'approve', [fresh.address, 2n ** 255n])
  await block([demo.actors.attacker, ...demo.users].map(approve))
  snapshot = await anvil.rpc('evm_snapshot')
})
afterAll(() => anvil?.stop())
beforeEach(async () => {
  await anvil.rpc('evm_revert', [snapshot])
  snapshot = await anvil.rpc('evm_snapshot')
  sender = await createSender({ rpcUrl: anvil.url })
  start = Number(await anvil.rpc<string>('eth_blockNumber')) + 1
  await mine()
  await mine()
})

const found = async () =>
  runBotOnAnvil(sharePrice, anvil, {
    things: [
      { kind: 'vault', name: 'vault', address: demo.vault.address },
      { kind: 'vault', name: 'fresh', address: fresh.address },
    ],
    from: start,
  })
const brief = (rows: Awaited<ReturnType<typeof found>>) =>
  rows.map(({ alertId, severity, thing, condition }) => [alertId, severity, thing, condition])
const totalAssets = async (): Promise<bigint> => {
  const { to, data } = callOf(demo.actors.deployer.address, demo.vault, 'totalAssets', [])
  return BigInt(await anvil.rpc<string>('eth_call', [{ to, data }, 'latest']))
}
const give = (units: bigint, to = demo.vault.address) =>
  callOf(demo.actors.whale.address, demo.usd, 'transfer', [to, units])

test('behavior: ordinary traffic, whales in and out, and yield raise nothing', async () => {
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
  await anvil.rpc('evm_revert', [snapshot])
  snapshot = await anvil.rpc('evm_snapshot')
  sender = await createSender({ rpcUrl: anvil.url })
  await mine()
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
  const [a, b, c] = demo.users
  if (!a || !b || !c) throw new Error('no users')
  await block([callOf(a.address, fresh, 'deposit', [100n, a.address])])
  await block([callOf(b.address, fresh, 'deposit', [50_000n * USD, b.address])])
  await block([callOf(c.address, fresh, 'mint', [1n * USD, c.address])])
  await block([callOf(b.address, fresh, 'redeem', [50_000n * USD, b.address, b.address])])
  expect(brief(await found())).toEqual([])
})

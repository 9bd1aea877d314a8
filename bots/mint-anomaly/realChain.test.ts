import { fileURLToPath } from 'node:url'
import { type Anvil, runBotOnAnvil, startAnvil } from 'tocsin/testing'
import type { Abi, Hex } from 'viem'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { runAttack } from '../../demo/attack.ts'
import { compileContracts } from '../../demo/contracts/compile.ts'
import { creation } from '../../demo/contracts/deployKit.ts'
import {
  callOf,
  createSender,
  type DemoDeployment,
  deployDemo,
  ETHER,
  FIRST_USER,
  type Sender,
  type SendRequest,
  USD,
} from '../../demo/contracts/index.ts'
import { playTraffic } from '../../demo/traffic.ts'
import { mintAnomaly } from './bot.ts'

type Contract = { readonly address: Hex; readonly abi: Abi }
const USERS = 8
let anvil: Anvil
let demo: DemoDeployment
let odd: { readonly rebasing: Contract; readonly wrapper: Contract; readonly coin: Contract }
let sender: Sender
let snapshot: unknown
let start = 0
const mine = (): Promise<unknown> => anvil.rpc('evm_mine')

const block = async (requests: readonly SendRequest[]) => {
  const hashes = await sender.send(requests)
  await mine()
  const receipts = await sender.wait(hashes)
  expect(receipts.map(({ status }) => status)).toEqual(requests.map(() => 'success'))
  return receipts
}

beforeAll(async () => {
  anvil = await startAnvil({ accounts: FIRST_USER + USERS })
  demo = await deployDemo({ rpcUrl: anvil.url, users: USERS, mine })
  sender = await createSender({ rpcUrl: anvil.url })
  const made = {
    ...(await compileContracts()),
    ...(await compileContracts(fileURLToPath(new URL('contracts', import.meta.url)))),
  }
  const { deployer } = demo.actors
  const deploy = async (name: string, args: readonly unknown[]): Promise<Contract> => {
    const artifact = made[name]
    if (!artifact) throw new Error(`no contract ${name}`)
    const [receipt] = await block([creation(deployer.address, artifact, args)])
    if (!receipt?.contractAddress) throw new Error(`${name} was not made`)
    return { address: receipt.contractAddress, abi: artifact.abi }
  }
  odd = {
    rebasing: await deploy('RebasingToken', []),
    wrapper: await deploy('LeakyWrapper', [demo.usd.address]),
    coin: await deploy('DemoToken', ['Coin', 'COIN', 6, deployer.address]),
  }
  await block([callOf(deployer.address, odd.coin, 'mint', [deployer.address, 10_000_000n * USD])])
  snapshot = await anvil.rpc('evm_snapshot')
})
afterAll(() => anvil?.stop())
beforeEach(async () => {
  await anvil.rpc('evm_revert', [snapshot])
  snapshot = await anvil.rpc('evm_snapshot')
  sender = await createSender({ rpcUrl: anvil.url })
  start = Number(await anvil.rpc<string>('eth_blockNumber')) + 1
  await mine()
})

const run = () =>
  runBotOnAnvil(mintAnomaly, anvil, {
    things: [
      { kind: 'token', name: 'usd', address: demo.usd.address, abi: demo.usd.abi },
      { kind: 'token', name: 'coin', address: odd.coin.address },
      { kind: 'token', name: 'weth', address: demo.weth.address },
      { kind: 'token', name: 'rebasing', address: odd.rebasing.address },
      { kind: 'token', name: 'wrapper', address: odd.wrapper.address },
      { kind: 'vault', name: 'vault', address: demo.vault.address, asset: demo.usd.address },
    ],
    from: start,
  })
const told = async () =>
  (await run()).map(({ alertId, severity, thing }) => [alertId, severity, thing])

test("behavior: ordinary traffic, and the demo's attack, which mints nothing, are silent", async () => {
  await playTraffic({ deployment: demo, seconds: 15, ratePerS: 12, seed: 7, mine })
  await runAttack({ deployment: demo, drains: 3, mine })
  expect(await told()).toEqual([])
})

test('behavior: a stolen minter doubles the supply; a whale in the vault is silent', async () => {
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

import { type Anvil, runBotOnAnvil, startAnvil } from 'tocsin/testing'
import { afterAll, beforeAll, expect, test } from 'vitest'
import {
  callOf,
  createSender,
  type DemoDeployment,
  deployDemo,
  FIRST_USER,
} from '../../demo/contracts/index.ts'
import { playTraffic } from '../../demo/traffic.ts'
import { whaleWatch } from './bot.ts'

const USERS = 6
const EXCHANGE = '0x00000000000000000000000000000000000000e1'
let anvil: Anvil
let demo: DemoDeployment
const mine = (): Promise<unknown> => anvil.rpc('evm_mine')
const head = async (): Promise<number> => Number(await anvil.rpc<string>('eth_blockNumber'))

beforeAll(async () => {
  anvil = await startAnvil({ accounts: FIRST_USER + USERS })
  demo = await deployDemo({ rpcUrl: anvil.url, users: USERS, mine })
})
afterAll(() => anvil?.stop())

const run = (from: number) =>
  runBotOnAnvil(whaleWatch, anvil, {
    things: [{ kind: 'token', name: 'usd', address: demo.usd.address, abi: demo.usd.abi }],
    labels: [{ address: EXCHANGE, name: 'An exchange', tags: ['exchange'] }],
    from,
  })
const balanceOf = async (who: `0x${string}`): Promise<bigint> => {
  const { to, data } = callOf(who, demo.usd, 'balanceOf', [who])
  return BigInt(await anvil.rpc<string>('eth_call', [{ to, data }, 'latest']))
}

test('behavior: ordinary traffic is silent; a whale that leaves is found in its block; passing through is not', async () => {
  const start = (await head()) + 1
  await playTraffic({ deployment: demo, seconds: 8, ratePerS: 12, seed: 7, mine })
  expect(
    (await run(start))
      .filter(({ severity }) => severity !== 'Info')
      .map(({ description }) => description),
  ).toEqual([])

  const sender = await createSender({ rpcUrl: anvil.url })
  const { whale, deployer } = demo.actors
  const all = await balanceOf(whale.address)
  expect(all).toBeGreaterThan(0n)
  const send = async (steps: readonly (readonly [`0x${string}`, `0x${string}`, bigint])[]) => {
    const hashes = await sender.send(
      steps.map(([from, to, units]) => callOf(from, demo.usd, 'transfer', [to, units])),
    )
    await mine()
    await sender.wait(hashes)
    return head()
  }
  // There and back within one block: nothing has changed.
  const from = (await head()) + 1
  await send([
    [whale.address, deployer.address, all],
    [deployer.address, whale.address, all],
  ])
  expect(await run(from)).toEqual([])
  const left = await send([[whale.address, EXCHANGE, all]])
  expect(await run(from)).toMatchObject([
    {
      alertId: 'WHALE-OUT',
      severity: 'Low',
      thing: 'usd',
      blockNumber: left,
      metadata: { whale: whale.address, recipient: EXCHANGE, after: '0', before: all.toString() },
    },
  ])
})

import { type Anvil, runBotOnAnvil, startAnvil } from 'tocsin/testing'
import { afterAll, beforeAll, expect, test } from 'vitest'
import {
  callOf,
  createSender,
  type DemoDeployment,
  deployDemo,
  ETHER,
  FIRST_USER,
  USD,
} from '../../demo/contracts/index.ts'
import { playTraffic } from '../../demo/traffic.ts'
import { exchangeFlow } from './bot.ts'

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
  runBotOnAnvil(exchangeFlow, anvil, {
    things: [
      { kind: 'token', name: 'usd', address: demo.usd.address, abi: demo.usd.abi },
      {
        kind: 'treasury',
        name: 'treasury',
        address: demo.actors.treasury.address,
        tokens: [demo.usd.address],
      },
    ],
    labels: [{ address: EXCHANGE, name: 'An exchange', tags: ['exchange'] }],
    from,
  })

test('behavior: ordinary traffic is silent, a treasury that is sold is found in its block', async () => {
  const start = (await head()) + 1
  await playTraffic({ deployment: demo, seconds: 8, ratePerS: 12, seed: 7, mine })
  expect((await run(start)).map(({ description }) => description)).toEqual([])

  const sender = await createSender({ rpcUrl: anvil.url })
  const from = (await head()) + 1
  const { treasury } = demo.actors
  const hashes = await sender.send([
    callOf(treasury.address, demo.usd, 'transfer', [EXCHANGE, 100n * USD]),
    { from: treasury.address, to: EXCHANGE, valueWei: 9_000n * ETHER },
  ])
  await mine()
  await sender.wait(hashes)
  const found = await run(from)
  expect(found.map(({ alertId, severity, thing }) => [alertId, severity, thing])).toContainEqual([
    'EXCHANGE-DEPOSIT',
    'High',
    'treasury',
  ])
  expect(new Set(found.map(({ blockNumber }) => blockNumber))).toEqual(new Set([from]))
  expect(found.filter(({ metadata }) => metadata['asset'] === 'native')).toHaveLength(1)
})

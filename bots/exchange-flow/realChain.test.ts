import { runBotOnAnvil } from 'tocsin/testing'
import { expect, test } from 'vitest'
import { callOf, ETHER, USD } from '../../demo/contracts/index.ts'
import { playTraffic } from '../../demo/traffic.ts'
import { useDemoScene } from '../../test/support/demoScene.ts'
import { exchangeFlow } from './bot.ts'

const EXCHANGE = '0x00000000000000000000000000000000000000e1'
const scene = useDemoScene(6)

const run = (from: number) => {
  const { anvil, demo } = scene()
  return runBotOnAnvil(exchangeFlow, anvil, {
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
}

test('behavior: ordinary traffic is silent, a treasury that is sold is found in its block', async () => {
  const { demo, mine, head, block, start } = scene()
  await playTraffic({ deployment: demo, seconds: 8, ratePerS: 12, seed: 7, mine })
  expect((await run(start())).map(({ description }) => description)).toEqual([])

  const from = (await head()) + 1
  const { treasury } = demo.actors
  await block([
    callOf(treasury.address, demo.usd, 'transfer', [EXCHANGE, 100n * USD]),
    { from: treasury.address, to: EXCHANGE, valueWei: 9_000n * ETHER },
  ])
  const found = await run(from)
  expect(found.map(({ alertId, severity, thing }) => [alertId, severity, thing])).toContainEqual([
    'EXCHANGE-DEPOSIT',
    'High',
    'treasury',
  ])
  expect(new Set(found.map(({ blockNumber }) => blockNumber))).toEqual(new Set([from]))
  expect(found.filter(({ metadata }) => metadata['asset'] === 'native')).toHaveLength(1)
})

import { runBotOnAnvil } from 'tocsin/testing'
import { expect, test } from 'vitest'
import { callOf } from '../../demo/contracts/index.ts'
import { playTraffic } from '../../demo/traffic.ts'
import { useDemoScene } from '../../test/support/demoScene.ts'
import { whaleWatch } from './bot.ts'

const EXCHANGE = '0x00000000000000000000000000000000000000e1'
const scene = useDemoScene(6)

const run = (from: number) => {
  const { anvil, demo } = scene()
  return runBotOnAnvil(whaleWatch, anvil, {
    things: [{ kind: 'token', name: 'usd', address: demo.usd.address, abi: demo.usd.abi }],
    labels: [{ address: EXCHANGE, name: 'An exchange', tags: ['exchange'] }],
    from,
  })
}
const balanceOf = async (who: `0x${string}`): Promise<bigint> => {
  const { anvil, demo } = scene()
  const { to, data } = callOf(who, demo.usd, 'balanceOf', [who])
  return BigInt(await anvil.rpc<string>('eth_call', [{ to, data }, 'latest']))
}

test('behavior: ordinary traffic is silent; a whale that leaves is found in its block; passing through is not', async () => {
  const { demo, mine, head, block, start } = scene()
  await playTraffic({ deployment: demo, seconds: 8, ratePerS: 12, seed: 7, mine })
  expect(
    (await run(start()))
      .filter(({ severity }) => severity !== 'Info')
      .map(({ description }) => description),
  ).toEqual([])

  const { whale, deployer } = demo.actors
  const all = await balanceOf(whale.address)
  expect(all).toBeGreaterThan(0n)
  const send = async (steps: readonly (readonly [`0x${string}`, `0x${string}`, bigint])[]) => {
    await block(steps.map(([from, to, units]) => callOf(from, demo.usd, 'transfer', [to, units])))
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

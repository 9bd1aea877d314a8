import { runBotOnAnvil } from 'tocsin/testing'
import { expect, test } from 'vitest'
import { runAttack } from '../../demo/attack.ts'
import { playTraffic } from '../../demo/traffic.ts'
import { useDemoScene } from '../../test/support/demoScene.ts'
import { adminCall } from '../admin-call/bot.ts'
import { largeTransfer } from '../large-transfer/bot.ts'
import { liquidityPull } from '../liquidity-pull/bot.ts'
import { tvlDrop } from '../tvl-drop/bot.ts'
import { correlation } from './bot.ts'

const scene = useDemoScene(8)

const run = () => {
  const { anvil, demo, start } = scene()
  return runBotOnAnvil(correlation, anvil, {
    things: [
      {
        kind: 'vault',
        name: 'vault',
        address: demo.vault.address,
        abi: demo.vault.abi,
        asset: demo.usd.address,
        proxy: true,
        protocol: 'demo',
        adminFunctions: ['setFeeRecipient(address)', 'migrate(address,uint256)'],
        bots: { 'admin-call': { traces: 'whenTouched' } },
      },
      {
        kind: 'pool',
        name: 'pair',
        address: demo.pair.address,
        variant: 'uniswap-v2',
        protocol: 'demo',
      },
      {
        kind: 'pool',
        name: 'pool',
        address: demo.pool.address,
        variant: 'uniswap-v3',
        protocol: 'demo',
      },
      {
        kind: 'token',
        name: 'usd',
        address: demo.usd.address,
        abi: demo.usd.abi,
        protocol: 'demo',
      },
      {
        kind: 'token',
        name: 'vote',
        address: demo.vote.address,
        abi: demo.vote.abi,
        protocol: 'demo',
      },
    ],
    from: start(),
    beside: [adminCall, largeTransfer, liquidityPull, tvlDrop],
  })
}

test('behavior: ordinary traffic of many users is no incident', async () => {
  const { demo, mine } = scene()
  await playTraffic({ deployment: demo, seconds: 20, ratePerS: 12, seed: 5, mine })
  expect(await run()).toEqual([])
})

test('behavior: the attack is one incident and one candidate for a pause, at the block where they first hold', async () => {
  const { demo, mine } = scene()
  const result = await runAttack({ deployment: demo, mine })
  const found = await run()
  expect(found.map(({ alertId }) => alertId).sort()).toEqual([
    'CORRELATED-INCIDENT',
    'PAUSE-CANDIDATE',
  ])
  const pause = found.find(({ alertId }) => alertId === 'PAUSE-CANDIDATE')
  const firstDrain = result.steps.find(({ takenUnits }) => takenUnits > 0n)
  expect(pause).toMatchObject({
    blockNumber: firstDrain?.block,
    severity: 'Critical',
    thing: 'vault',
  })
  expect(pause?.metadata['bots']?.split(',')).toEqual(
    expect.arrayContaining(['admin-call', 'tvl-drop']),
  )
  const incident = found.find(({ alertId }) => alertId === 'CORRELATED-INCIDENT')
  expect(Number(incident?.metadata['signals'])).toBeGreaterThanOrEqual(3)
})

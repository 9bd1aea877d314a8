import { runBotOnAnvil } from 'tocsin/testing'
import { expect, test } from 'vitest'
import { runAttack } from '../../demo/attack.ts'
import { playTraffic } from '../../demo/traffic.ts'
import { useDemoScene } from '../../test/support/demoScene.ts'
import { tvlDrop } from '../tvl-drop/bot.ts'
import { attackerPreparation } from './bot.ts'

const scene = useDemoScene(6)

test('behavior: traffic is silent; the attacker’s contract is told before it acts, and its drain is one graver', async () => {
  const { anvil, demo, mine, head } = scene()
  const start = (await head()) + 1
  const run = () =>
    runBotOnAnvil(attackerPreparation, anvil, {
      things: [
        {
          kind: 'vault',
          name: 'vault',
          address: demo.vault.address,
          abi: demo.vault.abi,
          asset: demo.usd.address,
        },
        { kind: 'token', name: 'usd', address: demo.usd.address },
      ],
      from: start,
      beside: [tvlDrop],
    })
  await playTraffic({ deployment: demo, seconds: 8, ratePerS: 12, seed: 3, mine })
  expect(await run()).toEqual([])

  const { steps } = await runAttack({ deployment: demo, drains: 3, mine })
  const drained = steps.find(({ takenUnits }) => takenUnits > 0n)
  const found = await run()
  const prepared = found.find(({ alertId }) => alertId === 'ATTACK-PREPARED')
  expect(prepared).toMatchObject({
    severity: 'Medium',
    thing: 'vault',
    metadata: { deployer: demo.actors.attacker.address },
  })
  expect(prepared?.blockNumber).toBeLessThan(drained?.block ?? 0)
  expect(found.filter(({ alertId }) => alertId === 'PREPARED-ATTACK')).toMatchObject([
    { severity: 'Critical', thing: 'vault', blockNumber: drained?.block },
  ])
})

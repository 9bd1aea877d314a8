import { type Anvil, runBotOnAnvil, startAnvil } from 'tocsin/testing'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { runAttack } from '../../demo/attack.ts'
import { type DemoDeployment, deployDemo, FIRST_USER } from '../../demo/contracts/index.ts'
import { playTraffic } from '../../demo/traffic.ts'
import { tvlDrop } from '../tvl-drop/bot.ts'
import { attackerPreparation } from './bot.ts'

const USERS = 6
let anvil: Anvil
let demo: DemoDeployment
const mine = (): Promise<unknown> => anvil.rpc('evm_mine')
const head = async (): Promise<number> => Number(await anvil.rpc<string>('eth_blockNumber'))

beforeAll(async () => {
  anvil = await startAnvil({ accounts: FIRST_USER + USERS })
  demo = await deployDemo({ rpcUrl: anvil.url, users: USERS, mine })
})
afterAll(() => anvil?.stop())

test('behavior: traffic is silent; the attacker’s contract is told before it acts, and its drain is one graver', async () => {
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

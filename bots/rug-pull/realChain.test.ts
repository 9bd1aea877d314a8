import { runBotOnAnvil } from 'tocsin/testing'
import { keccak256, toHex } from 'viem'
import { expect, test } from 'vitest'
import { runAttack } from '../../demo/attack.ts'
import { callOf, createSender } from '../../demo/contracts/index.ts'
import { playTraffic } from '../../demo/traffic.ts'
import { useDemoScene } from '../../test/support/demoScene.ts'
import { liquidityPull } from '../liquidity-pull/bot.ts'
import { mintAnomaly } from '../mint-anomaly/bot.ts'
import { rugPull } from './bot.ts'

const scene = useDemoScene(6)

test('behavior: traffic and pulled liquidity alone are silent; a mint on top of it is one rug pull', async () => {
  const { anvil, demo, mine, head } = scene()
  const start = (await head()) + 1
  const run = () =>
    runBotOnAnvil(rugPull, anvil, {
      things: [
        { kind: 'token', name: 'vote', protocol: 'demo', address: demo.vote.address },
        {
          kind: 'pool',
          name: 'pair',
          protocol: 'demo',
          address: demo.pair.address,
          variant: 'uniswap-v2',
        },
        {
          kind: 'pool',
          name: 'pool',
          protocol: 'demo',
          address: demo.pool.address,
          variant: 'uniswap-v3',
        },
      ],
      from: start,
      beside: [liquidityPull, mintAnomaly],
    })
  await playTraffic({ deployment: demo, seconds: 8, ratePerS: 12, seed: 3, mine })
  await runAttack({ deployment: demo, drains: 1, mine })
  expect(await run()).toEqual([])

  const sender = await createSender({ rpcUrl: anvil.url })
  const { vote, actors } = demo
  const admin = actors.deployer.address
  const supply = BigInt(
    await anvil.rpc<string>('eth_call', [callOf(admin, vote, 'totalSupply', []), 'latest']),
  )
  const hashes = await sender.send([
    callOf(admin, vote, 'grantRole', [keccak256(toHex('MINTER_ROLE')), admin]),
    callOf(admin, vote, 'mint', [actors.attacker.address, supply], { gas: 400_000n }),
  ])
  await mine()
  for (const { status } of await sender.wait(hashes)) expect(status).toBe('success')
  expect(await run()).toMatchObject([
    {
      alertId: 'RUG-PULL',
      severity: 'Critical',
      thing: 'vote',
      blockNumber: await head(),
      metadata: { signs: 'liquidity,mint' },
    },
  ])
})

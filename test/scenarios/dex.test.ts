import { ETHER, USD } from '../../demo/contracts/index.ts'
import { buildDex, type DexWorld, ordinaryDay, removeV2, swapV2, USERS } from './dexWorld.ts'
import { playStories, type Story } from './support/index.ts'

const stories: readonly Story<DexWorld>[] = [
  {
    name: 'the largest provider takes nearly all liquidity out of a pair',
    kind: 'attack',
    expects: [
      { botId: 'liquidity-pull', alertId: 'LIQUIDITY-PULL', thing: 'pair', minSeverity: 'High' },
    ],
    affects: ['usd', 'weth'],
    play: async (scene, world) => {
      const owner = world.demo.actors.marketMaker.address
      const shares = await scene.read(world.demo.pair, 'balanceOf', [owner])
      await scene.block([removeV2(world, owner, shares)])
      await scene.mark()
    },
  },
  {
    name: 'a whale trades a twentieth of the pair, there and back over an hour',
    kind: 'benign',
    play: async (scene, world) => {
      const whale = world.demo.actors.whale.address
      for (const n of [1n, 2n, 3n]) {
        await scene.block([swapV2(world, whale, n * 20_000n * USD)], { afterS: 600 })
        await scene.block([swapV2(world, whale, n * 9n * ETHER, false)], { afterS: 600 })
      }
    },
  },
]

playStories({ build: buildDex, before: ordinaryDay, accounts: 12 + USERS, stories })

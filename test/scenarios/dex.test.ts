import { encodeAbiParameters } from 'viem'
import { ETHER, USD } from '../../demo/contracts/index.ts'
import {
  approveAll,
  buildDex,
  type DexWorld,
  decreaseV3,
  mintV3,
  ordinaryDay,
  removeV2,
  swapV2,
  swapV3,
  together,
  USERS,
} from './dexWorld.ts'
import { actor, call, playStories, type Request, type Scene, type Story } from './support/index.ts'

const sharesOf = (scene: Scene, { demo }: DexWorld, owner: `0x${string}`) =>
  scene.read(demo.pair, 'balanceOf', [owner])
const liquidityOf = async (scene: Scene, { demo }: DexWorld, tokenId: bigint) => {
  const position = await scene.read<readonly unknown[]>(demo.positions, 'positions', [tokenId])
  return BigInt(String(position[7]))
}
/** What a lender calls back with. */
const plan = (requests: readonly Request[]) =>
  encodeAbiParameters(
    [{ type: 'address[]' }, { type: 'bytes[]' }],
    [requests.map(({ to }) => to ?? '0x'), requests.map(({ data }) => data ?? '0x')],
  )
const pull = (thing: string, alertId = 'LIQUIDITY-PULL') => ({
  botId: 'liquidity-pull',
  alertId,
  thing,
  minSeverity: 'High' as const,
})
const manipulated = (thing: string) => ({
  botId: 'price-manipulation',
  alertId: 'PRICE-MANIPULATION',
  thing,
  minSeverity: 'High' as const,
})

const attacks: readonly Story<DexWorld>[] = [
  {
    name: 'the largest provider takes nearly all liquidity out of a pair',
    kind: 'attack',
    expects: [{ ...pull('pair'), minSeverity: 'Critical' }],
    play: async (scene, world) => {
      const owner = world.demo.actors.marketMaker.address
      await scene.block([removeV2(world, owner, await sharesOf(scene, world, owner))])
      await scene.mark()
    },
  },
  {
    name: 'a provider takes out four per cent of a pair every two minutes',
    kind: 'attack',
    expects: [{ ...pull('pair', 'LIQUIDITY-DRAIN'), withinBlocks: 1 }],
    play: async (scene, world) => {
      const owner = world.demo.actors.marketMaker.address
      const part = (await scene.read(world.demo.pair, 'totalSupply')) / 25n
      for (let n = 1; n <= 6; n++) {
        await scene.block([removeV2(world, owner, part)], { afterS: 120 })
        // 4.0 + 4.2 + 4.3 % of what was there is more than a tenth.
        if (n === 3) await scene.mark()
      }
    },
  },
  {
    name: 'the liquidity in range of a v3 pool is taken out',
    kind: 'attack',
    expects: [{ ...pull('pool'), minSeverity: 'Critical' }],
    play: async (scene, world) => {
      const { marketMaker } = world.demo.actors
      const id = world.demo.tokenIds.marketMaker
      const all = await liquidityOf(scene, world, id)
      await scene.block([decreaseV3(world, marketMaker.address, id, (all * 7n) / 10n)])
      await scene.mark()
    },
  },
  {
    name: 'the price of a pair is moved, the vault used, and moved back in one transaction',
    kind: 'attack',
    expects: [{ ...manipulated('pair'), minSeverity: 'Critical' }],
    affects: ['vault'],
    play: async (scene, world) => {
      const { caller, demo } = world
      const own = caller.address
      await scene.block([
        together(world, [
          swapV2(world, own, 250_000n * USD),
          call(own, demo.vault, 'deposit', [1_000n * USD, own]),
          swapV2(world, own, 110n * ETHER, false),
        ]),
      ])
      await scene.mark()
    },
  },
  {
    name: 'the same with a v3 pool, sold first, and only eight per cent',
    kind: 'attack',
    expects: [manipulated('pool')],
    affects: ['vault'],
    play: async (scene, world) => {
      const { caller, demo } = world
      const own = caller.address
      await scene.block([
        together(world, [
          swapV3(world, own, 120n * ETHER, false),
          call(own, demo.vault, 'deposit', [1_000n * USD, own]),
          swapV3(world, own, 228_000n * USD),
        ]),
      ])
      await scene.mark()
    },
  },
  {
    name: 'what a pair holds of a token is burnt, and its reserves follow',
    kind: 'attack',
    expects: [
      {
        botId: 'price-manipulation',
        alertId: 'RESERVES-SKEW',
        thing: 'leaky-pair',
        minSeverity: 'Critical',
      },
    ],
    affects: ['leaky'],
    play: async (scene, world) => {
      const { leaky, leakyPair, demo } = world
      const thief = actor(1)
      const held = await scene.read(leaky, 'balanceOf', [leakyPair.address])
      await scene.block([
        call(thief, leaky, 'burn', [leakyPair.address, (held * 99n) / 100n]),
        call(thief, leakyPair, 'sync'),
      ])
      await scene.mark()
      await scene.block([call(demo.actors.deployer.address, leakyPair, 'sync')])
    },
  },
  {
    name: 'a token is minted without end and sold into its pair',
    kind: 'attack',
    expects: [
      { botId: 'mint-anomaly', alertId: 'SUPPLY-JUMP', thing: 'leaky', minSeverity: 'Critical' },
    ],
    affects: ['leaky-pair', 'usd'],
    play: async (scene, world) => {
      const { leaky, demo } = world
      const thief = actor(2)
      const supply = await scene.read(leaky, 'totalSupply')
      await scene.block([call(thief, leaky, 'mint', [thief, 5n * supply])])
      await scene.mark()
      await scene.block([
        call(thief, leaky, 'approve', [demo.v2Router.address, 2n ** 255n]),
        call(thief, demo.v2Router, 'swapExactTokensForTokens', [
          supply,
          0n,
          [leaky.address, demo.usd.address],
          thief,
          4_000_000_000n,
        ]),
      ])
    },
  },
  {
    name: 'wrapped native coin loses what backs it',
    kind: 'attack',
    expects: [
      {
        botId: 'solvency',
        alertId: 'SHORTFALL',
        thing: 'weth',
        minSeverity: 'High',
        withinS: 300,
      },
    ],
    affects: ['weth'],
    play: async (scene, world) => {
      const { weth, users } = world.demo
      const user = users[0]?.address ?? actor(0)
      const held = BigInt(await scene.rpc<string>('eth_getBalance', [weth.address, 'latest']))
      await scene.rpc('anvil_setBalance', [weth.address, `0x${((held * 8n) / 10n).toString(16)}`])
      // The node changes the newest block itself.
      await scene.mark()
      await scene.block([call(user, weth, 'deposit', [], { valueWei: ETHER })])
    },
  },
  {
    name: 'a pull of liquidity that the chain takes back',
    kind: 'attack',
    expects: [{ ...pull('pair'), retracted: true }],
    play: async (scene, world) => {
      const owner = world.demo.actors.marketMaker.address
      const fork = await scene.fork()
      await scene.block([removeV2(world, owner, (await sharesOf(scene, world, owner)) / 2n)])
      await scene.follow()
      await scene.goBack(fork)
      await scene.calm(2)
    },
  },
  {
    name: 'a pull of liquidity that the chain takes back, and then does again',
    kind: 'attack',
    expects: [{ ...pull('pair'), mark: 'again' }],
    affects: ['pair'],
    play: async (scene, world) => {
      const owner = world.demo.actors.marketMaker.address
      const shares = (await sharesOf(scene, world, owner)) / 2n
      const fork = await scene.fork()
      await scene.block([removeV2(world, owner, shares)])
      await scene.follow()
      await scene.goBack(fork)
      await scene.calm(2)
      await scene.follow()
      await scene.block([removeV2(world, owner, shares)])
      await scene.mark('again')
    },
  },
]

const benign: readonly Story<DexWorld>[] = [
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
  {
    name: 'liquidity is moved to another range within a block, and in a pair out and in',
    kind: 'benign',
    play: async (scene, world) => {
      const { demo } = world
      const maker = demo.actors.marketMaker.address
      const id = demo.tokenIds.marketMaker
      const all = await liquidityOf(scene, world, id)
      const shares = (await sharesOf(scene, world, maker)) / 2n
      await scene.block([
        decreaseV3(world, maker, id, all),
        call(maker, demo.positions, 'collect', [
          {
            tokenId: id,
            recipient: maker,
            amount0Max: 2n ** 127n,
            amount1Max: 2n ** 127n,
          },
        ]),
        mintV3(world, maker, 1_490_000n * USD, 9_000),
        removeV2(world, maker, shares),
        call(maker, demo.v2Router, 'addLiquidity', [
          demo.usd.address,
          demo.weth.address,
          800_000n * USD,
          400n * ETHER,
          0n,
          0n,
          maker,
          4_000_000_000n,
        ]),
      ])
    },
  },
  {
    name: 'liquidity just for one swap: in, swap, out',
    kind: 'benign',
    play: async (scene, world) => {
      const { demo } = world
      const whale = demo.actors.whale.address
      const user = demo.users[1]?.address ?? whale
      const before = await sharesOf(scene, world, whale)
      await scene.block([
        call(whale, demo.v2Router, 'addLiquidity', [
          demo.usd.address,
          demo.weth.address,
          400_000n * USD,
          200n * ETHER,
          0n,
          0n,
          whale,
          4_000_000_000n,
        ]),
        swapV2(world, user, 5_000n * USD),
        removeV2(world, whale, (before * 9n) / 10n),
      ])
    },
  },
  {
    name: 'a whale provides liquidity and leaves again half an hour later',
    kind: 'benign',
    play: async (scene, world) => {
      const { demo } = world
      const whale = demo.actors.whale.address
      const before = await sharesOf(scene, world, whale)
      await scene.block([
        call(whale, demo.v2Router, 'addLiquidity', [
          demo.usd.address,
          demo.weth.address,
          400_000n * USD,
          200n * ETHER,
          0n,
          0n,
          whale,
          4_000_000_000n,
        ]),
      ])
      const after = await sharesOf(scene, world, whale)
      await scene.calm(3, 600)
      await scene.block([removeV2(world, whale, after - before)])
    },
  },
  {
    name: 'flash loans of a pair and of a pool that do nothing',
    kind: 'benign',
    play: async (scene, world) => {
      const { demo, caller } = world
      const usdFirst = demo.usd.address < demo.weth.address
      const own = caller.address
      const amount = 900_000n * USD
      const payBack = (to: `0x${string}`) =>
        plan([call(own, demo.usd, 'transfer', [to, amount + amount / 200n])])
      const amounts = usdFirst ? [amount, 0n] : [0n, amount]
      await scene.block([
        together(world, [
          call(own, demo.pair, 'swap', [...amounts, own, payBack(demo.pair.address)]),
        ]),
        together(world, [
          call(own, demo.pool, 'flash', [own, ...amounts, payBack(demo.pool.address)]),
        ]),
      ])
    },
  },
  {
    name: 'arbitrage between the pair and the pool after a large trade, in one block',
    kind: 'benign',
    play: async (scene, world) => {
      const whale = world.demo.actors.whale.address
      await scene.block([
        swapV2(world, whale, 150_000n * USD),
        together(world, [
          swapV3(world, world.caller.address, 70_000n * USD),
          swapV2(world, world.caller.address, 30n * ETHER, false),
        ]),
      ])
    },
  },
  {
    name: "a stranger's trade is sandwiched",
    kind: 'benign',
    play: async (scene, world) => {
      const { demo } = world
      const user = demo.users[2]?.address ?? actor(0)
      const own = world.caller.address
      await scene.block([
        together(world, [swapV2(world, own, 60_000n * USD)]),
        swapV2(world, user, 20_000n * USD),
        together(world, [swapV2(world, own, 28n * ETHER, false)]),
      ])
    },
  },
  {
    name: 'an hour of heavy traffic',
    kind: 'benign',
    play: async (scene, world) => {
      const { demo } = world
      for (let n = 0; n < 15; n++) {
        const requests = demo.users.flatMap(({ address }, index) => {
          const units = BigInt(500 + 400 * index + 37 * n) * USD
          return [
            swapV2(world, address, units, (n + index) % 3 !== 0),
            swapV3(world, address, units / 3n, (n + index) % 2 === 0),
            call(address, demo.vault, 'deposit', [units, address]),
            call(address, demo.usd, 'transfer', [actor(index), units]),
          ]
        })
        await scene.block(
          requests.map((request) => request),
          { afterS: 240, status: 'any' },
        )
      }
    },
  },
]

playStories({
  build: async (scene) => {
    const world = await buildDex(scene)
    await approveAll(scene, world)
    return world
  },
  before: ordinaryDay,
  accounts: 12 + USERS,
  stories: [...attacks, ...benign],
})

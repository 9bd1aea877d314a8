import { encodeAbiParameters } from 'viem'
import {
  BTC,
  borrow,
  borrower,
  build,
  E18,
  type LendingWorld,
  lender,
  maker,
  repay,
  supply,
  swap,
  thief,
  together,
  USD,
  whale,
  withdraw,
} from './lendingWorld.ts'
import { actor, call, playStories, type Story } from './support/index.ts'

const utilised = { botId: 'utilisation', alertId: 'UTILISATION', thing: 'market' } as const

const attacks: readonly Story<LendingWorld>[] = [
  {
    name: 'collateral is priced by a pair that is pumped for one transaction',
    kind: 'attack',
    expects: [
      {
        botId: 'price-manipulation',
        alertId: 'PRICE-MANIPULATION',
        thing: 'pair',
        minSeverity: 'Critical',
      },
    ],
    affects: ['market', 'usd'],
    play: async (scene, world) => {
      const { usd, spot, eth, caller } = world
      const own = caller.address
      await scene.block([
        together(world, [
          swap(world, own, usd, spot, 6_000_000n * USD),
          supply(world, own, spot, 400_000n * E18),
          borrow(world, own, eth, 1_500n * E18),
          swap(world, own, spot, usd, 1_490_000n * E18),
        ]),
      ])
      await scene.mark()
    },
  },
  {
    name: 'nearly all of a reserve is lent out',
    kind: 'attack',
    expects: [{ ...utilised, minSeverity: 'High' }],
    play: async (scene, world) => {
      await scene.block([
        supply(world, whale, world.btc, 400n * BTC),
        borrow(world, whale, world.usd, 5_970_000n * USD),
      ])
      await scene.mark()
    },
  },
  {
    name: 'a loan grows past its collateral, and a liquidation leaves debt alone',
    kind: 'attack',
    expects: [
      { botId: 'utilisation', alertId: 'BAD-DEBT', thing: 'market', minSeverity: 'High' },
      { botId: 'oracle', alertId: 'ORACLE-JUMP', thing: 'eth-feed', mark: 'crash' },
    ],
    play: async (scene, world) => {
      await scene.block([call(maker, world.ethFeed, 'push', [900n * 10n ** 8n])])
      await scene.mark('crash')
      await scene.block([
        call(maker, world.market.pool, 'liquidationCall', [
          world.eth.address,
          world.usd.address,
          borrower,
          2n ** 256n - 1n,
          false,
        ]),
      ])
      await scene.mark()
    },
  },
  {
    name: 'the cash of a reserve is taken past all books',
    kind: 'attack',
    expects: [
      { botId: 'solvency', alertId: 'SHORTFALL', thing: 'market', minSeverity: 'Critical' },
    ],
    affects: ['usd'],
    play: async (scene, world) => {
      const { market, usd } = world
      const aToken = await market.aTokenOf(usd.address)
      await scene.block([call(aToken, usd, 'transfer', [thief, 2_000_000n * USD])])
      await scene.mark()
    },
  },
  {
    name: 'a feed is told wrongly by two digits, and its asset borrowed away',
    kind: 'attack',
    expects: [
      { botId: 'oracle', alertId: 'ORACLE-JUMP', thing: 'eth-feed', minSeverity: 'Critical' },
    ],
    affects: ['market', 'usd', 'eth'],
    play: async (scene, world) => {
      await scene.block([call(maker, world.ethFeed, 'push', [20n * 10n ** 8n])])
      await scene.mark()
      await scene.block([
        supply(world, thief, world.usd, 200_000n * USD),
        borrow(world, thief, world.eth, 4_900n * E18),
      ])
    },
  },
  {
    name: 'a stolen key gives an asset a price feed of its own',
    kind: 'attack',
    expects: [
      {
        botId: 'admin-call',
        alertId: 'PRICE-SOURCE-CHANGED',
        thing: 'market',
        minSeverity: 'Critical',
      },
    ],
    affects: ['usd', 'eth'],
    play: async (scene, world) => {
      const { market, usdFeed, eth } = world
      await scene.block([
        call(market.admin, market.oracle, 'setAssetSources', [[eth.address], [usdFeed.address]]),
      ])
      await scene.mark()
      await scene.block([
        supply(world, thief, world.usd, 20_000n * USD),
        borrow(world, thief, eth, 4_000n * E18),
      ])
    },
  },
  {
    name: 'a feed answers nothing',
    kind: 'attack',
    expects: [
      { botId: 'oracle', alertId: 'ORACLE-INVALID', thing: 'eth-feed', minSeverity: 'Critical' },
    ],
    affects: ['market'],
    play: async (scene, world) => {
      await scene.block([call(maker, world.ethFeed, 'push', [0n])])
      await scene.mark()
      await scene.calm(3)
    },
  },
  {
    name: 'a feed that speaks every hour falls silent',
    kind: 'attack',
    expects: [
      {
        botId: 'oracle',
        alertId: 'ORACLE-STALE',
        thing: 'usd-feed',
        minSeverity: 'High',
        withinS: 5 * 3_600,
      },
    ],
    play: async (scene, world) => {
      for (let n = 0n; n < 12n; n++)
        await scene.block(
          [
            call(maker, world.usdFeed, 'push', [10n ** 8n + (n % 3n) * 10_000n]),
            call(maker, world.ethFeed, 'push', [2_000n * 10n ** 8n + n * 10n ** 7n]),
          ],
          { afterS: 3_600 },
        )
      for (let n = 0n; n < 6n; n++) {
        await scene.block([call(maker, world.ethFeed, 'push', [2_001n * 10n ** 8n + n])], {
          afterS: 3_600,
        })
        if (n === 0n) await scene.mark()
      }
    },
  },
]

const benign: readonly Story<LendingWorld>[] = [
  {
    name: 'flash loans that do nothing',
    kind: 'benign',
    play: async (scene, world) => {
      const { market, usd, caller } = world
      const nothing = encodeAbiParameters([{ type: 'address[]' }, { type: 'bytes[]' }], [[], []])
      await scene.block([
        together(world, [
          call(caller.address, market.pool, 'flashLoanSimple', [
            caller.address,
            usd.address,
            5_000_000n * USD,
            nothing,
            0,
          ]),
        ]),
      ])
    },
  },
  {
    name: 'a whale doubles a reserve and takes it out again an hour later',
    kind: 'benign',
    play: async (scene, world) => {
      await scene.block([supply(world, whale, world.eth, 9_000n * E18)])
      await scene.calm(3, 1_200)
      await scene.block([withdraw(world, whale, world.eth, 8_999n * E18)])
    },
  },
  {
    name: 'the largest lender takes a third of a reserve out',
    kind: 'benign',
    play: async (scene, world) => {
      await scene.block([withdraw(world, lender, world.usd, 3_300_000n * USD)])
      await scene.block([withdraw(world, lender, world.btc, 90n * BTC)])
    },
  },
  {
    name: 'prices fall by six per cent and a loan is liquidated in part',
    kind: 'benign',
    play: async (scene, world) => {
      const price = async (dollars: bigint) =>
        scene.block([call(maker, world.ethFeed, 'push', [dollars * 10n ** 8n])], { afterS: 600 })
      await scene.block([
        supply(world, whale, world.eth, 1_000n * E18),
        borrow(world, whale, world.usd, 1_480_000n * USD),
      ])
      await price(1_940n)
      await price(1_890n)
      await price(1_845n)
      await scene.block([
        call(maker, world.market.pool, 'liquidationCall', [
          world.eth.address,
          world.usd.address,
          whale,
          400_000n * USD,
          false,
        ]),
      ])
    },
  },
  {
    name: 'interest of two days, loans and repayments',
    kind: 'benign',
    play: async (scene, world) => {
      for (let n = 0n; n < 8n; n++) {
        await scene.block(
          [
            borrow(world, borrower, world.usd, 100_000n * USD),
            call(maker, world.ethFeed, 'push', [(2_000n + n) * 10n ** 8n]),
            call(maker, world.usdFeed, 'push', [10n ** 8n - n * 1_000n]),
          ],
          { afterS: 10_800 },
        )
        await scene.block([repay(world, borrower, world.usd, 80_000n * USD)], { afterS: 10_800 })
      }
    },
  },
  {
    name: 'somebody gives a reserve money, and dust is sent about',
    kind: 'benign',
    play: async (scene, world) => {
      const aToken = await world.market.aTokenOf(world.usd.address)
      await scene.block([
        call(maker, world.usd, 'transfer', [aToken, 50_000n * USD]),
        call(maker, world.usd, 'transfer', [actor(77), 1n]),
        call(maker, world.eth, 'transfer', [aToken, E18]),
      ])
    },
  },
]

playStories({
  build,
  before: async (scene, world) => {
    for (let n = 0n; n < 10n; n++)
      await scene.block([
        supply(world, lender, world.usd, (1_000n + n * 100n) * USD),
        borrow(world, borrower, world.usd, (500n + n) * USD),
        call(maker, world.ethFeed, 'push', [(2_000n * 10_000n + n * 7n) * 10n ** 4n]),
        swap(
          world,
          maker,
          n % 2n === 0n ? world.usd : world.spot,
          n % 2n === 0n ? world.spot : world.usd,
          n % 2n === 0n ? 900n * USD : 890n * E18,
        ),
      ])
  },
  stories: [...attacks, ...benign],
})

import { encodeAbiParameters } from 'viem'
import type { Address } from '../../core/base/index.ts'
import { readPackageArtifacts } from '../../demo/contracts/artifacts.ts'
import { compileContracts } from '../../demo/contracts/index.ts'
import { type AaveMarket, deployAave } from './aaveWorld.ts'
import {
  actor,
  type Contract,
  call,
  creation,
  playStories,
  type Request,
  type Scene,
  type Story,
  type World,
} from './support/index.ts'
import { compileStage } from './support/stage.ts'

const E18 = 10n ** 18n
const USD = 10n ** 6n
const BTC = 10n ** 8n
const FOREVER = 2n ** 255n
const [maker, lender, borrower, thief, whale] = [1, 2, 3, 4, 5].map(actor) as [
  Address,
  Address,
  Address,
  Address,
  Address,
]

type LendingWorld = World & {
  readonly market: AaveMarket
  /** 6, 18, 8 and 18 decimals; `spot` is priced by its pair as it stands. */
  readonly usd: Contract
  readonly eth: Contract
  readonly btc: Contract
  readonly spot: Contract
  readonly ethFeed: Contract
  readonly usdFeed: Contract
  readonly btcFeed: Contract
  readonly pair: Contract
  readonly router: Contract
  readonly caller: Contract
}

const build = async (scene: Scene): Promise<LendingWorld> => {
  const [stage, own, theirs] = await Promise.all([
    compileStage(),
    compileContracts(),
    readPackageArtifacts(),
  ])
  const { DemoToken } = own
  if (!DemoToken) throw new Error('no DemoToken')
  const token = (symbol: string, places: number) =>
    creation(maker, DemoToken, [symbol, symbol, places, maker])
  const feed = (text: string, price: bigint) =>
    creation(maker, stage('StageFeed'), [8, text, price])
  const receipts = await scene.block([
    token('USDX', 6),
    token('ETHX', 18),
    token('BTCX', 8),
    token('SPOT', 18),
    feed('USDX / USD', 10n ** 8n),
    feed('ETHX / USD', 2_000n * 10n ** 8n),
    feed('BTCX / USD', 60_000n * 10n ** 8n),
    creation(thief, stage('Caller')),
    creation(maker, theirs.v2Factory, [maker]),
  ])
  const at = (index: number, { abi }: { readonly abi: Contract['abi'] }): Contract => ({
    address: receipts[index]?.contractAddress ?? maker,
    abi,
  })
  const [usd, eth, btc, spot] = [0, 1, 2, 3].map((index) => at(index, DemoToken)) as [
    Contract,
    Contract,
    Contract,
    Contract,
  ]
  const [usdFeed, ethFeed, btcFeed] = [4, 5, 6].map((index) => at(index, stage('StageFeed'))) as [
    Contract,
    Contract,
    Contract,
  ]
  const caller = at(7, stage('Caller'))
  const factory = at(8, theirs.v2Factory)
  const [routed] = await scene.block([
    creation(maker, theirs.v2Router, [factory.address, eth.address]),
  ])
  const router = { address: routed?.contractAddress ?? maker, abi: theirs.v2Router.abi }
  const people = [maker, lender, borrower, thief, whale, caller.address]
  await scene.block([
    call(maker, usd, 'mintMany', [people, 30_000_000n * USD]),
    call(maker, eth, 'mintMany', [people, 15_000n * E18]),
    call(maker, btc, 'mintMany', [people, 500n * BTC]),
    call(maker, spot, 'mintMany', [people, 3_000_000n * E18]),
    call(maker, factory, 'createPair', [spot.address, usd.address], { gas: 6_000_000n }),
    call(maker, spot, 'approve', [router.address, FOREVER]),
    call(maker, usd, 'approve', [router.address, FOREVER]),
    call(maker, router, 'addLiquidity', [
      spot.address,
      usd.address,
      2_000_000n * E18,
      2_000_000n * USD,
      0n,
      0n,
      maker,
      4_000_000_000n,
    ]),
  ])
  const pair = {
    address: (
      await scene.read<Address>(factory, 'getPair', [spot.address, usd.address])
    ).toLowerCase() as Address,
    abi: theirs.v2Pair.abi,
  }
  const [priced] = await scene.block([
    // Dollars with 6 digits for tokens with 18: 8 digits more, and 12 to bring them together.
    creation(maker, stage('SpotFeed'), [pair.address, spot.address < usd.address, 10n ** 20n]),
  ])
  const market = await deployAave(scene, [
    { token: usd, decimals: 6, feed: usdFeed.address },
    { token: eth, decimals: 18, feed: ethFeed.address },
    { token: btc, decimals: 8, feed: btcFeed.address },
    { token: spot, decimals: 18, feed: priced?.contractAddress ?? maker },
  ])
  const tokens = [usd, eth, btc, spot]
  const allow = (who: Address): readonly Request[] =>
    tokens.flatMap((one) => [
      call(who, one, 'approve', [market.pool.address, FOREVER]),
      call(who, one, 'approve', [router.address, FOREVER]),
    ])
  await scene.block([...people.slice(0, 5).flatMap(allow)])
  const own2 = allow(caller.address)
  await scene.block([
    call(thief, caller, 'run', [own2.map(({ to }) => to), own2.map(({ data }) => data)]),
    supply({ market }, lender, usd, 10_000_000n * USD),
    supply({ market }, lender, eth, 5_000n * E18),
    supply({ market }, lender, btc, 200n * BTC),
    supply({ market }, lender, spot, 500_000n * E18),
    supply({ market }, borrower, eth, 4_000n * E18),
    borrow({ market }, borrower, usd, 4_000_000n * USD),
  ])
  return {
    market,
    usd,
    eth,
    btc,
    spot,
    ethFeed,
    usdFeed,
    btcFeed,
    pair,
    router,
    caller,
    things: [
      { kind: 'lending-market', name: 'market', variant: 'aave-v3', address: market.pool.address },
      { kind: 'pool', name: 'pair', variant: 'uniswap-v2', address: pair.address },
      { kind: 'oracle', name: 'eth-feed', address: ethFeed.address },
      { kind: 'oracle', name: 'usd-feed', address: usdFeed.address },
      { kind: 'token', name: 'usd', address: usd.address },
      { kind: 'token', name: 'eth', address: eth.address },
    ],
  }
}

type Market = { readonly market: AaveMarket }
const supply = ({ market }: Market, who: Address, token: Contract, units: bigint): Request =>
  call(who, market.pool, 'supply', [token.address, units, who, 0])
const withdraw = ({ market }: Market, who: Address, token: Contract, units: bigint): Request =>
  call(who, market.pool, 'withdraw', [token.address, units, who])
const borrow = ({ market }: Market, who: Address, token: Contract, units: bigint): Request =>
  call(who, market.pool, 'borrow', [token.address, units, 2n, 0, who])
const repay = ({ market }: Market, who: Address, token: Contract, units: bigint): Request =>
  call(who, market.pool, 'repay', [token.address, units, 2n, who])
const swap = (
  { router }: LendingWorld,
  who: Address,
  from: Contract,
  to: Contract,
  units: bigint,
): Request =>
  call(who, router, 'swapExactTokensForTokens', [
    units,
    0n,
    [from.address, to.address],
    who,
    4_000_000_000n,
  ])
const together = ({ caller }: LendingWorld, requests: readonly Request[]): Request =>
  call(thief, caller, 'run', [requests.map(({ to }) => to), requests.map(({ data }) => data)], {
    gas: 12_000_000n,
  })
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

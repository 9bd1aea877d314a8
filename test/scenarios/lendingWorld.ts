import type { Address } from '../../core/base/index.ts'
import { readPackageArtifacts } from '../../demo/contracts/artifacts.ts'
import { compileContracts } from '../../demo/contracts/index.ts'
import { type AaveMarket, deployAave } from './aaveWorld.ts'
import {
  actor,
  type Contract,
  call,
  creation,
  type Request,
  type Scene,
  type World,
} from './support/index.ts'
import { compileStage } from './support/stage.ts'

export const E18 = 10n ** 18n
export const USD = 10n ** 6n
export const BTC = 10n ** 8n
const FOREVER = 2n ** 255n
export const [maker, lender, borrower, thief, whale] = [1, 2, 3, 4, 5].map(actor) as [
  Address,
  Address,
  Address,
  Address,
  Address,
]

export type LendingWorld = World & {
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

export const build = async (scene: Scene): Promise<LendingWorld> => {
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
export const supply = ({ market }: Market, who: Address, token: Contract, units: bigint): Request =>
  call(who, market.pool, 'supply', [token.address, units, who, 0])
export const withdraw = (
  { market }: Market,
  who: Address,
  token: Contract,
  units: bigint,
): Request => call(who, market.pool, 'withdraw', [token.address, units, who])
export const borrow = ({ market }: Market, who: Address, token: Contract, units: bigint): Request =>
  call(who, market.pool, 'borrow', [token.address, units, 2n, 0, who])
export const repay = ({ market }: Market, who: Address, token: Contract, units: bigint): Request =>
  call(who, market.pool, 'repay', [token.address, units, 2n, who])
export const swap = (
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
export const together = ({ caller }: LendingWorld, requests: readonly Request[]): Request =>
  call(thief, caller, 'run', [requests.map(({ to }) => to), requests.map(({ data }) => data)], {
    gas: 12_000_000n,
  })

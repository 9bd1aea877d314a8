import { aaveV3ReserveAbi } from 'tocsin'
import {
  type BlockInput,
  botConformance,
  createBotHarness,
  encodeLog,
  REVERTS,
} from 'tocsin/testing'
import { parseAbi } from 'viem'
import { describe, expect, test } from 'vitest'
import { aaveV3PoolAbi, erc20Abi, erc4626Abi } from '../../abis/index.ts'
import { utilisation } from './bot.ts'

const POOL = '0x00000000000000000000000000000000000000a1'
const USD = '0x00000000000000000000000000000000000000a2'
const ATOKEN = '0x00000000000000000000000000000000000000a3'
const DEBT = '0x00000000000000000000000000000000000000a4'
const STRATEGY = '0x00000000000000000000000000000000000000a5'
const USER = '0x00000000000000000000000000000000000000f1'
const NOBODY = '0x0000000000000000000000000000000000000000'
const market = {
  kind: 'lending-market',
  name: 'market',
  address: POOL,
  variant: 'aave-v3',
} as const
const vault = { kind: 'vault', name: 'vault', address: POOL, asset: USD } as const
const extraAbi = parseAbi([
  'function getOptimalUsageRatio(address reserve) view returns (uint256)',
  'function getUserAccountData(address user) view returns (uint256 totalCollateralBase, uint256 totalDebtBase, uint256 availableBorrowsBase, uint256 currentLiquidationThreshold, uint256 ltv, uint256 healthFactor)',
  'function ADDRESSES_PROVIDER() view returns (address)',
  'function getPriceOracle() view returns (address)',
  'function getAssetPrice(address asset) view returns (uint256)',
  'function BASE_CURRENCY_UNIT() view returns (uint256)',
  'event DeficitCreated(address indexed user, address indexed debtAsset, uint256 amountCreated)',
])
type Call = NonNullable<BlockInput['calls']>[number]

const call = (
  address: Call['address'],
  abi: Call['abi'],
  functionName: string,
  result: unknown,
): Call => ({ address, abi, functionName, result })
const ZEROS = {
  configuration: 0n,
  liquidityIndex: 0n,
  currentLiquidityRate: 0n,
  variableBorrowIndex: 0n,
  currentVariableBorrowRate: 0n,
  currentStableBorrowRate: 0n,
  lastUpdateTimestamp: 0,
  id: 0,
  accruedToTreasury: 0n,
  unbacked: 0n,
  isolationModeTotalDebt: 0n,
}
const has = (cash: bigint, debt: bigint): readonly Call[] => [
  call(POOL, aaveV3ReserveAbi, 'getReservesList', [USD]),
  call(POOL, aaveV3ReserveAbi, 'getReserveData', {
    ...ZEROS,
    aTokenAddress: ATOKEN,
    stableDebtTokenAddress: NOBODY,
    variableDebtTokenAddress: DEBT,
    interestRateStrategyAddress: STRATEGY,
  }),
  call(ATOKEN, erc20Abi, 'totalSupply', cash + debt),
  call(DEBT, erc20Abi, 'totalSupply', debt),
  call(USD, erc20Abi, 'balanceOf', cash),
  call(USD, erc20Abi, 'decimals', 6),
  call(USD, erc20Abi, 'symbol', 'mUSD'),
]
const supplied = encodeLog({
  abi: aaveV3PoolAbi,
  eventName: 'Supply',
  args: { reserve: USD, user: USER, onBehalfOf: USER, amount: 1n, referralCode: 0 },
  address: POOL,
})
const touched = (cash: bigint, debt: bigint, more: readonly Call[] = []): BlockInput => ({
  calls: [...has(cash, debt), ...more],
  logs: [supplied],
})
const start = (
  parameters: Record<string, unknown> = {},
  thing: typeof market | typeof vault = market,
) => createBotHarness(utilisation, { things: [thing], parameters })
const brief = (rows: readonly { alertId: string; severity: string; condition: string | null }[]) =>
  rows.map(({ alertId, severity, condition }) => [alertId, severity, condition])

describe('markets', () => {
  test('behavior: 90 % is silent, more holds once, and it ends below 88 %', async () => {
    const harness = await start()
    expect(await harness.block(touched(10_000n, 90_000n))).toEqual([])
    const [finding, ...more] = await harness.block(touched(9_990n, 90_010n))
    expect(more).toEqual([])
    expect(finding).toMatchObject({
      alertId: 'UTILISATION',
      severity: 'Medium',
      condition: 'holds',
    })
    expect(finding?.metadata).toMatchObject({ usedBps: '9001', cash: '9990', symbol: 'mUSD' })
    expect(await harness.block(touched(10_100n, 89_900n))).toEqual([])
    expect(brief(await harness.block(touched(20_000n, 80_000n)))).toEqual([
      ['UTILISATION', 'Info', 'ended'],
    ])
    await harness.stop()
  })

  test('behavior: above 95 % for half an hour is High, above 99 % at once', async () => {
    const harness = await start()
    expect(brief(await harness.block(touched(4_000n, 96_000n)))).toEqual([
      ['UTILISATION', 'Medium', 'holds'],
    ])
    expect(await harness.block({ afterS: 1_799 })).toEqual([])
    expect(brief(await harness.block({ afterS: 301 }))).toEqual([['UTILISATION', 'High', 'holds']])
    await harness.stop()
    const other = await start()
    expect(brief(await other.block(touched(500n, 99_500n)))).toEqual([
      ['UTILISATION', 'High', 'holds'],
    ])
    await other.stop()
  })

  test('behavior: a kink near 90 % moves the threshold, and a small reserve is Low', async () => {
    const harness = await start()
    const kink = [call(STRATEGY, extraAbi, 'getOptimalUsageRatio', 92n * 10n ** 25n)]
    expect(await harness.block(touched(7_000n, 93_000n, kink))).toEqual([])
    expect(brief(await harness.block(touched(5_900n, 94_100n)))).toEqual([
      ['UTILISATION', 'Medium', 'holds'],
    ])
    await harness.stop()
    const small = await start()
    const priced = [
      call(POOL, extraAbi, 'ADDRESSES_PROVIDER', STRATEGY),
      call(STRATEGY, extraAbi, 'getPriceOracle', STRATEGY),
      call(STRATEGY, extraAbi, 'getAssetPrice', 10n ** 8n),
      call(STRATEGY, extraAbi, 'BASE_CURRENCY_UNIT', 10n ** 8n),
    ]
    expect(brief(await small.block(touched(10_000_000n, 5_000_000_000n, priced)))).toEqual([
      ['UTILISATION', 'Low', 'holds'],
    ])
    await small.stop()
  })

  test('behavior: reads that fail are unknown; a market that never answered says nothing', async () => {
    const harness = await start()
    await harness.block(touched(50_000n, 50_000n))
    const broken = touched(0n, 0n, [call(ATOKEN, erc20Abi, 'totalSupply', REVERTS)])
    expect(brief(await harness.block(broken))).toEqual([['UTILISATION', 'Medium', 'unknown']])
    expect(brief(await harness.block(touched(50_000n, 50_000n)))).toEqual([
      ['UTILISATION', 'Info', 'ended'],
    ])
    await harness.stop()
    const other = await start()
    expect(await other.mine(3, { logs: [supplied] })).toEqual([])
    await other.stop()
  })

  test('behavior: bad debt by its part of the deposits; a liquidation that leaves debt alone', async () => {
    const harness = await start()
    await harness.block(touched(50_000n, 50_000n))
    const deficit = (amountCreated: bigint) =>
      encodeLog({
        abi: extraAbi,
        eventName: 'DeficitCreated',
        args: { user: USER, debtAsset: USD, amountCreated },
        address: POOL,
      })
    expect(
      brief(await harness.block({ logs: [deficit(501n), deficit(101n), deficit(1n)] })),
    ).toEqual([
      ['BAD-DEBT', 'Critical', null],
      ['BAD-DEBT', 'High', null],
      ['BAD-DEBT', 'Low', null],
    ])
    const liquidation = encodeLog({
      abi: aaveV3PoolAbi,
      eventName: 'LiquidationCall',
      args: {
        collateralAsset: DEBT,
        debtAsset: USD,
        user: USER,
        debtToCover: 1n,
        liquidatedCollateralAmount: 1n,
        liquidator: POOL,
        receiveAToken: false,
      },
      address: POOL,
    })
    const account = (collateral: bigint, debt: bigint) => [
      call(POOL, extraAbi, 'getUserAccountData', [collateral, debt, 0n, 0n, 0n, 0n]),
    ]
    expect(await harness.block({ logs: [liquidation], calls: account(5n, 10n ** 15n) })).toEqual([])
    expect(
      brief(await harness.block({ logs: [liquidation], calls: account(0n, 10n ** 15n) })),
    ).toEqual([['BAD-DEBT', 'High', null]])
    await harness.stop()
  })
})

test('behavior: a vault with little at hand; one that always lent everything out is silent', async () => {
  const vaultHas = (total: bigint, own: bigint): BlockInput => ({
    calls: [call(POOL, erc4626Abi, 'totalAssets', total), call(USD, erc20Abi, 'balanceOf', own)],
    logs: [{ ...supplied }],
  })
  const harness = await start({}, vault)
  await harness.block(vaultHas(100_000n, 20_000n))
  expect(brief(await harness.block(vaultHas(100_000n, 1_999n)))).toEqual([
    ['UTILISATION', 'Medium', 'holds'],
  ])
  expect(brief(await harness.block(vaultHas(100_000n, 9_000n)))).toEqual([
    ['UTILISATION', 'Info', 'ended'],
  ])
  await harness.stop()
  const lent = await start({}, vault)
  await lent.block(vaultHas(100_000n, 500n))
  expect(await lent.block(vaultHas(100_000n, 1n))).toEqual([])
  await lent.stop()
})

for (const { name, run } of botConformance(utilisation, {
  things: [market],
  scenario: [
    touched(50_000n, 50_000n),
    {},
    touched(5_000n, 95_000n),
    {},
    touched(50_000n, 50_000n),
    {},
  ],
  benign: [touched(50_000n, 50_000n), touched(15_000n, 85_000n)],
}))
  test(name, run)

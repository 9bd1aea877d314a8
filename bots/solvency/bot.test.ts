import {
  type BlockInput,
  botConformance,
  createBotHarness,
  encodeLog,
  REVERTS,
} from 'tocsin/testing'
import { describe, expect, test } from 'vitest'
import { erc20Abi, erc4626Abi, uniswapV2PairAbi, uniswapV3PoolAbi } from '../../abis/index.ts'
import { solvency } from './bot.ts'

const VAULT = '0x00000000000000000000000000000000000000a1'
const USD = '0x00000000000000000000000000000000000000a2'
const PAIR = '0x00000000000000000000000000000000000000a3'
const WETH = '0x00000000000000000000000000000000000000a4'
const THIEF = '0x00000000000000000000000000000000000000f1'
const CLAIM = '0x00000000000000000000000000000000000000c1'
const vault = { kind: 'vault', name: 'vault', address: VAULT, asset: USD } as const
const pair = { kind: 'pool', name: 'pair', address: PAIR, variant: 'uniswap-v2' } as const
const pool = { kind: 'pool', name: 'pool', address: PAIR, variant: 'uniswap-v3' } as const
const weth = { kind: 'token', name: 'weth', address: WETH } as const
type Thing = Parameters<typeof createBotHarness>[1]['things'][number]

const call = (
  address: `0x${string}`,
  abi: NonNullable<BlockInput['calls']>[number]['abi'],
  functionName: string,
  result: unknown,
  args?: readonly unknown[],
) => ({ address, abi, functionName, result, ...(args ? { args } : {}) })
const moved = (from: `0x${string}`, to: `0x${string}`, value: bigint, token: `0x${string}` = USD) =>
  encodeLog({ abi: erc20Abi, eventName: 'Transfer', args: { from, to, value }, address: token })
const vaultHas = (total: unknown, balance: bigint, shares = 1_000_000n) => [
  call(VAULT, erc4626Abi, 'totalAssets', total),
  call(VAULT, erc4626Abi, 'totalSupply', shares),
  call(VAULT, erc4626Abi, 'convertToAssets', shares),
  call(USD, erc20Abi, 'balanceOf', balance, [VAULT]),
  call(USD, erc20Abi, 'decimals', 6),
  call(USD, erc20Abi, 'symbol', 'dUSD'),
]
const poolHas = (r0: bigint, r1: bigint, b0 = r0, b1 = r1, shares = 1_000_000n) => [
  call(PAIR, uniswapV2PairAbi, 'token0', USD),
  call(PAIR, uniswapV2PairAbi, 'token1', WETH),
  call(PAIR, uniswapV2PairAbi, 'getReserves', [r0, r1, 0]),
  call(PAIR, erc20Abi, 'totalSupply', shares),
  call(USD, erc20Abi, 'balanceOf', b0, [PAIR]),
  call(WETH, erc20Abi, 'balanceOf', b1, [PAIR]),
]
const start = (things: readonly Thing[], parameters: Record<string, unknown> = {}) =>
  createBotHarness(solvency, { things, parameters })
const brief = (rows: readonly { alertId: string; severity: string; condition: string | null }[]) =>
  rows.map(({ alertId, severity, condition }) => [alertId, severity, condition])

describe('vault', () => {
  test('behavior: assets that leave while the books stand are Critical, once, and it ends', async () => {
    const harness = await start([vault])
    expect(await harness.block({ calls: vaultHas(1_000_000n, 1_000_000n) })).toEqual([])
    const [finding, ...more] = await harness.block({
      calls: vaultHas(1_000_000n, 900_000n),
      logs: [moved(VAULT, THIEF, 100_000n)],
    })
    expect(more).toEqual([])
    expect(finding).toMatchObject({
      alertId: 'SHORTFALL',
      severity: 'Critical',
      condition: 'holds',
    })
    expect(finding?.metadata).toMatchObject({ missing: '100000', recipient: THIEF, decimals: '6' })
    expect(await harness.mine(3)).toEqual([])
    expect(brief(await harness.block({ calls: vaultHas(1_000_000n, 1_000_000n) }))).toEqual([
      ['SHORTFALL', 'Info', 'ended'],
    ])
    await harness.stop()
  })

  test('behavior: withdrawals, donations and rounding are silent', async () => {
    const harness = await start([vault])
    await harness.block({ calls: vaultHas(100_000_000n, 100_000_000n) })
    const withdrawn = vaultHas(50_000_000n, 50_000_000n)
    await harness.block({ calls: withdrawn, logs: [moved(VAULT, THIEF, 50_000_000n)] })
    await harness.block({
      calls: vaultHas(50_000_000n, 99_000_000n),
      logs: [moved(THIEF, VAULT, 49_000_000n)],
    })
    await harness.block({ calls: vaultHas(1_000_000n, 999_000n), logs: [moved(VAULT, THIEF, 1n)] })
    expect(harness.findings()).toEqual([])
    await harness.stop()
  })

  test('behavior: what is lent out for another token is silent, and so is a declared strategy', async () => {
    for (const parameters of [{}, { strategies: [CLAIM] }]) {
      const harness = await start([vault], parameters)
      await harness.block({
        calls: [
          ...vaultHas(1_000_000n, 1_000_000n),
          call(USD, erc20Abi, 'balanceOf', 0n, [CLAIM]),
          call(CLAIM, erc20Abi, 'balanceOf', REVERTS),
        ],
      })
      const claims = 'strategies' in parameters ? [] : [moved(THIEF, VAULT, 800_000n, CLAIM)]
      expect(
        await harness.block({
          calls: [
            ...vaultHas(1_000_000n, 200_000n),
            call(USD, erc20Abi, 'balanceOf', 800_000n, [CLAIM]),
          ],
          logs: [moved(VAULT, CLAIM, 800_000n), ...claims],
        }),
      ).toEqual([])
      await harness.stop()
    }
  })

  test('behavior: a vault that lent its assets out before the watch is not judged by its balance', async () => {
    const harness = await start([vault])
    await harness.block({ calls: vaultHas(1_000_000n, 10_000n) })
    expect(
      await harness.block({
        calls: vaultHas(1_000_000n, 10n),
        logs: [moved(VAULT, THIEF, 9_990n)],
      }),
    ).toEqual([])
    await harness.stop()
  })

  test('behavior: a contract that stops answering is unknown; one that never answered says nothing', async () => {
    const harness = await start([vault])
    await harness.block({ calls: vaultHas(1_000_000n, 1_000_000n) })
    const broken = { calls: vaultHas(REVERTS, 0n), logs: [moved(VAULT, THIEF, 1n)] }
    expect(brief(await harness.block(broken))).toEqual([['SHORTFALL', 'Medium', 'unknown']])
    expect(brief(await harness.block({ calls: vaultHas(1_000_000n, 1_000_000n) }))).toEqual([
      ['SHORTFALL', 'Info', 'ended'],
    ])
    await harness.stop()
    const other = await start([vault])
    expect(await other.mine(3, broken)).toEqual([])
    await other.stop()
  })
})

describe('pools', () => {
  test('behavior: v2: balances below reserves; silent while they are above', async () => {
    const harness = await start([pair])
    await harness.block({ calls: poolHas(10_000_000n, 10_000_000n) })
    await harness.block({
      calls: poolHas(10_000_000n, 10_000_000n, 20_000_000n),
      logs: [moved(THIEF, PAIR, 10_000_000n)],
    })
    await harness.block({
      calls: poolHas(10_000_000n, 10_000_000n),
      logs: [moved(PAIR, THIEF, 10_000_000n)],
    })
    expect(harness.findings()).toEqual([])
    const taken = {
      calls: poolHas(10_000_000n, 10_000_000n, 9_000_000n),
      logs: [moved(PAIR, THIEF, 1_000_000n)],
    }
    expect(brief(await harness.block(taken))).toEqual([['SHORTFALL', 'Critical', 'holds']])
    await harness.stop()
  })

  test('behavior: v2: swaps, mints and burns are silent; a sync after a loss is told', async () => {
    const harness = await start([pair])
    await harness.block({ calls: poolHas(10_000_000n, 10_000_000n) })
    const touch = [moved(PAIR, THIEF, 5_000_000n)]
    await harness.block({ calls: poolHas(5_000_000n, 20_100_000n), logs: touch })
    await harness.block({
      calls: poolHas(2_500_000n, 10_050_000n, undefined, undefined, 500_000n),
      logs: touch,
    })
    expect(harness.findings()).toEqual([])
    const synced = {
      calls: poolHas(1_250_000n, 10_050_000n, undefined, undefined, 500_000n),
      logs: [moved(PAIR, THIEF, 1_250_000n)],
    }
    expect(brief(await harness.block(synced))).toEqual([['POOL-LOSS', 'Critical', null]])
    await harness.stop()
  })

  test('behavior: v2: a rebase that takes a little is Medium, and the tolerance of a first look is Low', async () => {
    const harness = await start([pair])
    await harness.block({ calls: poolHas(10_000_000n, 10_000_000n) })
    expect(
      brief(await harness.mine(30, { calls: poolHas(10_000_000n, 10_000_000n, 9_900_000n) })),
    ).toEqual([['SHORTFALL', 'Medium', 'holds']])
    await harness.stop()
    const late = await start([pair])
    expect(
      brief(await late.block({ calls: poolHas(10_000_000n, 10_000_000n, 9_900_000n) })),
    ).toEqual([['SHORT-AT-START', 'Low', null]])
    expect(await late.mine(30)).toEqual([])
    await late.stop()
  })

  test('behavior: v3: what a swap explains is silent, what nothing explains is Critical', async () => {
    const harness = await start([pool])
    const swap = encodeLog({
      abi: uniswapV3PoolAbi,
      eventName: 'Swap',
      args: {
        sender: THIEF,
        recipient: THIEF,
        amount0: -1_000_000n,
        amount1: 900_000n,
        sqrtPriceX96: 1n,
        liquidity: 1n,
        tick: 0,
      },
      address: PAIR,
    })
    await harness.block({ calls: poolHas(10_000_000n, 10_000_000n) })
    const swapped = {
      calls: poolHas(9_000_000n, 10_900_000n),
      logs: [moved(PAIR, THIEF, 1_000_000n), swap],
    }
    expect(await harness.block(swapped)).toEqual([])
    const robbed = {
      calls: poolHas(8_000_000n, 10_900_000n),
      logs: [moved(PAIR, THIEF, 1_000_000n)],
    }
    expect(brief(await harness.block(robbed))).toEqual([['POOL-LOSS', 'Critical', null]])
    await harness.stop()
  })
})

test('behavior: wrapped native coin: recognised by its backing; another token says nothing', async () => {
  const harness = await start([weth, { kind: 'token', name: 'usd', address: USD }])
  const supply = [
    call(WETH, erc20Abi, 'totalSupply', 10_000n),
    call(USD, erc20Abi, 'totalSupply', 5_000n),
  ]
  await harness.block({ calls: supply, balances: { [WETH]: 10_000n } })
  expect(await harness.mine(3)).toEqual([])
  expect(brief(await harness.block({ balances: { [WETH]: 5_000n } }))).toEqual([
    ['SHORTFALL', 'Critical', 'holds'],
  ])
  await harness.stop()
})

for (const { name, run } of botConformance(solvency, {
  things: [vault],
  scenario: [
    { calls: vaultHas(1_000_000n, 1_000_000n) },
    {},
    { calls: vaultHas(1_000_000n, 800_000n), logs: [moved(VAULT, THIEF, 200_000n)] },
    {},
    { calls: vaultHas(1_000_000n, 1_000_000n), logs: [moved(THIEF, VAULT, 200_000n)] },
    {},
  ],
}))
  test(name, run)

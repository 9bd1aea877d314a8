import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import { runBotOnAnvil } from 'tocsin/testing'
import { encodeAbiParameters, keccak256, zeroAddress } from 'viem'
import { describe, expect, test } from 'vitest'
import {
  callOf,
  compileContracts,
  type DemoContract,
  demoAccount,
} from '../../demo/contracts/index.ts'
import { useChainScene } from '../../test/support/chainScene.ts'
import { liquidityPull } from './bot.ts'

type Hex = `0x${string}`
const OWNER = demoAccount(1).address
const USER = demoAccount(2).address
const UNIT = 10n ** 18n

const call = (from: Hex, to: DemoContract, functionName: string, args: readonly unknown[]) =>
  callOf(from, to, functionName, args, { gas: 8_000_000n })

type Pool = { readonly liquidity: DemoContract; readonly poolKey: readonly unknown[] }
/** Adds to or takes from the pool of v4, between two ticks. */
const change = (
  { liquidity, poolKey }: Pool,
  from: Hex,
  delta: bigint,
  lower = -600,
  upper = 600,
) =>
  call(from, liquidity, 'modifyLiquidity', [
    poolKey,
    [lower, upper, delta, from === OWNER ? `0x${'01'.repeat(32)}` : `0x${'02'.repeat(32)}`],
    '0x',
  ])

const scene = useChainScene(async ({ block, deploy }) => {
  const require = createRequire(import.meta.url)
  const compiled = await compileContracts(fileURLToPath(new URL('contracts', import.meta.url)))
  const v4 = (name: string, args: readonly unknown[]) => {
    const { abi, bytecode } = require(`@uniswap/v4-core/out/${name}.sol/${name}.json`)
    return deploy(OWNER, { abi, bytecode: bytecode.object }, args)
  }
  const made: DemoContract[] = []
  for (const symbol of ['AAA', 'BBB', 'CCC'])
    made.push(await deploy(OWNER, compiled['Coin'], [symbol, 18]))
  const coins = made.sort((a, b) => (a.address < b.address ? -1 : 1))
  const manager = await v4('PoolManager', [OWNER])
  const liquidity = await v4('PoolModifyLiquidityTest', [manager.address])
  const addresses = coins.map(({ address }) => address)
  const curve = await deploy(OWNER, compiled['CurveStandIn'], [addresses])
  for (const coin of coins)
    for (const who of [OWNER, USER])
      await block([
        call(who, coin, 'mint', [who, 10_000_000n * UNIT]),
        call(who, coin, 'approve', [liquidity.address, 10_000_000n * UNIT]),
        call(who, coin, 'approve', [curve.address, 10_000_000n * UNIT]),
      ])
  const poolKey = [coins[0]?.address, coins[1]?.address, 3_000, 60, zeroAddress]
  const poolId = keccak256(
    encodeAbiParameters(
      ['address', 'address', 'uint24', 'int24', 'address'].map((type) => ({ type })),
      poolKey,
    ),
  )
  const pool = { liquidity, poolKey }
  await block([call(OWNER, manager, 'initialize', [poolKey, 1n << 96n])])
  await block([change(pool, OWNER, 800_000n * UNIT), change(pool, USER, 200_000n * UNIT)])
  await block([
    call(OWNER, curve, 'add_liquidity', [[800_000n * UNIT, 800_000n * UNIT, 800_000n * UNIT], 0n]),
    call(USER, curve, 'add_liquidity', [[200_000n * UNIT, 200_000n * UNIT, 200_000n * UNIT], 0n]),
  ])
  return { manager, curve, poolId, ...pool }
})
const block = (...requests: ReturnType<typeof call>[]) => scene().block(requests)
const modify = (from: Hex, delta: bigint, lower?: number, upper?: number) =>
  change(scene(), from, delta, lower, upper)
const watch = () => {
  const { anvil, manager, curve, poolId, start } = scene()
  return runBotOnAnvil(liquidityPull, anvil, {
    things: [
      { kind: 'pool', name: 'v4', variant: 'uniswap-v4', address: manager.address, poolId },
      {
        kind: 'pool',
        name: 'other',
        variant: 'uniswap-v4',
        address: manager.address,
        poolId: `0x${'11'.repeat(32)}`,
      },
      { kind: 'pool', name: 'curve', variant: 'curve', address: curve.address },
    ],
    from: start(),
  })
}
const brief = (rows: Awaited<ReturnType<typeof watch>>) =>
  rows.map(({ alertId, severity, thing }) => [alertId, severity, thing])

describe('uniswap v4', () => {
  test('behavior: most of the liquidity leaves one pool of the manager', async () => {
    await block(modify(OWNER, -800_000n * UNIT))
    const [finding, ...rest] = await watch()
    expect(rest).toEqual([])
    expect(finding).toMatchObject({
      alertId: 'LIQUIDITY-PULL',
      severity: 'Critical',
      thing: 'v4',
      metadata: { removedBps: '8000', poolId: scene().poolId, variant: 'uniswap-v4' },
    })
  })

  test('behavior: out and in within a block, out of range, and small parts are quiet', async () => {
    await block(modify(OWNER, -800_000n * UNIT), modify(OWNER, 800_000n * UNIT))
    await block(modify(USER, 500_000n * UNIT, 1_200, 1_800))
    await block(modify(USER, -500_000n * UNIT, 1_200, 1_800))
    await block(modify(USER, -40_000n * UNIT))
    await block(modify(OWNER, 0n))
    expect(await watch()).toEqual([])
  })
})

describe('curve', () => {
  test('behavior: most of the shares are redeemed, for all coins, for one, or for some', async () => {
    const { curve, rewind } = scene()
    const whole = 1_200_000n * UNIT
    const redeem = [
      call(OWNER, curve, 'remove_liquidity', [whole, [0n, 0n, 0n]]),
      call(OWNER, curve, 'remove_liquidity_one_coin', [900_000n * UNIT, 1n, 0n]),
      call(OWNER, curve, 'remove_liquidity_imbalance', [
        [500_000n * UNIT, 300_000n * UNIT, 0n],
        0n,
      ]),
    ]
    const found: (readonly unknown[])[] = []
    for (const one of redeem) {
      await rewind()
      await block(one)
      const rows = await watch()
      found.push(...brief(rows))
      if (one === redeem[2])
        expect(rows[0]?.description).toMatch(/500,000(\.0+)? \w{3}, 300,000(\.0+)? \w{3}/)
    }
    expect(found).toEqual(redeem.map(() => ['LIQUIDITY-PULL', 'Critical', 'curve']))
  })

  test('behavior: exchanges, deposits, and what comes back in the block are quiet', async () => {
    const { curve } = scene()
    await block(call(USER, curve, 'exchange', [0n, 2n, 150_000n * UNIT, 0n]))
    await block(call(USER, curve, 'add_liquidity', [[100_000n * UNIT, 0n, 0n], 0n]))
    await block(call(USER, curve, 'remove_liquidity', [100_000n * UNIT, [0n, 0n, 0n]]))
    await block(
      call(OWNER, curve, 'remove_liquidity_one_coin', [300_000n * UNIT, 0n, 0n]),
      call(OWNER, curve, 'add_liquidity', [[300_000n * UNIT, 0n, 0n], 0n]),
    )
    expect(await watch()).toEqual([])
  })
})

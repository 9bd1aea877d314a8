import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import { type Anvil, runBotOnAnvil, startAnvil } from 'tocsin/testing'
import {
  type Abi,
  encodeAbiParameters,
  encodeDeployData,
  encodeFunctionData,
  keccak256,
  zeroAddress,
} from 'viem'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import {
  compileContracts,
  createSender,
  demoAccount,
  type Sender,
} from '../../demo/contracts/index.ts'
import { liquidityPull } from './bot.ts'

type Hex = `0x${string}`
type Contract = { readonly address: Hex; readonly abi: Abi }
const OWNER = demoAccount(1).address
const USER = demoAccount(2).address
const UNIT = 10n ** 18n

let anvil: Anvil
let sender: Sender
let snapshot: unknown
let start = 0
let manager: Contract
let liquidity: Contract
let curve: Contract
let coins: readonly Contract[]
let poolKey: readonly unknown[]
let poolId: Hex

/** In one block; all must succeed. */
const block = async (
  ...requests: readonly (readonly [from: Hex, to: Contract | undefined, data: Hex])[]
) => {
  const hashes = await sender.send(
    requests.map(([from, to, data]) => ({
      from,
      data,
      gas: 8_000_000n,
      ...(to ? { to: to.address } : {}),
    })),
  )
  await anvil.rpc('evm_mine')
  const receipts = await sender.wait(hashes)
  expect(receipts.map(({ status }) => status)).toEqual(requests.map(() => 'success'))
  return receipts
}
const call = (from: Hex, to: Contract, functionName: string, args: readonly unknown[]) =>
  [from, to, encodeFunctionData({ abi: to.abi, functionName, args })] as const
/** Adds to or takes from the pool of v4, between two ticks. */
const modify = (from: Hex, delta: bigint, lower = -600, upper = 600) =>
  call(from, liquidity, 'modifyLiquidity', [
    poolKey,
    [lower, upper, delta, from === OWNER ? `0x${'01'.repeat(32)}` : `0x${'02'.repeat(32)}`],
    '0x',
  ])

beforeAll(async () => {
  anvil = await startAnvil()
  sender = await createSender({ rpcUrl: anvil.url })
  const require = createRequire(import.meta.url)
  const compiled = await compileContracts(fileURLToPath(new URL('contracts', import.meta.url)))
  const deploy = async (abi: Abi, bytecode: Hex, args: readonly unknown[]): Promise<Contract> => {
    const [receipt] = await block([OWNER, undefined, encodeDeployData({ abi, bytecode, args })])
    return { address: (receipt?.contractAddress ?? '0x').toLowerCase() as Hex, abi }
  }
  const own = (name: string, args: readonly unknown[]) => {
    const artifact = compiled[name]
    if (!artifact) throw new Error(`${name} was not compiled.`)
    return deploy(artifact.abi, artifact.bytecode, args)
  }
  const v4 = (name: string, args: readonly unknown[]) => {
    const { abi, bytecode } = require(`@uniswap/v4-core/out/${name}.sol/${name}.json`)
    return deploy(abi, bytecode.object, args)
  }
  const made: Contract[] = []
  for (const [symbol, decimals] of [
    ['AAA', 18],
    ['BBB', 18],
    ['CCC', 18],
  ] as const)
    made.push(await own('Coin', [symbol, decimals]))
  coins = made.sort((a, b) => (a.address < b.address ? -1 : 1))
  manager = await v4('PoolManager', [OWNER])
  liquidity = await v4('PoolModifyLiquidityTest', [manager.address])
  curve = await own('CurveStandIn', [coins.map(({ address }) => address)])
  for (const coin of coins)
    for (const who of [OWNER, USER])
      await block(
        call(who, coin, 'mint', [who, 10_000_000n * UNIT]),
        call(who, coin, 'approve', [liquidity.address, 10_000_000n * UNIT]),
        call(who, coin, 'approve', [curve.address, 10_000_000n * UNIT]),
      )
  poolKey = [coins[0]?.address, coins[1]?.address, 3_000, 60, zeroAddress]
  poolId = keccak256(
    encodeAbiParameters(
      ['address', 'address', 'uint24', 'int24', 'address'].map((type) => ({ type })),
      poolKey,
    ),
  )
  await block(call(OWNER, manager, 'initialize', [poolKey, 1n << 96n]))
  await block(modify(OWNER, 800_000n * UNIT), modify(USER, 200_000n * UNIT))
  await block(
    call(OWNER, curve, 'add_liquidity', [[800_000n * UNIT, 800_000n * UNIT, 800_000n * UNIT], 0n]),
    call(USER, curve, 'add_liquidity', [[200_000n * UNIT, 200_000n * UNIT, 200_000n * UNIT], 0n]),
  )
  snapshot = await anvil.rpc('evm_snapshot')
}, 60_000)
afterAll(() => anvil?.stop())
beforeEach(async () => {
  await anvil.rpc('evm_revert', [snapshot])
  snapshot = await anvil.rpc('evm_snapshot')
  sender = await createSender({ rpcUrl: anvil.url })
  start = Number(await anvil.rpc<string>('eth_blockNumber')) + 1
})
const watch = () =>
  runBotOnAnvil(liquidityPull, anvil, {
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
    from: start,
  })
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
      metadata: { removedBps: '8000', poolId, variant: 'uniswap-v4' },
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
      await anvil.rpc('evm_revert', [snapshot])
      snapshot = await anvil.rpc('evm_snapshot')
      sender = await createSender({ rpcUrl: anvil.url })
      await block(one)
      const rows = await watch()
      found.push(...brief(rows))
      if (one === redeem[2])
        expect(rows[0]?.description).toMatch(/500,000(\.0+)? \w{3}, 300,000(\.0+)? \w{3}/)
    }
    expect(found).toEqual(redeem.map(() => ['LIQUIDITY-PULL', 'Critical', 'curve']))
  })

  test('behavior: exchanges, deposits, and what comes back in the block are quiet', async () => {
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

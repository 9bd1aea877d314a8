import { type BlockInput, botConformance, createBotHarness, encodeLog } from 'tocsin/testing'
import { type Abi, encodeAbiParameters, keccak256, parseAbi, toHex } from 'viem'
import { describe, expect, test } from 'vitest'
import { curvePoolAbi, erc20Abi, uniswapV4PoolManagerAbi } from '../../abis/index.ts'
import { liquidityPull } from './bot.ts'

const POOL = '0x00000000000000000000000000000000000000a1'
const MANAGER = '0x00000000000000000000000000000000000000a2'
const SHARES = '0x00000000000000000000000000000000000000a3'
const COIN = '0x00000000000000000000000000000000000000a4'
const WHALE = '0x00000000000000000000000000000000000000b1'
const ID = `0x${'1d'.repeat(32)}` as const
const TOTAL = 1_000_000n

const curve = { kind: 'pool', name: 'curve', variant: 'curve', address: POOL } as const
const v4 = {
  kind: 'pool',
  name: 'v4',
  variant: 'uniswap-v4',
  address: MANAGER,
  poolId: ID,
} as const
type Thing = typeof curve | typeof v4 | (typeof curve & { readonly lpToken: string })

const supply = (result: bigint, address: `0x${string}` = POOL) =>
  ({ address, abi: erc20Abi, functionName: 'totalSupply', result }) as const
const begin = async (things: readonly Thing[], block: BlockInput = {}) => {
  const harness = await createBotHarness(liquidityPull, { things })
  await harness.block({
    code: { [POOL]: '0x01', [MANAGER]: '0x01', [SHARES]: '0x01' },
    calls: [supply(TOTAL)],
    ...block,
  })
  return harness
}

describe('curve', () => {
  const events: readonly (readonly [string, Record<string, unknown>])[] = [
    [
      'RemoveLiquidity(address indexed provider, uint256[2] token_amounts, uint256[2] fees, uint256 token_supply)',
      { token_amounts: [1n, 2n], fees: [0n, 0n], token_supply: 1n },
    ],
    [
      'RemoveLiquidity(address indexed provider, uint256[4] token_amounts, uint256[4] fees, uint256 token_supply)',
      { token_amounts: [1n, 2n, 3n, 4n], fees: [0n, 0n, 0n, 0n], token_supply: 1n },
    ],
    [
      'RemoveLiquidity(address indexed provider, uint256[] token_amounts, uint256[] fees, uint256 token_supply)',
      { token_amounts: [1n, 2n], fees: [], token_supply: 1n },
    ],
    [
      'RemoveLiquidity(address indexed provider, uint256[3] token_amounts, uint256 token_supply)',
      { token_amounts: [1n, 2n, 3n], token_supply: 1n },
    ],
    [
      'RemoveLiquidityImbalance(address indexed provider, uint256[4] token_amounts, uint256[4] fees, uint256 invariant, uint256 token_supply)',
      { token_amounts: [1n, 0n, 0n, 4n], fees: [0n, 0n, 0n, 0n], invariant: 1n, token_supply: 1n },
    ],
    [
      'RemoveLiquidityImbalance(address indexed provider, uint256[] token_amounts, uint256[] fees, uint256 invariant, uint256 token_supply)',
      { token_amounts: [1n, 2n], fees: [0n, 0n], invariant: 1n, token_supply: 1n },
    ],
    [
      'RemoveLiquidityOne(address indexed provider, uint256 token_amount, uint256 coin_amount)',
      { token_amount: 1n, coin_amount: 1n },
    ],
    [
      'RemoveLiquidityOne(address indexed provider, uint256 token_amount, uint256 coin_amount, uint256 token_supply)',
      { token_amount: 1n, coin_amount: 1n, token_supply: 1n },
    ],
    [
      'RemoveLiquidityOne(address indexed provider, int128 token_id, uint256 token_amount, uint256 coin_amount, uint256 token_supply)',
      { token_id: 1n, token_amount: 1n, coin_amount: 7n, token_supply: 1n },
    ],
  ]
  const logOf = (signature: string, args: Record<string, unknown>) =>
    encodeLog({
      abi: parseAbi([`event ${signature}`] as readonly string[]) as Abi,
      eventName: signature.slice(0, signature.indexOf('(')),
      args: { provider: WHALE, ...args },
      address: POOL,
    })

  test.each(events)('behavior: %s', async (signature, args) => {
    const harness = await begin([curve])
    const found = await harness.block({
      txs: [{ from: WHALE, to: POOL, logs: [logOf(signature, args)] }],
      calls: [supply(TOTAL - 300_000n)],
    })
    expect(found).toMatchObject([
      {
        alertId: 'LIQUIDITY-PULL',
        severity: 'Critical',
        metadata: { removedBps: '3000', caller: WHALE },
      },
    ])
    await harness.stop()
  })

  test('behavior: five percent exactly is silent, and an exchange is none of its events', async () => {
    const [signature, args] = events[0] ?? ['', {}]
    const harness = await begin([curve])
    expect(
      await harness.block({ logs: [logOf(signature, args)], calls: [supply(TOTAL - 50_000n)] }),
    ).toEqual([])
    await harness.stop()
  })

  test('behavior: the shares may be a token that pool or watchlist names', async () => {
    const [signature, args] = events[0] ?? ['', {}]
    for (const [thing, answers] of [
      [curve, [{ address: POOL, abi: curvePoolAbi, functionName: 'lp_token', result: SHARES }]],
      [{ ...curve, lpToken: SHARES }, []],
    ] as const) {
      const harness = await begin([thing], { calls: [supply(TOTAL, SHARES), ...answers] })
      const found = await harness.block({
        logs: [logOf(signature, args)],
        calls: [supply(TOTAL - 300_000n, SHARES)],
      })
      expect(found).toMatchObject([{ severity: 'Critical' }])
      await harness.stop()
    }
  })

  test('behavior: coins are named with their amounts', async () => {
    const [signature, args] = events[8] ?? ['', {}]
    const harness = await begin([curve], {
      calls: [
        supply(TOTAL),
        { address: POOL, abi: curvePoolAbi, functionName: 'coins', args: [0n], result: SHARES },
        { address: POOL, abi: curvePoolAbi, functionName: 'coins', args: [1n], result: COIN },
        { address: COIN, abi: erc20Abi, functionName: 'decimals', result: 0 },
        { address: COIN, abi: erc20Abi, functionName: 'symbol', result: 'CCC' },
      ],
    })
    const [finding] = await harness.block({
      txs: [{ from: WHALE, to: POOL, logs: [logOf(signature, args)] }],
      calls: [supply(TOTAL - 300_000n)],
    })
    expect(finding?.description).toContain('7 CCC')
    expect(finding?.metadata).toMatchObject({ amounts: '0, 7', coins: `${SHARES}, ${COIN}` })
    await harness.stop()
  })
})

describe('uniswap v4', () => {
  const base = BigInt(
    keccak256(encodeAbiParameters([{ type: 'bytes32' }, { type: 'uint256' }], [ID, 6n])),
  )
  const state = (tick: number, liquidity: bigint): NonNullable<BlockInput['storage']> => [
    {
      address: MANAGER,
      slot: toHex(base, { size: 32 }),
      value: toHex((BigInt.asUintN(24, BigInt(tick)) << 160n) | (1n << 96n), { size: 32 }),
    },
    {
      address: MANAGER,
      slot: toHex(base + 3n, { size: 32 }),
      value: toHex(liquidity, { size: 32 }),
    },
  ]
  const modify = (liquidityDelta: bigint, id: string = ID, tickLower = -600, tickUpper = 600) =>
    encodeLog({
      abi: uniswapV4PoolManagerAbi,
      eventName: 'ModifyLiquidity',
      args: { id, sender: COIN, tickLower, tickUpper, liquidityDelta, salt: ID },
      address: MANAGER,
    })
  const out = (delta: bigint, ...more: readonly ReturnType<typeof modify>[]): BlockInput => ({
    txs: [{ from: WHALE, to: MANAGER, logs: [modify(delta), ...more] }],
    storage: state(-5, TOTAL + delta),
  })

  test('behavior: liquidity around the price, also below zero, leaves one pool', async () => {
    const harness = await begin([v4], { storage: state(-5, TOTAL) })
    expect(await harness.block(out(-300_000n))).toMatchObject([
      {
        alertId: 'LIQUIDITY-PULL',
        severity: 'Critical',
        metadata: { removedBps: '3000', poolId: ID, caller: WHALE, owners: COIN },
      },
    ])
    await harness.stop()
  })

  test('behavior: other pools of the manager, other ranges, and fees are of no concern', async () => {
    const harness = await begin([v4], { storage: state(-5, TOTAL) })
    const calm = { storage: state(-5, TOTAL) }
    expect(
      await harness.block({ ...calm, logs: [modify(-900_000n, `0x${'22'.repeat(32)}`)] }),
    ).toEqual([])
    expect(await harness.block({ ...calm, logs: [modify(-900_000n, ID, 600, 1_200)] })).toEqual([])
    expect(await harness.block({ ...calm, logs: [modify(0n)] })).toEqual([])
    expect(await harness.block({ ...calm, logs: [modify(-900_000n), modify(900_000n)] })).toEqual(
      [],
    )
    await harness.stop()
  })

  const benign: readonly BlockInput[] = [
    { code: { [MANAGER]: '0x01' }, storage: state(-5, TOTAL) },
    out(-10_000n),
  ]
  for (const { name, run } of botConformance(liquidityPull, {
    things: [v4],
    scenario: [...benign, out(-300_000n), {}, out(-300_000n)],
    benign,
  }))
    test(name, run)
})

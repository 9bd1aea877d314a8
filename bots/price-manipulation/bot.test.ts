import { gapBps } from 'tocsin'
import { type BlockInput, botConformance, createBotHarness, encodeLog } from 'tocsin/testing'
import { describe, expect, test } from 'vitest'
import { erc20Abi, erc4626Abi, uniswapV2PairAbi, uniswapV3PoolAbi } from '../../abis/index.ts'
import { priceManipulation } from './bot.ts'

const PAIR = '0x00000000000000000000000000000000000000a1'
const POOL = '0x00000000000000000000000000000000000000a2'
const USD = '0x00000000000000000000000000000000000000a3'
const WETH = '0x00000000000000000000000000000000000000a4'
const VAULT = '0x00000000000000000000000000000000000000a5'
const MARKET = '0x00000000000000000000000000000000000000a6'
const ALICE = '0x00000000000000000000000000000000000000b1'
const THIEF = '0x00000000000000000000000000000000000000f1'
const CONTRACT = '0x00000000000000000000000000000000000000f2'
const ROUTER = '0x00000000000000000000000000000000000000d1'

const things = [
  { kind: 'pool', name: 'pair', variant: 'uniswap-v2', address: PAIR },
  { kind: 'pool', name: 'pool', variant: 'uniswap-v3', address: POOL },
  { kind: 'vault', name: 'vault', address: VAULT },
  { kind: 'lending-market', name: 'market', variant: 'aave-v3', address: MARKET },
] as const
const token = (address: `0x${string}`, decimals: number, symbol: string) => [
  { address, abi: erc20Abi, functionName: 'decimals', result: decimals } as const,
  { address, abi: erc20Abi, functionName: 'symbol', result: symbol } as const,
]
const root = (price: number): bigint => BigInt(Math.floor(Math.sqrt(price) * 2 ** 48)) << 48n
const calls: BlockInput['calls'] = [
  ...([PAIR, POOL] as const).flatMap((address) => [
    { address, abi: uniswapV2PairAbi, functionName: 'token0', result: USD } as const,
    { address, abi: uniswapV2PairAbi, functionName: 'token1', result: WETH } as const,
  ]),
  ...token(USD, 6, 'dUSD'),
  ...token(WETH, 6, 'WETH'),
  {
    address: PAIR,
    abi: uniswapV2PairAbi,
    functionName: 'getReserves',
    result: [1_000_000n, 1_000_000n, 0],
  },
  {
    address: POOL,
    abi: uniswapV3PoolAbi,
    functionName: 'slot0',
    result: [root(1), 0, 0, 0, 0, 0, true],
  },
]
const sync = (reserve0: bigint, reserve1: bigint) =>
  encodeLog({
    abi: uniswapV2PairAbi,
    eventName: 'Sync',
    args: { reserve0, reserve1 },
    address: PAIR,
  })
/** A swap of the pair that leaves its price at `bps` above one. */
const v2 = (bps: bigint) => [
  sync(1_000_000n, (1_000_000n * (10_000n + bps)) / 10_000n),
  encodeLog({
    abi: uniswapV2PairAbi,
    eventName: 'Swap',
    args: [ROUTER, 1n, 0n, 0n, 1n, ROUTER],
    address: PAIR,
  }),
]
const v3 = (bps: bigint) => [
  encodeLog({
    abi: uniswapV3PoolAbi,
    eventName: 'Swap',
    args: [ROUTER, ROUTER, 1n, -1n, root(1 + Number(bps) / 10_000), 1n, 0],
    address: POOL,
  }),
]
const deposit = encodeLog({
  abi: erc4626Abi,
  eventName: 'Deposit',
  args: [ALICE, ALICE, 1n, 1n],
  address: VAULT,
})
const transfer = (address: `0x${string}`, from: `0x${string}`, to: `0x${string}`) =>
  encodeLog({ abi: erc20Abi, eventName: 'Transfer', args: { from, to, value: 5n }, address })
const borrow = {
  address: MARKET,
  topics: ['0xb3d084820fb1a9decffb176436bd02558d15fac9b0ddfed8c465bc7359d7dce0'],
  data: '0x',
} as const
const flashLoan = {
  address: MARKET,
  topics: ['0xefefaba5e921573100900a3ad9cf29f222d995fb3b6045797eaea7521bd8d6f0'],
  data: '0x',
} as const

const start = async () => {
  const harness = await createBotHarness(priceManipulation, { things })
  await harness.block({ calls })
  await harness.block({ logs: [...v2(0n), ...v3(0n)] })
  await harness.mine(4, { afterS: 300 })
  return harness
}
const once = async (block: BlockInput) => {
  const harness = await start()
  const found = await harness.block(block)
  await harness.stop()
  return found
}
const brief = (rows: readonly { alertId: string; severity: string; thing: string | null }[]) =>
  rows.map(({ alertId, severity, thing }) => [alertId, severity, thing])
const thief = (logs: NonNullable<BlockInput['logs']>): BlockInput => ({
  txs: [{ from: THIEF, to: CONTRACT, logs }],
})

describe.each([
  ['pair', v2],
  ['pool', v3],
] as const)('one transaction: %s', (name, swap) => {
  test.each([
    [190n, []],
    [210n, ['High']],
    [990n, ['High']],
    [1_010n, ['Critical']],
  ])('behavior: moved by %i bps, used, and back', async (bps, severities) => {
    const found = await once(thief([...swap(bps), deposit, ...swap(1n)]))
    expect(found.map(({ severity }) => severity)).toEqual(severities)
    for (const finding of found)
      expect(finding).toMatchObject({
        alertId: 'PRICE-MANIPULATION',
        thing: name,
        metadata: { caller: THIEF, touched: 'vault', target: CONTRACT },
      })
  })

  test.each([
    [990n, []],
    [1_010n, ['High']],
    [3_010n, ['Critical']],
  ])('behavior: moved by %i bps to stay, and used after it', async (bps, severities) => {
    const found = await once(thief([...swap(bps), borrow]))
    expect(
      found
        .filter(({ alertId }) => alertId === 'PRICE-MANIPULATION')
        .map(({ severity }) => severity),
    ).toEqual(severities)
  })

  test('behavior: what happens around a flash loan without effect is Info at most', async () => {
    expect(await once(thief([...swap(900n), ...swap(0n), flashLoan]))).toEqual([])
    expect(brief(await once(thief([...swap(4_000n), ...swap(0n), flashLoan])))).toEqual([
      ['PRICE-ROUND-TRIP', 'Info', name],
    ])
  })

  test('behavior: a liquidation that then sells is no manipulation', async () => {
    const found = await once(thief([borrow, ...swap(1_500n)]))
    expect(brief(found)).toEqual([['PRICE-OFF-TWAP', 'Low', name]])
  })

  test('behavior: vault shares that change hands are nobody acting; tokens out of the vault are', async () => {
    const round = (log: NonNullable<BlockInput['logs']>[number]) =>
      once(thief([...swap(1_500n), log, ...swap(0n)]))
    expect(await round(transfer(VAULT, ALICE, THIEF))).toEqual([])
    expect(brief(await round(transfer(USD, VAULT, THIEF)))).toEqual([
      ['PRICE-MANIPULATION', 'Critical', name],
    ])
  })
})

describe('several transactions of a block', () => {
  test('behavior: moved, used and brought back by one sender', async () => {
    const found = await once({
      txs: [
        { from: THIEF, to: ROUTER, logs: v2(1_500n) },
        { from: THIEF, to: MARKET, logs: [borrow] },
        { from: THIEF, to: ROUTER, logs: v2(1n) },
      ],
    })
    expect(brief(found)).toEqual([['PRICE-MANIPULATION', 'Critical', 'pair']])
    expect(found[0]?.metadata['touched']).toBe('market')
  })

  test("behavior: a sandwich of the vault's own trade is Medium", async () => {
    const sandwich = (bps: bigint): BlockInput => ({
      txs: [
        { from: THIEF, to: CONTRACT, logs: v2(bps) },
        { from: ALICE, to: VAULT, logs: [transfer(USD, VAULT, PAIR), ...v2(bps + 60n)] },
        { from: THIEF, to: CONTRACT, logs: v2(40n) },
      ],
    })
    expect(brief(await once(sandwich(600n)))).toEqual([['SANDWICH', 'Medium', 'pair']])
    expect(brief(await once(sandwich(200n)))).toEqual([['SANDWICH', 'Low', 'pair']])
    expect(await once(sandwich(30n))).toEqual([])
  })

  test('behavior: strangers who trade both ways around a deposit are silent', async () => {
    expect(
      await once({
        txs: [
          { from: THIEF, to: ROUTER, logs: v2(900n) },
          { from: ALICE, to: VAULT, logs: [deposit] },
          { from: CONTRACT, to: ROUTER, logs: v2(1n) },
        ],
      }),
    ).toEqual([])
  })
})

describe('off the average', () => {
  test('behavior: a large trade is Low, a larger Medium, each told once, and it ends', async () => {
    const harness = await start()
    expect(await harness.block({ logs: v2(1_000n) })).toEqual([])
    expect(brief(await harness.block({ logs: v2(1_500n) }))).toEqual([
      ['PRICE-OFF-TWAP', 'Low', 'pair'],
    ])
    expect(await harness.block({ logs: v2(1_600n) })).toEqual([])
    expect(brief(await harness.block({ logs: v2(2_500n) }))).toEqual([
      ['PRICE-OFF-TWAP', 'Medium', 'pair'],
    ])
    expect(await harness.mine(3)).toEqual([])
    const ended = await harness.mine(10, { afterS: 300 })
    expect(ended.map(({ condition }) => condition)).toEqual(['ended'])
    await harness.stop()
  })

  test('behavior: whoever moved it borrows a block later; a stranger does not count', async () => {
    const harness = await start()
    await harness.block({ txs: [{ from: THIEF, to: ROUTER, logs: v2(5_000n) }] })
    expect(await harness.block({ txs: [{ from: ALICE, to: MARKET, logs: [borrow] }] })).toEqual([])
    const used: BlockInput = { txs: [{ from: THIEF, to: MARKET, logs: [borrow] }] }
    expect(brief(await harness.block(used))).toEqual([['PRICE-MANIPULATION', 'High', 'pair']])
    expect(await harness.block(used)).toEqual([])
    await harness.stop()
  })

  test('behavior: the gap is the same in both directions', () => {
    expect(gapBps(100n, 150n)).toBe(5_000)
    expect(gapBps(150n, 100n)).toBe(5_000)
  })

  test('behavior: a block that is rolled back leaves nothing', async () => {
    const harness = await start()
    await harness.block({ logs: v2(5_000n) })
    await harness.rollback(1)
    expect(await harness.mine(3)).toEqual([])
    expect(brief(await harness.block({ logs: v2(1_500n) }))).toEqual([
      ['PRICE-OFF-TWAP', 'Low', 'pair'],
    ])
    await harness.stop()
  })
})

describe('vanished reserves', () => {
  test.each([
    [100_000n, []],
    [100_001n, ['High']],
    [500_001n, ['High']],
    [500_100n, ['Critical']],
  ])('behavior: a reserve falls by %i of a million by sync() alone', async (lost, severities) => {
    const found = await once(thief([sync(1_000_000n, 1_000_000n - lost)]))
    const skews = found.filter(({ alertId }) => alertId === 'RESERVES-SKEW')
    expect(skews.map(({ severity }) => severity)).toEqual(severities)
  })

  test('behavior: a pair that nobody has traded in since the start is known by the block before', async () => {
    const harness = await createBotHarness(priceManipulation, { things })
    await harness.block({ calls })
    const found = await harness.block(thief([sync(1_000_000n, 1_000n)]))
    expect(brief(found)).toContainEqual(['RESERVES-SKEW', 'Critical', 'pair'])
    await harness.stop()
  })

  test('behavior: a withdrawal that takes both is none', async () => {
    const burn = encodeLog({
      abi: uniswapV2PairAbi,
      eventName: 'Burn',
      args: [ROUTER, 1n, 1n, ALICE],
      address: PAIR,
    })
    expect(await once(thief([sync(100_000n, 100_000n), burn]))).toEqual([])
  })
})

describe('conformance', () => {
  for (const { name, run } of botConformance(priceManipulation, {
    things: [...things],
    scenario: [
      { calls, logs: [...v2(0n), ...v3(0n)] },
      { logs: v2(40n) },
      { afterS: 600 },
      { logs: v3(30n), afterS: 600 },
      { logs: v2(3_000n) },
      thief([...v3(2_000n), borrow, ...v3(31n)]),
      {},
      { afterS: 1_900 },
      { logs: v2(2_990n) },
    ],
    benign: [
      { calls, logs: [...v2(0n), ...v3(0n)] },
      { logs: [...v2(400n), ...v3(100n)], afterS: 300 },
      { logs: [deposit, borrow, ...v2(10n)], afterS: 300 },
      thief([...v2(900n), ...v2(10n), flashLoan]),
    ],
  }))
    test(name, run)
})

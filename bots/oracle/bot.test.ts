import {
  type BlockInput,
  botConformance,
  createBotHarness,
  encodeLog,
  REVERTS,
} from 'tocsin/testing'
import { describe, expect, test } from 'vitest'
import { chainlinkAggregatorAbi, erc20Abi, uniswapV2PairAbi } from '../../abis/index.ts'
import { oracle } from './bot.ts'

const FEED = '0x00000000000000000000000000000000000000a1'
const OTHER = '0x00000000000000000000000000000000000000a2'
const PAIR = '0x00000000000000000000000000000000000000a3'
const USD = '0x00000000000000000000000000000000000000a4'
const WETH = '0x00000000000000000000000000000000000000a5'
const AGGREGATOR = '0x00000000000000000000000000000000000000b1'
const NEXT = '0x00000000000000000000000000000000000000b2'
const START_S = 1_790_000_000
const PHASE = 1n << 64n

const feed = { kind: 'oracle', name: 'feed', address: FEED, heartbeatS: 3_600 } as const
const other = { kind: 'oracle', name: 'other', address: OTHER, heartbeatS: 3_600 } as const
const pair = { kind: 'pool', name: 'pair', variant: 'uniswap-v2', address: PAIR } as const
const usd = (dollars: number): bigint => BigInt(Math.round(dollars * 1e8))
const round = (id: bigint, dollars: number, atS: number) =>
  [PHASE + id, usd(dollars), BigInt(atS), BigInt(atS), PHASE + id] as const
const describeFeed = (
  address: `0x${string}`,
  description: string,
  decimals = 8,
  aggregator = AGGREGATOR,
) =>
  [
    ['decimals', decimals],
    ['description', description],
    ['aggregator', aggregator],
  ].map(([functionName, result]) => ({
    address,
    abi: chainlinkAggregatorAbi,
    functionName: String(functionName),
    result,
  }))
const bound = (functionName: 'minAnswer' | 'maxAnswer', dollars: number) =>
  ({
    address: AGGREGATOR,
    abi: chainlinkAggregatorAbi,
    functionName,
    result: usd(dollars),
  }) as const
const token = (address: `0x${string}`, decimals: number, symbol: string) => [
  { address, abi: erc20Abi, functionName: 'decimals', result: decimals } as const,
  { address, abi: erc20Abi, functionName: 'symbol', result: symbol } as const,
]
/** Reserves that make one WETH so many dollars. */
const reserves = (dollars: number): readonly [bigint, bigint] => [
  BigInt(Math.round(dollars * 1_000)) * 1_000_000n,
  1_000n * 10n ** 18n,
]
const calls: BlockInput['calls'] = [
  ...describeFeed(FEED, 'ETH / USD'),
  ...describeFeed(OTHER, 'ETH / USD', 18, NEXT),
  bound('minAnswer', 100),
  bound('maxAnswer', 100_000),
  { address: PAIR, abi: uniswapV2PairAbi, functionName: 'token0', result: USD },
  { address: PAIR, abi: uniswapV2PairAbi, functionName: 'token1', result: WETH },
  {
    address: PAIR,
    abi: uniswapV2PairAbi,
    functionName: 'getReserves',
    result: [...reserves(2_000), 0],
  },
  ...token(USD, 6, 'dUSD'),
  ...token(WETH, 18, 'WETH'),
]
const trade = (dollars: number) => {
  const [reserve0, reserve1] = reserves(dollars)
  return encodeLog({
    abi: uniswapV2PairAbi,
    eventName: 'Sync',
    args: { reserve0, reserve1 },
    address: PAIR,
  })
}
type Thing = Parameters<typeof createBotHarness>[1]['things'][number]

const start = async (things: readonly Thing[] = [feed], dollars = 2_000) => {
  const harness = await createBotHarness(oracle, { things, startTimestampS: START_S })
  const both = things.some(({ name }) => name === 'other')
  const reads = {
    feed: round(5n, dollars, START_S),
    ...(both ? { other: [1n, 2_000n * 10n ** 18n, 0n, BigInt(START_S), 1n] } : {}),
  }
  await harness.block({ calls, reads })
  expect(await harness.mine(8)).toEqual([])
  return {
    ...harness,
    /** A new answer at the time of its block. */
    say: (dollarsNow: number, id = 6n, more: BlockInput = {}) =>
      harness.block({
        reads: { feed: round(id, dollarsNow, harness.head().timestampS + 12) },
        ...more,
      }),
  }
}
const brief = (rows: readonly { alertId: string; severity: string; condition: string | null }[]) =>
  rows.map(({ alertId, severity, condition }) => [alertId, severity, condition])

describe('one feed', () => {
  test.each([
    [2_199, []],
    [2_201, [['ORACLE-JUMP', 'Medium', null]]],
    [2_401, [['ORACLE-JUMP', 'High', null]]],
    [1_400, [['ORACLE-JUMP', 'Critical', null]]],
  ])('behavior: from 2000 to %i', async (dollars, expected) => {
    const harness = await start()
    expect(brief(await harness.say(dollars))).toEqual(expected)
    expect(await harness.mine(3)).toEqual([])
    await harness.stop()
  })

  test('behavior: stale beyond the heartbeat and a tenth, graver later, over with an update', async () => {
    const harness = await start()
    expect(await harness.block({ timestampS: START_S + 3_960 })).toEqual([])
    expect(brief(await harness.block({ timestampS: START_S + 3_961 }))).toEqual([
      ['ORACLE-STALE', 'Medium', 'holds'],
    ])
    expect(await harness.mine(2)).toEqual([])
    expect(brief(await harness.block({ timestampS: START_S + 7_921 }))).toEqual([
      ['ORACLE-STALE', 'High', 'holds'],
    ])
    expect(brief(await harness.say(2_010))).toEqual([['ORACLE-STALE', 'Info', 'ended']])
    await harness.stop()
  })

  test('behavior: without a heartbeat its own gaps teach one, after a warm-up', async () => {
    const { heartbeatS: _, ...bare } = feed
    const harness = await start([bare])
    for (let i = 0; i < 7; i++) expect(await harness.say(2_000 + i, 6n + BigInt(i))).toEqual([])
    expect(await harness.block({ afterS: 50_000 })).toEqual([])
    const back = await start([bare])
    for (let i = 0; i < 8; i++)
      await back.block({
        afterS: 600,
        reads: { feed: round(6n + BigInt(i), 2_000, back.head().timestampS + 600) },
      })
    // Twice the longest gap would be twenty minutes; nothing learned is shorter than twice an hour.
    expect(await back.block({ afterS: 7_100 })).toEqual([])
    const [stale] = await back.block({ afterS: 200 })
    expect(stale).toMatchObject({ alertId: 'ORACLE-STALE', condition: 'holds' })
    expect(stale?.metadata['thresholdFrom']).toBe('its own updates')
    await harness.stop()
    await back.stop()
  })

  test.each([
    [0, 'the answer is zero'],
    [-5, 'the answer is negative'],
    [100, "the answer is at the aggregator's lower bound"],
    [100_000, "the answer is at the aggregator's upper bound"],
  ])(
    'behavior: an answer of %i is no price, and that is all that is said',
    async (dollars, reason) => {
      const harness = await start()
      const found = await harness.say(dollars)
      expect(brief(found)).toEqual([['ORACLE-INVALID', 'Critical', 'holds']])
      expect(found[0]?.metadata['reason']).toBe(reason)
      expect(await harness.mine(2)).toEqual([])
      expect(brief(await harness.say(2_000, 7n))).toContainEqual([
        'ORACLE-INVALID',
        'Info',
        'ended',
      ])
      await harness.stop()
    },
  )

  test('behavior: it goes back to an old round', async () => {
    const harness = await start()
    await harness.say(2_010)
    const found = await harness.block({ reads: { feed: round(5n, 2_000, START_S) } })
    expect(brief(found)).toEqual([['ORACLE-ROUND', 'High', null]])
    await harness.stop()
  })

  test('behavior: another aggregator that agrees is Low, one that does not is High', async () => {
    const change = async (dollars: number) => {
      const harness = await start()
      const atS = harness.head().timestampS
      const id = 2n * PHASE + 1n
      const found = await harness.block({
        reads: { feed: [id, usd(dollars), BigInt(atS), BigInt(atS), id] },
        calls: [
          { address: FEED, abi: chainlinkAggregatorAbi, functionName: 'aggregator', result: NEXT },
        ],
      })
      await harness.stop()
      return found
    }
    const quiet = await change(2_001)
    expect(brief(quiet)).toEqual([['ORACLE-AGGREGATOR', 'Low', null]])
    expect(quiet[0]?.metadata).toMatchObject({ aggregatorBefore: AGGREGATOR, aggregator: NEXT })
    expect(brief(await change(3_000))).toEqual([['ORACLE-AGGREGATOR', 'High', null]])
  })

  test('behavior: a feed that stops answering is unknown, one that never did is said once at Low', async () => {
    const harness = await start()
    expect(brief(await harness.block({ reads: { feed: REVERTS } }))).toEqual([
      ['ORACLE-INVALID', 'High', 'unknown'],
    ])
    expect(await harness.mine(3)).toEqual([])
    expect(brief(await harness.say(2_000))).toEqual([['ORACLE-INVALID', 'Info', 'ended']])
    const dead = await createBotHarness(oracle, { things: [feed] })
    expect(brief(await dead.block({ reads: { feed: REVERTS } }))).toEqual([
      ['ORACLE-INVALID', 'Low', 'unknown'],
    ])
    expect(await dead.mine(3)).toEqual([])
    await harness.stop()
    await dead.stop()
  })
})

describe('against the market', () => {
  const named = { ...feed, base: WETH, quote: USD } as const

  test.each([
    [2_090, []],
    [2_110, [['ORACLE-DEVIATION', 'Medium', 'holds']]],
    [2_210, [['ORACLE-DEVIATION', 'High', 'holds']]],
    [2_410, [['ORACLE-DEVIATION', 'Critical', 'holds']]],
  ])('behavior: the feed says %i, the pool of its pair 2000', async (dollars, expected) => {
    const harness = await start([named, pair])
    expect(brief(await harness.say(dollars))).toEqual(expected)
    expect(await harness.mine(2)).toEqual([])
    const over = await harness.say(2_001, 7n)
    if (expected.length > 0)
      expect(brief(over)).toContainEqual(['ORACLE-DEVIATION', 'Info', 'ended'])
    await harness.stop()
  })

  test('behavior: a pool found by its price counts one severity lower for a day', async () => {
    const harness = await start([feed, pair])
    const found = await harness.say(2_300)
    expect(brief(found)).toEqual([['ORACLE-DEVIATION', 'Medium', 'holds']])
    expect(found[0]?.metadata['pairedBy']).toBe('agreement of prices')
    await harness.stop()
  })

  test('behavior: a feed of a stablecoin takes no pool for its own by price alone', async () => {
    const harness = await start([feed, pair], 1)
    await harness.block({ logs: [trade(1)] })
    await harness.mine(8)
    expect(await harness.say(1.08)).toEqual([])
    await harness.stop()
  })

  test('behavior: a pool that is moved for a block is no deviation, a market that moved is', async () => {
    const harness = await start([named, pair])
    expect(await harness.block({ logs: [trade(3_000)], afterS: 600 })).toEqual([])
    expect(await harness.block({ logs: [trade(2_000)] })).toEqual([])
    await harness.mine(2, { afterS: 600 })
    await harness.block({ logs: [trade(2_240)] })
    const later = await harness.mine(4, { afterS: 480 })
    expect(brief(later).filter(([id]) => id === 'ORACLE-DEVIATION')).toEqual([
      ['ORACLE-DEVIATION', 'Medium', 'holds'],
    ])
    await harness.stop()
  })

  test('behavior: a crash that the pool has as well is Low', async () => {
    const harness = await start([named, pair])
    await harness.block({ logs: [trade(1_600)] })
    expect(brief(await harness.say(1_610))).toEqual([['ORACLE-JUMP', 'Low', null]])
    await harness.stop()
  })

  test('behavior: two feeds of one name check each other, across decimals', async () => {
    const harness = await start([feed, other])
    const found = await harness.say(2_150)
    expect(brief(found)).toContainEqual(['ORACLE-DEVIATION', 'Medium', 'holds'])
    expect(found[0]?.metadata).toMatchObject({ other: 'other', otherKind: 'oracle' })
    await harness.stop()
  })

  test('behavior: a block that is rolled back leaves nothing', async () => {
    const harness = await start([named, pair])
    await harness.say(2_500)
    await harness.rollback(1)
    expect(await harness.block({ reads: { feed: round(5n, 2_000, START_S) } })).toEqual([])
    await harness.stop()
  })
})

describe('conformance', () => {
  const at = (id: bigint, dollars: number, second: number): BlockInput => ({
    reads: { feed: round(id, dollars, START_S + second) },
  })
  for (const { name, run } of botConformance(oracle, {
    things: [feed, pair],
    startTimestampS: START_S,
    scenario: [
      { calls, ...at(1n, 2_000, 0) },
      {},
      {},
      {},
      {},
      { logs: [trade(2_010)] },
      at(2n, 3_000, 60),
      at(1n, 2_000, 0),
      { afterS: 8_000 },
      at(3n, 0, 8_100),
      { logs: [trade(2_020)], ...at(4n, 2_015, 8_150) },
    ],
    benign: [
      { calls, ...at(1n, 2_000, 0) },
      { logs: [trade(2_030)], ...at(2n, 2_020, 12) },
      { logs: [trade(2_000)], ...at(3n, 2_010, 24) },
    ],
  }))
    test(name, run)
})

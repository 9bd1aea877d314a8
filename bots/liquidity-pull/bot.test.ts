import { type BlockInput, botConformance, createBotHarness, encodeLog } from 'tocsin/testing'
import { parseAbi } from 'viem'
import { describe, expect, test } from 'vitest'
import { erc20Abi, uniswapV2PairAbi, uniswapV3PoolAbi } from '../../abis/index.ts'
import { liquidityPull } from './bot.ts'
import { judgePull } from './judgePull.ts'
import { measureRange, removedAt } from './measureRemoval.ts'

const PAIR = '0x00000000000000000000000000000000000000a1'
const POOL = '0x00000000000000000000000000000000000000a2'
const USD = '0x00000000000000000000000000000000000000a3'
const WETH = '0x00000000000000000000000000000000000000a4'
const ALICE = '0x00000000000000000000000000000000000000b1'
const THIEF = '0x00000000000000000000000000000000000000f1'
const MANAGER = '0x00000000000000000000000000000000000000d1'
const TOTAL = 1_000_000n

const pair = { kind: 'pool', name: 'pair', variant: 'uniswap-v2', address: PAIR } as const
const pool = { kind: 'pool', name: 'pool', variant: 'uniswap-v3', address: POOL } as const
const code = { [PAIR]: '0x01', [POOL]: '0x01' } as const

const tokens: BlockInput['calls'] = ([PAIR, POOL] as const).flatMap((address) => [
  { address, abi: uniswapV2PairAbi, functionName: 'token0', result: USD } as const,
  { address, abi: uniswapV2PairAbi, functionName: 'token1', result: WETH } as const,
])
const details: BlockInput['calls'] = [
  { address: USD, abi: erc20Abi, functionName: 'decimals', result: 6 },
  { address: USD, abi: erc20Abi, functionName: 'symbol', result: 'dUSD' },
  { address: WETH, abi: erc20Abi, functionName: 'decimals', result: 18 },
  { address: WETH, abi: erc20Abi, functionName: 'symbol', result: 'WETH' },
]
const supply = (result: bigint) =>
  ({ address: PAIR, abi: erc20Abi, functionName: 'totalSupply', result }) as const
const range = (tick: number, liquidity: bigint) => [
  {
    address: POOL,
    abi: uniswapV3PoolAbi,
    functionName: 'slot0',
    result: [1n << 96n, tick, 0, 0, 0, 0, true],
  } as const,
  { address: POOL, abi: uniswapV3PoolAbi, functionName: 'liquidity', result: liquidity } as const,
]
const v2 = (eventName: 'Mint' | 'Burn', amount: bigint) =>
  encodeLog({
    abi: uniswapV2PairAbi,
    eventName,
    args: {
      sender: MANAGER,
      amount0: amount,
      amount1: amount,
      ...(eventName === 'Burn' ? { to: THIEF } : {}),
    },
    address: PAIR,
  })
const v3 = (eventName: 'Mint' | 'Burn', amount: bigint, tickLower = -60, tickUpper = 60) =>
  encodeLog({
    abi: uniswapV3PoolAbi,
    eventName,
    args: {
      ...(eventName === 'Mint' ? { sender: MANAGER } : {}),
      owner: MANAGER,
      tickLower,
      tickUpper,
      amount,
      amount0: amount,
      amount1: amount,
    },
    address: POOL,
  })
const start = async (parameters: Record<string, unknown> = {}) => {
  const harness = await createBotHarness(liquidityPull, { things: [pair, pool], parameters })
  await harness.block({
    code,
    calls: [...(tokens ?? []), ...(details ?? []), supply(TOTAL), ...range(0, TOTAL)],
  })
  return harness
}
const once = async (block: BlockInput) => {
  const harness = await start()
  const found = await harness.block(block)
  await harness.stop()
  return found
}
const burnV2 = (amount: bigint): BlockInput => ({
  txs: [{ from: THIEF, to: MANAGER, logs: [v2('Burn', amount)] }],
  calls: [supply(TOTAL - amount)],
})
const burnV3 = (amount: bigint): BlockInput => ({
  txs: [{ from: THIEF, to: MANAGER, logs: [v3('Burn', amount)] }],
  calls: [...range(0, TOTAL - amount)],
})
const brief = (rows: readonly { alertId: string; severity: string; condition: string | null }[]) =>
  rows.map(({ alertId, severity, condition }) => [alertId, severity, condition])

describe('one block', () => {
  test.each([
    ['v2', burnV2],
    ['v3', burnV3],
  ])(
    'behavior: %s: 5 % is silent, a unit more High, 20 % High, a unit more Critical',
    async (_, burn) => {
      expect(await once(burn(50_000n))).toEqual([])
      expect(brief(await once(burn(50_001n)))).toEqual([['LIQUIDITY-PULL', 'High', null]])
      expect(brief(await once(burn(200_000n)))).toEqual([['LIQUIDITY-PULL', 'High', null]])
      expect(brief(await once(burn(200_001n)))).toEqual([['LIQUIDITY-PULL', 'Critical', null]])
    },
  )

  test('behavior: it says how much, in both tokens, and who', async () => {
    const [finding] = await once(burnV2(300_000n))
    expect(finding?.description).toContain('30.00 % of the liquidity of pair')
    expect(finding?.description).toContain('0.3 dUSD')
    expect(finding?.metadata).toMatchObject({
      removedBps: '3000',
      before: '1000000',
      after: '700000',
      caller: THIEF,
      owners: THIEF,
      token0: USD,
      value0: '0.3 dUSD',
      measuredBy: 'shares',
    })
    expect(finding).toMatchObject({ thing: 'pair', addresses: [PAIR, THIEF] })
    const [concentrated] = await once(burnV3(300_000n))
    expect(concentrated?.metadata).toMatchObject({
      caller: THIEF,
      owners: MANAGER,
      variant: 'uniswap-v3',
    })
  })

  test('behavior: what comes back in the same block does not count, by whomever', async () => {
    expect(
      await once({
        txs: [
          { from: THIEF, logs: [v2('Burn', 600_000n)] },
          { from: ALICE, logs: [v2('Mint', 600_000n)] },
        ],
        calls: [supply(TOTAL)],
      }),
    ).toEqual([])
    expect(
      await once({
        txs: [{ from: THIEF, logs: [v3('Mint', 900_000n), v3('Burn', 900_000n)] }],
        calls: range(0, TOTAL),
      }),
    ).toEqual([])
    expect(
      await once({
        txs: [{ from: THIEF, logs: [v3('Mint', 900_000n), v3('Burn', 960_000n)] }],
        calls: range(0, TOTAL - 60_000n),
      }),
    ).toHaveLength(1)
  })

  test('behavior: v3: a swap that crosses ticks is no pull, though the liquidity in range collapses', async () => {
    expect(await once({ calls: range(5_000, 1_000n) })).toEqual([])
    expect(await once({ logs: [v3('Burn', 1_000n)], calls: range(5_000, 1_000n) })).toEqual([])
  })

  test('behavior: v3: positions out of range and settled fees are no pull', async () => {
    expect(await once({ logs: [v3('Burn', 900_000n, 60, 120)], calls: range(0, TOTAL) })).toEqual(
      [],
    )
    expect(await once({ logs: [v3('Burn', 0n)], calls: range(0, TOTAL) })).toEqual([])
    expect(await once({ logs: [v3('Burn', 900_000n, -120, -60)], calls: range(0, TOTAL) })).toEqual(
      [],
    )
  })

  test('behavior: v3: a swap away and a pull where the price went is one', async () => {
    expect(
      await once({ logs: [v3('Burn', 400n, 4_980, 5_040)], calls: range(5_000, 600n) }),
    ).toMatchObject([
      {
        alertId: 'LIQUIDITY-PULL',
        severity: 'Critical',
        metadata: { measuredBy: 'in-range liquidity at the new price', removedBps: '4000' },
      },
    ])
  })

  test('behavior: a pool that is born or was empty cannot be pulled', async () => {
    const harness = await createBotHarness(liquidityPull, { things: [pair, pool] })
    await harness.block()
    expect(
      await harness.block({ code, logs: [v2('Mint', 1n)], calls: [...(tokens ?? []), supply(5n)] }),
    ).toEqual([])
    expect(await harness.block({ logs: [v3('Mint', 1n)], calls: range(0, 1n) })).toEqual([])
    await harness.stop()
  })

  test('error: an address that is no such pool, an ABI without Burn', async () => {
    const harness = await createBotHarness(liquidityPull, { things: [pair] })
    await harness.block({ code })
    const { failures } = await harness.blockWithFailures({ logs: [v2('Burn', 1n)] })
    expect(failures.join()).toContain('does not answer totalSupply()')
    await harness.stop()
    await expect(
      createBotHarness(liquidityPull, {
        things: [{ ...pair, abi: parseAbi(['event Mint(address a)']) }],
      }),
    ).rejects.toMatchObject({ code: 'bot.abi_mismatch' })
  })
})

describe('within an hour', () => {
  /** Burns four per cent at a time of what is left. */
  const drip = (harness: Awaited<ReturnType<typeof start>>) => {
    let left = TOTAL
    return async (afterS = 12, bps = 400n) => {
      const amount = (left * bps) / 10_000n
      left -= amount
      return harness.block({
        afterS,
        txs: [{ from: THIEF, logs: [v2('Burn', amount)] }],
        calls: [supply(left)],
      })
    }
  }

  test('behavior: many small pulls add up, told by the step, and it ends when the window has moved on', async () => {
    const harness = await start()
    const pull = drip(harness)
    expect([...(await pull()), ...(await pull())]).toEqual([])
    expect(brief(await pull())).toEqual([['LIQUIDITY-DRAIN', 'High', 'holds']])
    expect(await pull()).toEqual([])
    expect(brief(await pull())).toEqual([['LIQUIDITY-DRAIN', 'High', 'holds']])
    expect(await harness.block()).toEqual([])
    expect(brief(await harness.block({ afterS: 3_600 }))).toEqual([
      ['LIQUIDITY-DRAIN', 'Info', 'ended'],
    ])
    await harness.stop()
  })

  test('behavior: exactly ten per cent within the window is silent', async () => {
    const harness = await start()
    const half = (before: bigint): BlockInput => ({
      logs: [v2('Burn', 50_000n)],
      calls: [supply(before - 50_000n)],
    })
    // Twice five per cent of a million: the second after a mint that makes it a million again, in the same window.
    expect(await harness.block(half(TOTAL))).toEqual([])
    expect(await harness.block({ logs: [v2('Mint', 50_000n)], calls: [supply(TOTAL)] })).toEqual([])
    expect(await harness.block(half(TOTAL))).toEqual([])
    await harness.stop()
  })

  test('behavior: as slow as the window allows is silent, and what came back counts against it', async () => {
    const slow = await start()
    const pull = drip(slow)
    for (let i = 0; i < 10; i++) expect(await pull(1_801)).toEqual([])
    await slow.stop()
    const harness = await start()
    for (let i = 0; i < 8; i++) {
      expect(
        await harness.block({ logs: [v2('Burn', 40_000n)], calls: [supply(TOTAL - 40_000n)] }),
      ).toEqual([])
      expect(await harness.block({ logs: [v2('Mint', 40_000n)], calls: [supply(TOTAL)] })).toEqual(
        [],
      )
    }
    await harness.stop()
  })

  test('behavior: a pull that was told of is not told again by the window, a further one is', async () => {
    const harness = await start()
    expect(brief(await harness.block(burnV2(300_000n)))).toEqual([
      ['LIQUIDITY-PULL', 'Critical', null],
    ])
    expect(await harness.mine(3)).toEqual([])
    expect(
      brief(await harness.block({ logs: [v2('Burn', 7_000n)], calls: [supply(693_000n)] })),
    ).toEqual([['LIQUIDITY-DRAIN', 'High', 'holds']])
    await harness.stop()
  })
})

describe('measure', () => {
  const event = (name: 'Mint' | 'Burn', liquidity: bigint, lower: number, upper: number) =>
    ({
      name,
      owner: undefined,
      amount0: 0n,
      amount1: 0n,
      range: { lower, upper, liquidity },
      txHash: '0x',
      logIndex: 0,
    }) as const

  test('behavior: the lower tick belongs to a range, the upper does not', () => {
    expect([-61, -60, 59, 60].map((tick) => removedAt([event('Burn', 7n, -60, 60)], tick))).toEqual(
      [0n, 7n, 7n, 0n],
    )
  })

  test('behavior: liquidity put where the price then goes cannot hide what left where it was', () => {
    const events = [event('Mint', 900n, 4_980, 5_040), event('Burn', 500n, -60, 60)]
    expect(
      measureRange(events, { tick: 0, liquidity: 1_000n }, { tick: 5_000, liquidity: 900n }),
    ).toMatchObject({ removed: 500n, before: 1_000n })
  })

  test('behavior: nothing in range before is nothing to pull', () => {
    expect(
      measureRange(
        [event('Mint', 5n, -60, 60)],
        { tick: 0, liquidity: 0n },
        { tick: 0, liquidity: 5n },
      ),
    ).toBeUndefined()
  })
})

describe('who came and went', () => {
  const limits = { removeBps: 500, criticalBps: 2_000, windowFactor: 2 }
  const severity = (removed: bigint, netPpm: bigint) =>
    judgePull({ removed, before: 1_000n, by: 'shares' } as never, limits, netPpm)?.severity

  test('behavior: no more left than came within the day: Medium, unless it is more than half', () => {
    expect(severity(300n, 1_000_000n)).toBe('Critical')
    expect(severity(300n, 50_000n)).toBe('Medium')
    expect(severity(300n, 50_001n)).toBe('Critical')
    expect(severity(500n, -400_000n)).toBe('Medium')
    expect(severity(501n, -400_000n)).toBe('Critical')
  })

  test('behavior: liquidity that was added an hour ago leaves quietly, what was there before does not', async () => {
    const harness = await start()
    await harness.block({ logs: [v2('Mint', 250_000n)], calls: [supply(1_250_000n)] })
    const left = await harness.block({
      ...burnV2(250_000n),
      calls: [supply(TOTAL)],
      afterS: 3_700,
    })
    expect(left.map(({ alertId, severity }) => [alertId, severity])).toEqual([
      ['LIQUIDITY-PULL', 'Medium'],
    ])
    const more = await harness.block(burnV2(250_000n))
    expect(more.map(({ severity }) => severity)).toEqual(['Critical'])
    await harness.stop()
  })
})

describe('conformance', () => {
  const things = [pair, pool]
  const setUp: BlockInput = {
    code,
    calls: [...(tokens ?? []), ...(details ?? []), supply(TOTAL), ...range(0, TOTAL)],
  }
  const scenario: readonly BlockInput[] = [
    setUp,
    burnV2(40_000n),
    { logs: [v2('Burn', 40_000n)], calls: [supply(920_000n)] },
    { logs: [v2('Burn', 40_000n)], calls: [supply(880_000n)] },
    burnV3(300_000n),
    { afterS: 3_700 },
  ]
  const benign: readonly BlockInput[] = [
    setUp,
    ...Array.from({ length: 20 }, (_, i): BlockInput => {
      const amount = BigInt(i) * 100n
      return {
        logs: [v2(i % 2 ? 'Mint' : 'Burn', amount), v3('Burn', amount)],
        calls: [supply(TOTAL - amount), ...range(0, TOTAL - amount)],
      }
    }),
  ]
  for (const { name, run } of botConformance(liquidityPull, { things, scenario, benign }))
    test(name, run)
})

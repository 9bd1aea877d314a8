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
import { aaveV3PoolAbi, erc20Abi, uniswapV3PoolAbi } from '../../abis/index.ts'
import { tvlDrop } from './bot.ts'
import { followEpisode } from './followEpisode.ts'
import { holdsShareValue, judgeDrop } from './judgeDrop.ts'

const VAULT = '0x00000000000000000000000000000000000000a1'
const USD = '0x00000000000000000000000000000000000000a2'
const POOL = '0x00000000000000000000000000000000000000a3'
const WETH = '0x00000000000000000000000000000000000000a4'
const THIEF = '0x00000000000000000000000000000000000000f1'
const vault = { kind: 'vault', name: 'vault', address: VAULT, asset: USD } as const

/** A vault whose assets all lie in it. */
const holds = (assets: bigint, shares = 1_000_000n): BlockInput => ({
  reads: { 'vault:assets': assets, 'vault:idle': assets, 'vault:shares': shares },
})
const names: BlockInput['calls'] = [
  { address: USD, abi: erc20Abi, functionName: 'decimals', result: 6 },
  { address: USD, abi: erc20Abi, functionName: 'symbol', result: 'dUSD' },
]
const start = async (
  parameters: Record<string, unknown> = {},
  things: readonly Parameters<typeof createBotHarness>[1]['things'][number][] = [vault],
) => {
  const harness = await createBotHarness(tvlDrop, { things, parameters })
  return harness
}
const brief = (rows: readonly { alertId: string; severity: string; condition: string | null }[]) =>
  rows.map(({ alertId, severity, condition }) => [alertId, severity, condition])

describe('one block', () => {
  test('behavior: exactly 5 % is silent, a unit more is Critical, from the second block on', async () => {
    for (const [left, expected] of [
      [950_000n, []],
      [949_999n, [['TVL-DROP-BLOCK', 'Critical', null]]],
    ] as const) {
      const harness = await start()
      expect(await harness.block({ ...holds(1_000_000n), calls: names ?? [] })).toEqual([])
      expect(brief(await harness.block(holds(left)))).toEqual(expected)
      await harness.stop()
    }
  })

  test('behavior: it says how much, of what, and who took it', async () => {
    const harness = await start()
    await harness.block({ ...holds(1_000_000_000_000n), calls: names ?? [] })
    const transfer = (value: bigint, to: `0x${string}`) =>
      encodeLog({
        abi: erc20Abi,
        eventName: 'Transfer',
        args: { from: VAULT, to, value },
        address: USD,
      })
    const [finding] = await harness.block({
      ...holds(910_000_000_000n),
      txs: [
        { from: WETH, to: VAULT, logs: [transfer(1_000_000n, WETH)] },
        { from: THIEF, to: VAULT, logs: [transfer(89_999_000_000n, THIEF)] },
      ],
    })
    expect(finding?.description).toContain('lost 9.00 % of its value')
    expect(finding?.description).toContain('from 1,000,000 to 910,000 dUSD')
    expect(finding?.metadata).toMatchObject({
      before: '1000000000000',
      after: '910000000000',
      dropBps: '900',
      recipient: THIEF,
      caller: THIEF,
      largestOutflow: '89999000000',
      matchedByShares: 'no',
    })
    expect(finding?.addresses).toContain(THIEF)
    await harness.stop()
  })

  test('behavior: what share holders take out of their own is Medium, with the value of a share held', async () => {
    const harness = await start()
    await harness.block(holds(1_000_000n, 1_000_000n))
    expect(brief(await harness.block(holds(900_000n, 900_000n)))).toEqual([
      ['TVL-DROP-BLOCK', 'Medium', null],
    ])
    // Shares given back for a tenth of what left: no withdrawal.
    expect(brief(await harness.block(holds(810_000n, 891_000n)))).toContainEqual([
      'TVL-DROP-BLOCK',
      'Critical',
      null,
    ])
    await harness.stop()
  })

  test('behavior: dust is silent, and so is a vault that grows', async () => {
    const harness = await start({ minUnits: '1001' })
    await harness.block(holds(1_000n))
    expect(await harness.block(holds(1n))).toEqual([])
    expect(await harness.block(holds(5_000n))).toEqual([])
    await harness.stop()
  })
})

describe('within an hour', () => {
  test('behavior: exactly 10 % is silent, a unit more holds; it ends when the value recovers', async () => {
    const harness = await start()
    await harness.mine(4, holds(1_000_000n))
    await harness.block(holds(960_000n))
    await harness.block(holds(930_000n))
    expect(await harness.block(holds(900_000n))).toEqual([])
    const [finding] = await harness.block(holds(899_999n))
    expect(finding).toMatchObject({ alertId: 'TVL-DROP', severity: 'High', condition: 'holds' })
    expect(finding?.metadata).toMatchObject({
      windowS: '3600',
      thresholdBps: '1000',
      dropBps: '1000',
    })
    // Near the threshold it is neither told again nor called over.
    expect(await harness.block(holds(905_000n))).toEqual([])
    expect(brief(await harness.block(holds(950_000n)))).toEqual([['TVL-DROP', 'Info', 'ended']])
    await harness.stop()
  })

  test('behavior: told again by every step that makes it worse, not by every block', async () => {
    const harness = await start()
    await harness.mine(4, holds(1_000_000n))
    const told: unknown[] = []
    for (let left = 980_000n; left >= 780_000n; left -= 10_000n)
      told.push(...brief(await harness.block(holds(left))))
    expect(told).toEqual([
      ['TVL-DROP', 'High', 'holds'],
      ['TVL-DROP', 'High', 'holds'],
      ['TVL-DROP', 'Critical', 'holds'],
    ])
    await harness.stop()
  })

  test('behavior: a drop slower than the window is silent, and it ends when the high has left the window', async () => {
    const slow = await start()
    for (let left = 1_000_000n; left > 800_000n; left -= 5_000n)
      for (const { alertId } of await slow.block({ ...holds(left), afterS: 300 }))
        expect(alertId).toBe('TVL-DRAIN-SLOW')
    await slow.stop()
    const harness = await start()
    await harness.mine(4, holds(1_000_000n))
    for (const left of [960_000n, 920_000n, 890_000n]) await harness.block(holds(left))
    expect(harness.findings()).toHaveLength(1)
    const later: unknown[] = []
    for (let i = 0; i < 65; i++)
      later.push(...brief(await harness.block({ ...holds(890_000n), afterS: 60 })))
    expect(later).toEqual([['TVL-DROP', 'Info', 'ended']])
    await harness.stop()
  })

  test('behavior: what came and went within the window is milder, a deposit hides no drain', async () => {
    const harness = await start({ oneBlockDropBps: 1_000 })
    await harness.mine(4, holds(1_000_000n, 1_000_000n))
    await harness.block(holds(1_100_000n))
    await harness.block(holds(1_040_000n))
    const [finding] = await harness.block(holds(985_000n))
    expect(finding).toMatchObject({
      alertId: 'TVL-DROP',
      severity: 'Medium',
      metadata: { cameAndWent: 'yes' },
    })
    await harness.stop()

    // The same, but what came were deposits: those who gave them have lost a tenth.
    const other = await start({ oneBlockDropBps: 1_000 })
    await other.mine(4, holds(1_000_000n, 1_000_000n))
    await other.block(holds(1_100_000n, 1_100_000n))
    await other.block(holds(1_040_000n, 1_100_000n))
    expect(brief(await other.block(holds(985_000n, 1_100_000n)))).toEqual([
      ['TVL-DROP', 'High', 'holds'],
    ])
    await other.stop()
  })

  test('behavior: the first blocks are no baseline', async () => {
    const harness = await start({ minSamples: 5, oneBlockDropBps: 1_000 })
    const told: unknown[] = []
    for (const left of [1_000n, 940n, 880n, 880n, 880n])
      told.push(...(await harness.block(holds(left))))
    expect(told).toEqual([])
    expect(brief(await harness.block(holds(880n)))).toEqual([['TVL-DROP', 'High', 'holds']])
    await harness.stop()
  })

  test('error: a value that cannot be read is unknown, once, and what held goes on', async () => {
    const harness = await start()
    await harness.mine(4, holds(1_000_000n))
    const broken: BlockInput = {
      reads: { 'vault:assets': REVERTS, 'vault:idle': REVERTS, 'vault:shares': 1n },
    }
    expect(brief(await harness.block(broken))).toEqual([['TVL-DROP', 'Medium', 'unknown']])
    expect(await harness.block(broken)).toEqual([])
    expect(brief(await harness.block(holds(1_000_000n)))).toEqual([['TVL-DROP', 'Info', 'ended']])
    // A drop behind the blindness is seen by both forms.
    await harness.block(broken)
    expect(brief(await harness.block(holds(850_000n)))).toEqual([
      ['TVL-DROP-BLOCK', 'Critical', null],
      ['TVL-DROP', 'Critical', 'holds'],
    ])
    expect(brief(await harness.block(broken))).toEqual([['TVL-DROP', 'Critical', 'unknown']])
    expect(brief(await harness.block(holds(850_000n)))).toEqual([['TVL-DROP', 'Critical', 'holds']])
    await harness.stop()
  })
})

describe('kinds', () => {
  test('behavior: an idle balance counts only while it is nearly everything', async () => {
    const invested = (assets: bigint, idle: bigint): BlockInput => ({
      reads: { 'vault:assets': assets, 'vault:idle': idle, 'vault:shares': 1n },
    })
    const harness = await start()
    await harness.mine(4, invested(1_000_000n, 400_000n))
    expect(await harness.block(invested(1_000_000n, 10n))).toEqual([])
    await harness.stop()
    // Books that show what is no longer there.
    const cooked = await start()
    await cooked.mine(4, invested(1_000_000n, 1_000_000n))
    expect((await cooked.block(invested(1_000_000n, 500_000n)))[0]).toMatchObject({
      alertId: 'TVL-DROP-BLOCK',
      metadata: { line: 'idle' },
    })
    await cooked.stop()
  })

  test('behavior: a v2 pair by the root of its product: swaps are silent, a burn is not', async () => {
    const pair = { kind: 'pool', name: 'pair', variant: 'uniswap-v2', address: POOL } as const
    const reserves = (a: bigint, b: bigint, shares: bigint): BlockInput => ({
      reads: { 'pair:reserves': [a, b, 0], 'pair:shares': shares },
    })
    const harness = await start({}, [pair])
    await harness.mine(4, reserves(1_000_000n, 1_000_000n, 1_000_000n))
    expect(await harness.block(reserves(2_000_000n, 500_000n, 1_000_000n))).toEqual([])
    expect(brief(await harness.block(reserves(1_800_000n, 450_000n, 900_000n)))).toEqual([
      ['TVL-DROP-BLOCK', 'Medium', null],
    ])
    await harness.stop()
  })

  test('behavior: a v3 pool at the old price: a swap across the whole range is silent, a withdrawal is not', async () => {
    const pool = { kind: 'pool', name: 'pool', variant: 'uniswap-v3', address: POOL } as const
    const at = (amount0: bigint, amount1: bigint, sqrtPriceX96: bigint): BlockInput => ({
      calls: [
        { address: POOL, abi: uniswapV3PoolAbi, functionName: 'token0', result: USD },
        { address: POOL, abi: uniswapV3PoolAbi, functionName: 'token1', result: WETH },
        {
          address: POOL,
          abi: uniswapV3PoolAbi,
          functionName: 'slot0',
          result: [sqrtPriceX96, 0, 0, 0, 0, 0, true],
        },
        { address: USD, abi: erc20Abi, functionName: 'balanceOf', result: amount0 },
        { address: WETH, abi: erc20Abi, functionName: 'balanceOf', result: amount1 },
      ],
      logs: [{ address: POOL, topics: [`0x${'11'.repeat(32)}`], data: '0x' }],
    })
    const one = 1n << 96n
    const harness = await start({}, [pool])
    await harness.mine(4, at(1_000_000n, 1_000_000n, one))
    // Half of token0 bought: the price of token0 doubles or more.
    expect(await harness.block(at(500_000n, 1_900_000n, (one * 19n) / 10n))).toEqual([])
    expect(await harness.block(at(1_000_000n, 1_000_000n, one))).toEqual([])
    const told = await harness.block(at(850_000n, 850_000n, one))
    expect(brief(told)).toEqual([
      ['TVL-DROP-BLOCK', 'Medium', null],
      ['TVL-DROP', 'Medium', 'holds'],
    ])
    await harness.stop()
  })

  test('behavior: a treasury by each of its tokens, else by its native coin', async () => {
    const treasury = { kind: 'treasury', name: 'dao', address: VAULT, tokens: [USD, WETH] } as const
    const harness = await start({}, [treasury])
    expect(harness.needs.reads).toHaveLength(2)
    await harness.mine(4, { reads: { [`dao:${USD}`]: 1_000n, [`dao:${WETH}`]: 1_000n } })
    expect((await harness.block({ reads: { [`dao:${WETH}`]: 940n } }))[0]).toMatchObject({
      alertId: 'TVL-DROP-BLOCK',
      metadata: { line: WETH },
    })
    await harness.stop()
    const native = await start({}, [{ ...treasury, tokens: [] }])
    await native.mine(2, { reads: { 'dao:native': 10n ** 18n } })
    expect(
      (await native.block({ reads: { 'dao:native': 9n * 10n ** 17n } }))[0]?.description,
    ).toContain('from 1 to 0.9 native coin')
    await native.stop()
  })

  test('behavior: a lending market by what lies in each reserve, looked at when something happens', async () => {
    const market = {
      kind: 'lending-market',
      name: 'market',
      variant: 'aave-v3',
      address: POOL,
    } as const
    const [aUsd, aWeth, usdDebt, wethDebt] = [
      '0x00000000000000000000000000000000000000d1',
      '0x00000000000000000000000000000000000000d2',
      '0x00000000000000000000000000000000000000e1',
      '0x00000000000000000000000000000000000000e2',
    ] as const
    const data = (aTokenAddress: string, variableDebtTokenAddress: string) => ({
      configuration: 0n,
      liquidityIndex: 0n,
      currentLiquidityRate: 0n,
      variableBorrowIndex: 0n,
      currentVariableBorrowRate: 0n,
      currentStableBorrowRate: 0n,
      lastUpdateTimestamp: 0,
      id: 0,
      aTokenAddress,
      stableDebtTokenAddress: '0x0000000000000000000000000000000000000000',
      variableDebtTokenAddress,
      interestRateStrategyAddress: USD,
      accruedToTreasury: 0n,
      unbacked: 0n,
      isolationModeTotalDebt: 0n,
    })
    const listed = (reserves: readonly string[]): NonNullable<BlockInput['calls']> => [
      { address: POOL, abi: aaveV3PoolAbi, functionName: 'getReservesList', result: reserves },
      {
        address: POOL,
        abi: aaveV3ReserveAbi,
        functionName: 'getReserveData',
        args: [USD],
        result: data(aUsd, usdDebt),
      },
      {
        address: POOL,
        abi: aaveV3ReserveAbi,
        functionName: 'getReserveData',
        args: [WETH],
        result: data(aWeth, wethDebt),
      },
    ]
    const held = (weth: bigint, lent = 0n, owed = 1_000n): BlockInput => ({
      calls: [
        ...listed([USD, WETH]),
        { address: USD, abi: erc20Abi, functionName: 'balanceOf', args: [aUsd], result: 1_000n },
        { address: WETH, abi: erc20Abi, functionName: 'balanceOf', args: [aWeth], result: weth },
        { address: aUsd, abi: erc20Abi, functionName: 'totalSupply', result: 1_000n },
        { address: aWeth, abi: erc20Abi, functionName: 'totalSupply', result: owed },
        { address: usdDebt, abi: erc20Abi, functionName: 'totalSupply', result: 0n },
        { address: wethDebt, abi: erc20Abi, functionName: 'totalSupply', result: lent },
      ],
    })
    const touched = {
      logs: [{ address: POOL, topics: [`0x${'22'.repeat(32)}`], data: '0x' }],
    } as const
    const harness = await start({}, [market])
    await harness.mine(4, held(1_000n))
    expect(await harness.block({ ...held(950n), ...touched })).toEqual([])
    // A loan takes nothing away.
    expect(await harness.block({ ...held(450n, 500n), ...touched })).toEqual([])
    // Nothing of the market in the block: nobody looks until the next event, or the next minute.
    expect(await harness.block({ ...held(390n, 500n), afterS: 1 })).toEqual([])
    const found = await harness.block({ ...touched, afterS: 1 })
    expect(brief(found)).toEqual([
      ['TVL-DROP-BLOCK', 'Critical', null],
      ['TVL-DROP', 'Critical', 'holds'],
    ])
    expect(found[0]?.metadata).toMatchObject({ line: WETH, dropBps: '631' })
    await harness.stop()

    // A withdrawal takes deposits and cash alike.
    const other = await start({}, [market])
    await other.mine(4, held(600n, 400n))
    const left = await other.block({ ...held(200n, 400n, 600n), ...touched })
    expect(brief(left)).toEqual([
      ['TVL-DROP-BLOCK', 'Medium', null],
      ['TVL-DROP', 'Medium', 'holds'],
    ])
    await other.stop()
  })

  test('error: things that cannot be measured are refused at the start', async () => {
    await expect(
      start({}, [{ ...vault, abi: parseAbi(['function owner() view returns (address)']) }]),
    ).rejects.toMatchObject({ code: 'bot.abi_mismatch' })
    await expect(
      start({ native: 'never' }, [{ kind: 'treasury', name: 'dao', address: VAULT }]),
    ).rejects.toMatchObject({ code: 'bot.nothing_to_measure' })
    await expect(start({ oneBlockDropBps: 2_000 })).rejects.toMatchObject({
      code: 'config.invalid',
    })
  })
})

describe('decisions', () => {
  const limits = { dropBps: 1_000, oneBlockDropBps: 500, stepBps: 500, minUnits: 0n }
  const facts = {
    previous: undefined,
    start: undefined,
    peak: undefined,
    isSeasoned: true,
    isMatched: { block: false, window: false },
    isVolatile: false,
  }

  test('behavior: twice the threshold is Critical, a unit less is High', () => {
    const window = (now: bigint) => {
      const pair = { base: 1_000_000n, now }
      return judgeDrop({ ...facts, start: pair, peak: pair }, limits).window
    }
    expect(window(800_001n)).toMatchObject({ severity: 'High', level: 2 })
    expect(window(800_000n)).toMatchObject({ severity: 'Critical', level: 3 })
    expect(window(0n)).toMatchObject({ severity: 'Critical', dropBps: 10_000 })
  })

  test('behavior: nothing to nothing is no drop', () => {
    const pair = { base: 0n, now: 0n }
    expect(judgeDrop({ ...facts, previous: pair, peak: pair }, limits)).toMatchObject({
      block: undefined,
      window: undefined,
    })
  })

  test('behavior: the value of a share, exactly at the tolerance and below', () => {
    const before = { assets: 1_000_000n, shares: 1_000_000n }
    expect(holdsShareValue(before, { assets: 495_000n, shares: 500_000n }, 100)).toBe(true)
    expect(holdsShareValue(before, { assets: 494_999n, shares: 500_000n }, 100)).toBe(false)
    expect(holdsShareValue({ assets: 1n, shares: 0n }, before, 100)).toBe(false)
  })

  test('behavior: an episode that rises in severity is told again', () => {
    const high = followEpisode(undefined, { kind: 'drop', level: 1, severity: 'High' }).episode
    expect(followEpisode(high, { kind: 'drop', level: 1, severity: 'High' }).say).toBeUndefined()
    expect(followEpisode(high, { kind: 'drop', level: 1, severity: 'Critical' }).say).toEqual({
      condition: 'holds',
      severity: 'Critical',
    })
  })
})

describe('slowly, within a day', () => {
  const BRIDGE = '0x00000000000000000000000000000000000000d1'
  const bridge = {
    kind: 'bridge',
    name: 'bridge',
    address: BRIDGE,
    remote: { chain: 'other', address: BRIDGE },
    bots: { 'tvl-drop': { tokens: [USD] } },
  } as const
  const key = `bridge:${USD}`
  const person = (n: number): `0x${string}` => `0x${n.toString(16).padStart(40, 'e')}`
  const move = (from: `0x${string}`, to: `0x${string}`, value: bigint) =>
    encodeLog({ abi: erc20Abi, eventName: 'Transfer', args: { from, to, value }, address: USD })
  /** Half a per cent every forty minutes, to whom `to` says. */
  const bleed = async (to: (step: number) => `0x${string}`, steps = 30, back = false) => {
    const harness = await start({}, [bridge])
    let held = 1_000_000n
    await harness.mine(5, { reads: { [key]: held }, calls: names ?? [] })
    // A day and more of calm, in which the first two are known.
    for (let hour = 0; hour < 50; hour++)
      await harness.block({ afterS: 3_600, reads: { [key]: held } })
    const told: string[] = []
    for (let step = 0; step < steps; step++) {
      held -= 7_000n
      const logs = [move(BRIDGE, to(step), 7_000n)]
      if (back) {
        held += 7_000n
        logs.push(move(to(step), BRIDGE, 7_000n))
      }
      for (const row of await harness.block({ afterS: 2_400, reads: { [key]: held }, logs }))
        told.push(`${row.alertId} ${row.severity} ${row.condition} ${row.metadata['recipients']}`)
    }
    const calm = await harness.mine(40, { afterS: 3_600 })
    told.push(...calm.map(({ alertId, condition }) => `${alertId} ${condition}`))
    await harness.stop()
    return told
  }

  test('behavior: few who take it in many small steps are told once, again when it is grave, and when it is over', async () => {
    expect(await bleed(() => THIEF)).toEqual([
      `TVL-DRAIN-SLOW Medium holds ${THIEF}`,
      `TVL-DRAIN-SLOW High holds ${THIEF}`,
      'TVL-DRAIN-SLOW ended',
    ])
  })

  test('behavior: many who leave are no drain, and neither is what comes back', async () => {
    expect(await bleed((step) => person(step), 20)).toEqual([])
    expect(await bleed((step) => person(step), 30)).toMatchObject([
      expect.stringContaining('TVL-DRAIN-SLOW Low holds'),
      'TVL-DRAIN-SLOW ended',
    ])
    expect(await bleed(() => THIEF, 30, true)).toEqual([])
  })

  test('behavior: holders of a vault who leave slowly are silent, a share that bleeds is High', async () => {
    for (const [left, expected] of [
      [(held: bigint) => held, []],
      [() => 1_000_000n, [['TVL-DRAIN-SLOW', 'High', 'holds']]],
    ] as const) {
      const harness = await start()
      const told: unknown[] = []
      await harness.mine(5, { ...holds(1_000_000n), calls: names ?? [] })
      for (let held = 990_000n; held > 880_000n; held -= 5_000n)
        told.push(...brief(await harness.block({ afterS: 2_400, ...holds(held, left(held)) })))
      expect(told).toEqual(expected)
      await harness.stop()
    }
  })

  test('behavior: what was told as a drop is not told again as a drain', async () => {
    const harness = await start()
    await harness.mine(5, { ...holds(1_000_000n), calls: names ?? [] })
    const found = [
      ...(await harness.block(holds(500_000n))),
      ...(await harness.mine(30, { afterS: 3_600 })),
    ]
    expect(found.filter(({ alertId }) => alertId === 'TVL-DRAIN-SLOW')).toEqual([])
    await harness.stop()
  })
})

describe('conformance', () => {
  const scenario: readonly BlockInput[] = [
    { ...holds(1_000_000n), calls: names ?? [] },
    ...Array.from({ length: 4 }, () => holds(1_000_000n)),
    holds(930_000n),
    { reads: { 'vault:assets': REVERTS, 'vault:idle': REVERTS } },
    holds(870_000n),
    { ...holds(870_000n), afterS: 3_700 },
    holds(869_000n),
  ]
  const benign: readonly BlockInput[] = Array.from({ length: 30 }, (_, i) =>
    holds(1_000_000n - BigInt((i * 7_919) % 40_000)),
  )
  for (const { name, run } of botConformance(tvlDrop, { things: [vault], scenario, benign }))
    test(name, run)
})

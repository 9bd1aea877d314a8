import { type BlockInput, botConformance, createBotHarness, encodeLog } from 'tocsin/testing'
import { describe, expect, test } from 'vitest'
import { erc20Abi, erc4626Abi, uniswapV3PoolAbi, wethAbi } from '../../abis/index.ts'
import { outflowCap } from './bot.ts'
import { addOutflow, EMPTY_HISTORY, type History, summarise } from './history.ts'
import { judgeOutflow } from './judgeOutflow.ts'
import { outflowCapParameters } from './parameters.ts'

const BRIDGE = '0x00000000000000000000000000000000000000a1'
const VAULT = '0x00000000000000000000000000000000000000a2'
const POOL = '0x00000000000000000000000000000000000000a3'
const USD = '0x00000000000000000000000000000000000000b1'
const WETH = '0x00000000000000000000000000000000000000b2'
const FAKE = '0x00000000000000000000000000000000000000b3'
const ANN = '0x00000000000000000000000000000000000000c1'
const THIEF = '0x00000000000000000000000000000000000000f1'
const HELD = 1_000_000n

const bridge = {
  kind: 'bridge',
  name: 'bridge',
  address: BRIDGE,
  remote: { chain: 'other', address: BRIDGE },
} as const
const vault = { kind: 'vault', name: 'vault', address: VAULT, asset: USD } as const
const pool = { kind: 'pool', name: 'pool', address: POOL, variant: 'uniswap-v3' } as const
const quick = { minSamples: 5, matureSamples: 5 }

const move = (units: bigint, from: string, to: string, token: `0x${string}` = USD) =>
  encodeLog({
    abi: erc20Abi,
    eventName: 'Transfer',
    args: { from, to, value: units },
    address: token,
  })
const balance = (result: unknown, of: string = BRIDGE, token: `0x${string}` = USD) => ({
  address: token,
  abi: erc20Abi,
  functionName: 'balanceOf',
  args: [of],
  result,
})
const books = (assets: bigint, shares: bigint) =>
  [
    ['totalAssets', assets],
    ['totalSupply', shares],
  ].map(([functionName, result]) => ({
    address: VAULT as `0x${string}`,
    abi: erc4626Abi,
    functionName: functionName as string,
    result,
  }))

/** A bridge that paid out a hundred six times, and holds a million. */
const start = async (parameters: Record<string, unknown> = quick, labels: never[] = []) => {
  const harness = await createBotHarness(outflowCap, { things: [bridge], parameters, labels })
  await harness.block({ calls: [balance(HELD)] })
  for (let i = 0; i < 6; i++) await harness.block({ logs: [move(100n, BRIDGE, ANN)] })
  return harness
}
const pay = (units: bigint, to: string = THIEF, left = HELD - units): BlockInput => ({
  calls: [balance(left)],
  logs: [move(units, BRIDGE, to)],
})
const brief = (rows: readonly { alertId: string; severity: string }[]) =>
  rows.map(({ alertId, severity }) => `${alertId} ${severity}`)

describe('single outflows of a bridge that names no token', () => {
  test('behavior: usual sizes are silent whatever they add up to; far above and a fifth of it is High, with the receiver', async () => {
    const harness = await start()
    for (let i = 0; i < 30; i++)
      expect(await harness.block({ logs: [move(150n, BRIDGE, ANN)] })).toEqual([])
    const found = await harness.block(pay(200_001n))
    expect(found).toMatchObject([
      {
        alertId: 'OUTFLOW-ABOVE-CAP',
        severity: 'High',
        thing: 'bridge',
        metadata: {
          recipient: THIEF,
          recipientKind: 'account',
          firstTime: 'yes',
          units: '200001',
          shareBps: '2000',
          historicalMax: '150',
          direction: 'out',
        },
      },
    ])
    // What was told is known now.
    expect(await harness.block(pay(200_001n, THIEF, HELD - 400_002n))).toEqual([])
    await harness.stop()
  })

  test('behavior: far above, but a small part, is Medium; a hundredth or less is silent', async () => {
    const harness = await start()
    expect(await harness.block(pay(10_000n))).toEqual([])
    await harness.stop()
    const again = await start()
    expect(brief(await again.block(pay(10_001n)))).toEqual(['OUTFLOW-ABOVE-CAP Medium'])
    await again.stop()
  })

  test('behavior: too few samples are silent, young histories count double', async () => {
    const harness = await start({ minSamples: 7 })
    expect(await harness.block(pay(900_000n))).toEqual([])
    await harness.stop()
    const young = await start({ minSamples: 5, matureSamples: 200 })
    await young.block({ calls: [balance(HELD)], logs: [move(10_000n, BRIDGE, ANN)] })
    expect(await young.block(pay(30_000n))).toEqual([])
    expect(brief(await young.block(pay(90_001n, THIEF, HELD - 120_001n)))).toEqual([
      'OUTFLOW-ABOVE-CAP Low',
    ])
    await young.stop()
  })

  test('behavior: what comes back in the same transaction, or came in before it, is no outflow of what was held', async () => {
    const harness = await start()
    expect(
      await harness.block({
        calls: [balance(HELD)],
        txs: [{ logs: [move(500_000n, BRIDGE, THIEF), move(500_100n, THIEF, BRIDGE)] }],
      }),
    ).toEqual([])
    const inAndOut = (back: bigint) => ({
      calls: [balance(HELD)],
      txs: [
        { logs: [move(1_000_000n, ANN, BRIDGE)] },
        { logs: [move(1_000_000n + back, BRIDGE, ANN)] },
      ],
    })
    expect(await harness.block(inAndOut(0n))).toEqual([])
    const found = await harness.block({
      calls: [balance(100_000n)],
      txs: [{ logs: [move(500_000n, ANN, BRIDGE)] }, { logs: [move(1_400_000n, BRIDGE, ANN)] }],
    })
    expect(found[0]?.metadata).toMatchObject({ shareBps: '9333', held: '1500000' })
    await harness.stop()
  })

  test('behavior: logs of tokens that the bridge does not hold are bait', async () => {
    const harness = await start()
    for (let i = 0; i < 8; i++)
      expect(await harness.block({ logs: [move(1n, BRIDGE, ANN, FAKE)] })).toEqual([])
    await harness.block({ calls: [balance(1_000n, BRIDGE, FAKE)] })
    for (let i = 0; i < 8; i++) await harness.block({ logs: [move(1n, BRIDGE, ANN, FAKE)] })
    // It says that it holds some, but its balances never follow its logs.
    expect(await harness.block({ logs: [move(900n, BRIDGE, THIEF, FAKE)] })).toEqual([])
    await harness.stop()
  })

  test('behavior: into a contract that was made for it a tenth is enough; to an own address nothing is told', async () => {
    const harness = await start()
    await harness.block({ calls: [balance(HELD)], logs: [move(40_000n, BRIDGE, ANN)] })
    expect(brief(await harness.block({ ...pay(100_001n), code: { [THIEF]: '0x6000' } }))).toEqual([
      'OUTFLOW-ABOVE-CAP High',
    ])
    await harness.stop()
    const own = await createBotHarness(outflowCap, {
      things: [bridge, vault],
      parameters: quick,
      labels: [{ address: ANN, name: 'ours', tags: ['own'] }],
    })
    await own.block({ calls: [balance(HELD)] })
    for (let i = 0; i < 6; i++) await own.block({ logs: [move(100n, BRIDGE, THIEF)] })
    expect(await own.block(pay(900_000n, ANN))).toEqual([])
    await own.stop()
  })

  test('behavior: native coin counts by blocks', async () => {
    const harness = await createBotHarness(outflowCap, { things: [bridge], parameters: quick })
    let left = 1_000_000n
    await harness.block({ reads: { 'native:bridge': left } })
    for (let i = 0; i < 6; i++) {
      left -= 100n
      expect(await harness.block({ reads: { 'native:bridge': left } })).toEqual([])
    }
    const [found] = await harness.block({
      reads: { 'native:bridge': 100n },
      txs: [{ from: THIEF, to: BRIDGE, input: '0x12345678' }],
    })
    expect(found).toMatchObject({
      severity: 'Medium',
      metadata: { token: 'native', caller: THIEF },
    })
    await harness.stop()
  })

  test('behavior: wrapped coin that is unwrapped has left', async () => {
    const harness = await createBotHarness(outflowCap, { things: [bridge], parameters: quick })
    await harness.block({ calls: [balance(HELD, BRIDGE, WETH)] })
    const unwrap = (wad: bigint) =>
      encodeLog({
        abi: wethAbi,
        eventName: 'Withdrawal',
        args: { src: BRIDGE, wad },
        address: WETH,
      })
    for (let i = 0; i < 6; i++) await harness.block({ logs: [unwrap(10n)] })
    expect(
      brief(
        await harness.block({
          calls: [balance(100_000n, BRIDGE, WETH)],
          logs: [unwrap(900_000n)],
        }),
      ),
    ).toEqual(['OUTFLOW-ABOVE-CAP High'])
    await harness.stop()
  })
})

describe('vaults and pools', () => {
  const vaultStart = async () => {
    const harness = await createBotHarness(outflowCap, { things: [vault], parameters: quick })
    await harness.block({ calls: [balance(HELD, VAULT), ...books(HELD, HELD)] })
    for (let i = 0; i < 6; i++) await harness.block({ logs: [move(100n, VAULT, ANN)] })
    return harness
  }

  test('behavior: a holder who takes out what was theirs is Low; a drain is Medium, since tvl-drop pages for it', async () => {
    const harness = await vaultStart()
    expect(
      brief(
        await harness.block({
          calls: [balance(HELD / 2n, VAULT), ...books(HELD / 2n, HELD / 2n)],
          logs: [move(HELD / 2n, VAULT, ANN)],
        }),
      ),
    ).toEqual(['OUTFLOW-ABOVE-CAP Low'])
    await harness.stop()
    const other = await vaultStart()
    expect(
      brief(
        await other.block({
          calls: [balance(HELD / 2n, VAULT), ...books(HELD / 2n, HELD)],
          logs: [move(HELD / 2n, VAULT, THIEF)],
        }),
      ),
    ).toEqual(['OUTFLOW-ABOVE-CAP Medium'])
    await other.stop()
  })

  test('behavior: other tokens of a vault do not count', async () => {
    const harness = await vaultStart()
    for (let i = 0; i < 9; i++)
      expect(await harness.block({ logs: [move(10n ** BigInt(i), VAULT, ANN, WETH)] })).toEqual([])
    await harness.stop()
  })

  test('behavior: a pool that is paid for what it gives is silent, one that is not is told', async () => {
    const harness = await createBotHarness(outflowCap, { things: [pool], parameters: quick })
    const token = (functionName: string, result: string) => ({
      address: POOL as `0x${string}`,
      abi: uniswapV3PoolAbi,
      functionName,
      result,
    })
    await harness.block({
      calls: [
        token('token0', USD),
        token('token1', WETH),
        balance(HELD, POOL),
        balance(HELD, POOL, WETH),
      ],
    })
    const swap = (units: bigint) => [move(units, POOL, ANN), move(units, ANN, POOL, WETH)]
    for (let i = 0; i < 6; i++) await harness.block({ logs: [move(100n, POOL, ANN)] })
    expect(await harness.block({ logs: swap(600_000n) })).toEqual([])
    expect(
      brief(
        await harness.block({ calls: [balance(0n, POOL)], logs: [move(600_000n, POOL, THIEF)] }),
      ),
    ).toEqual(['OUTFLOW-ABOVE-CAP Medium'])
    await harness.stop()
  })
})

describe('parts', () => {
  const parameters = outflowCapParameters.parse(quick)
  test('behavior: exactly the thresholds are below them', () => {
    const facts = {
      held: 10_000n,
      history: { max: 100n, count: 5, days: 1 },
      isMatched: false,
      isFreshContract: false,
      isMeasured: false,
    }
    const at = (units: bigint, more = {}) => judgeOutflow({ ...facts, units, ...more }, parameters)
    expect([at(150n), at(151n), at(500n), at(501n)]).toEqual([undefined, 'Low', 'Low', 'Medium'])
    expect([at(2_000n), at(2_001n)]).toEqual(['Medium', 'High'])
    expect(at(2_001n, { isMatched: true })).toBe('Low')
    expect(at(2_001n, { isMeasured: true })).toBe('Medium')
    expect([at(1_001n), at(1_001n, { isFreshContract: true })]).toEqual(['Medium', 'High'])
    expect(at(151n, { isMatched: true })).toBeUndefined()
    expect(at(151n, { held: 0n })).toBeUndefined()
  })

  test('behavior: a history forgets after its days and stays small', () => {
    let history: History = EMPTY_HISTORY
    for (let hour = 0; hour < 24 * 200; hour++)
      history = addOutflow(
        history,
        BigInt(1 + (hour % 7)),
        `0x${(hour % 50).toString(16).padStart(40, '0')}`,
        hour * 3_600,
        30,
      )
    expect(history.days).toHaveLength(30)
    expect(history.receivers.length).toBeLessThanOrEqual(32)
    expect(summarise(history, 24 * 200 * 3_600, 30).max).toBe(7n)
    expect(summarise(history, 24 * 300 * 3_600, 30)).toEqual({ max: 0n, count: 0, days: 0 })
    const full = Array.from({ length: 400 }).reduce<History>(
      (sum) => addOutflow(sum, 5n, undefined, 0, 30),
      EMPTY_HISTORY,
    )
    expect(addOutflow(full, 5n, undefined, 0, 30)).toBe(full)
  })
})

describe('conformance', () => {
  const usual = Array.from({ length: 6 }, (_, i) => ({
    logs: [move(100n + BigInt(i), BRIDGE, ANN)],
  }))
  const scenario: readonly BlockInput[] = [{ calls: [balance(HELD)] }, ...usual, pay(400_000n)]
  const benign: readonly BlockInput[] = [{ calls: [balance(HELD)] }, ...usual, pay(150n, ANN)]
  for (const { name, run } of botConformance(outflowCap, {
    things: [bridge],
    parameters: quick,
    scenario,
    benign,
  }))
    test(name, run)
})

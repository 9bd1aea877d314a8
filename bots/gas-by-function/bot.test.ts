import { type BotHarness, botConformance, createBotHarness } from 'tocsin/testing'
import { parseAbi } from 'viem'
import { describe, expect, test } from 'vitest'
import { gasByFunction } from './bot.ts'
import { addGas, newMeter, turnMeter, usualGas } from './meter.ts'

const APP = '0x00000000000000000000000000000000000000a1'
const ROUTER = '0x00000000000000000000000000000000000000a9'
const WORK: `0x${string}` = '0x322e9f04'
const DAY = 86_400
const app = { kind: 'contract', name: 'app', address: APP } as const
const user = (n: number): `0x${string}` => `0x${(0x5000_0000 + n).toString(16).padStart(40, '0')}`
const range = (n: number): readonly number[] => Array.from({ length: n }, (_, at) => at)
const calls = (
  n: number,
  gas: (at: number) => number,
  more: { readonly from?: `0x${string}`; readonly status?: 'reverted' } = {},
) =>
  range(n).map(
    (at) => ({ from: user(at), to: APP, input: WORK, gasUsed: BigInt(gas(at)), ...more }) as const,
  )
const start = (
  parameters: Record<string, unknown> = {},
  thing: Parameters<typeof createBotHarness>[1]['things'][number] = app,
) => createBotHarness(gasByFunction, { things: [thing], parameters, startTimestampS: 20_000 * DAY })
const brief = (rows: readonly { alertId: string; severity: string; condition: string | null }[]) =>
  rows.map(({ alertId, severity, condition }) => [alertId, severity, condition])

/** Gas of an ordinary call: 100,000 and a little. */
const ordinary = (at: number): number => 100_000 + ((at * 7_919) % 5_000)
/** One block of 20 calls a day. */
const playDays = async (
  harness: BotHarness,
  days: number,
  gas: (at: number, day: number) => number = ordinary,
) => {
  const found: unknown[] = []
  for (let day = 0; day < days; day++)
    found.push(
      ...brief(
        await harness.block({ afterS: DAY, txs: calls(20, (at) => gas(day * 20 + at, day)) }),
      ),
    )
  return found
}

describe('shift', () => {
  test('behavior: it is told within the block in which most calls cost more, and its end', async () => {
    const harness = await start({}, { ...app, abi: parseAbi(['function work()']) })
    expect(await playDays(harness, 9)).toEqual([])
    expect(await harness.block({ txs: calls(9, () => 150_000) })).toEqual([])
    const [finding] = await harness.block({ txs: calls(3, () => 150_000) })
    expect(finding).toMatchObject({
      alertId: 'GAS-SHIFT',
      severity: 'Medium',
      condition: 'holds',
      metadata: { function: 'work()', selector: WORK, gas: '150000', senders: '9', days: '8' },
    })
    expect(finding?.description).toContain('use 150,000 gas')
    expect(await harness.block({ txs: calls(20, () => 150_000) })).toEqual([])
    expect(brief(await harness.block({ txs: calls(15, ordinary) }))).toEqual([
      ['GAS-SHIFT', 'Info', 'ended'],
    ])
    await harness.stop()
  })

  test('behavior: exactly thirty per cent above the highest day is told, a unit less is silent', async () => {
    for (const [gas, expected] of [
      [130_000, [['GAS-SHIFT', 'Medium', 'holds']]],
      [129_999, []],
    ] as const) {
      const harness = await start()
      await playDays(harness, 9, () => 100_000)
      expect(brief(await harness.block({ txs: calls(20, () => gas) }))).toEqual(expected)
      await harness.stop()
    }
  })

  test('behavior: what lasts becomes usual the day after', async () => {
    const harness = await start()
    await playDays(harness, 9)
    const later = await playDays(harness, 4, () => 200_000)
    expect(later).toEqual([
      ['GAS-SHIFT', 'Medium', 'holds'],
      ['GAS-SHIFT', 'Info', 'ended'],
    ])
    await harness.stop()
  })

  test('behavior: the first week, dear weekends, one sender with large batches and failed calls are silent', async () => {
    const young = await start()
    expect(await playDays(young, 7, (_, day) => 50_000 * (day + 1))).toEqual([])
    await young.stop()
    const weekly = await start()
    const weekend = (at: number, day: number): number => ordinary(at) * (day % 7 >= 5 ? 3 : 1)
    expect(await playDays(weekly, 30, weekend)).toEqual([])
    await weekly.stop()
    const batch = await start()
    await playDays(batch, 9)
    expect(await batch.block({ txs: calls(30, () => 290_000, { from: user(1) }) })).toEqual([])
    await batch.stop()
    const failed = await start()
    await playDays(failed, 9)
    expect(await failed.block({ txs: calls(30, () => 9_000_000, { status: 'reverted' }) })).toEqual(
      [],
    )
    await failed.stop()
  })
})

describe('spike', () => {
  test('behavior: three times the most is told once, a unit less is silent', async () => {
    const harness = await start()
    await playDays(harness, 9, (at) => (at % 5 === 0 ? 200_000 : 100_000))
    expect(await harness.block({ txs: calls(1, () => 599_999) })).toEqual([])
    await harness.stop()
    const other = await start()
    await playDays(other, 9, (at) => (at % 5 === 0 ? 200_000 : 100_000))
    const [finding] = await other.block({ txs: calls(1, () => 600_000) })
    expect(finding).toMatchObject({
      alertId: 'GAS-SPIKE',
      severity: 'Low',
      metadata: { gas: '600000', mostGas: '200000', caller: user(0) },
    })
    // It is the most now: the same again is no news.
    expect(await other.block({ txs: calls(1, () => 600_000) })).toEqual([])
    await other.stop()
  })

  test('behavior: below the floor nothing is a spike', async () => {
    const harness = await start()
    await playDays(harness, 9, () => 30_000)
    expect(await harness.block({ txs: calls(1, () => 499_999) })).toEqual([])
    await harness.stop()
  })
})

describe('meters', () => {
  test('behavior: internal calls are metered apart, where traces are wanted', async () => {
    const harness = await start({ traces: 'whenTouched' })
    expect(harness.needs.traces).toEqual({ mode: 'whenTouched', addresses: [APP] })
    await harness.block({
      txs: [
        { from: user(1), to: ROUTER, calls: [{ to: APP, input: WORK }] },
        ...calls(1, ordinary),
      ],
    })
    const memory = JSON.stringify(await harness.memory())
    expect(memory).toContain(`meter:app:${WORK}:internal`)
    expect(memory).toContain(`meter:app:${WORK}"`)
    await harness.stop()
  })

  test('behavior: a day is thinned evenly and closed; four weeks are kept', () => {
    let meter = newMeter(0)
    for (let day = 0; day < 60; day++) {
      meter = turnMeter(meter, day * DAY)
      for (let at = 0; at < 500; at++) meter = addGas(meter, [[at, 'a']], day * DAY + at)
      expect(meter.sample.length).toBeLessThanOrEqual(32)
    }
    expect(meter.days).toHaveLength(28)
    expect(JSON.stringify(meter).length).toBeLessThan(2_000)
    for (const [, count, median, , most] of meter.days) {
      expect([count, most]).toEqual([500, 499])
      expect(Math.abs(median - 250)).toBeLessThan(25)
    }
    const parameters = gasByFunction.parameters.parse({})
    const usual = usualGas(meter, { ...app, parameters } as never)
    expect(usual).toMatchObject({ days: 28, calls: 14_000, most: 499 })
  })

  test('behavior: strangers cannot fill the state with made-up functions', async () => {
    const harness = await start()
    const made = (n: number): `0x${string}` => `0x${n.toString(16).padStart(8, '0')}`
    for (let round = 0; round < 5; round++)
      await harness.block({
        txs: range(100).map((n) => ({ from: user(n), to: APP, input: made(n + round * 100) })),
      })
    const memory = JSON.stringify(await harness.memory())
    expect(memory).toContain(`meter:app:${made(63)}`)
    expect(memory).not.toContain(`meter:app:${made(64)}`)
    await harness.stop()
  })
})

for (const { name, run } of botConformance(gasByFunction, {
  things: [app],
  scenario: async (harness) => {
    await playDays(harness, 9)
    await harness.block({ txs: calls(20, () => 700_000) })
    await harness.block({ txs: calls(20, ordinary) })
  },
  benign: async (harness) => {
    await playDays(harness, 9)
  },
}))
  test(name, run)

import { type BlockInput, type BotHarness, botConformance, createBotHarness } from 'tocsin/testing'
import { parseAbi } from 'viem'
import { describe, expect, test } from 'vitest'
import { pausableAbi } from '../../abis/index.ts'
import { activity } from './bot.ts'

const APP = '0x00000000000000000000000000000000000000a1'
const POOL = '0x00000000000000000000000000000000000000a2'
const SWAP: `0x${string}` = '0x12345678'
const TOPIC: `0x${string}` = `0x${'77'.repeat(32)}`
/** A Monday, 00:00 UTC. */
const MONDAY = Date.parse('2026-11-16T00:00:00Z') / 1_000
const HOUR = 3_600
const DAY = 24 * HOUR

const abi = parseAbi(['function swap(uint256 amount)'])
const app = { kind: 'contract', name: 'app', address: APP } as const
const user = (n: number): `0x${string}` => `0x${(0x5000_0000 + n).toString(16).padStart(40, '0')}`
const calls = (users: readonly number[], status: 'success' | 'reverted' = 'success') =>
  users.map((n) => ({ from: user(n), to: APP, input: SWAP, status }) as const)
const range = (n: number, first = 0): readonly number[] =>
  Array.from({ length: n }, (_, at) => first + at)
const start = (
  parameters: Record<string, unknown> = {},
  thing: Parameters<typeof createBotHarness>[1]['things'][number] = app,
) =>
  createBotHarness(activity, {
    things: [thing],
    parameters,
    startTimestampS: MONDAY - HOUR,
  })
const brief = (rows: readonly { alertId: string; severity: string; condition: string | null }[]) =>
  rows.map(({ alertId, severity, condition }) => [alertId, severity, condition])

/** Users of an hour: fewer by night, a third at the weekend. */
const usersAt = (hour: number): number => {
  const base = hour % 24 < 6 ? 20 : 40
  return Math.round((hour % 168 >= 120 ? base / 2 : base) + ((hour * 7) % 5))
}
/** Hours since the Monday, one block each, twenty minutes past. */
const playHours = async (
  harness: BotHarness,
  from: number,
  to: number,
  count: (hour: number) => number = usersAt,
) => {
  const found: unknown[] = []
  for (let hour = from; hour < to; hour++) {
    const rows = await harness.block({
      timestampS: MONDAY + hour * HOUR + 1_200,
      txs: calls(range(count(hour), (hour % 5) * 40)),
    })
    found.push(...brief(rows))
  }
  return found
}

describe('users and transactions', () => {
  test('behavior: two weeks and a half with nights and weekends are silent, a lost hour is told, and its end', async () => {
    const harness = await start()
    expect(await playHours(harness, 0, 418)).toEqual([])
    // A Wednesday morning: a tenth of the users.
    const told = await playHours(harness, 418, 421, () => 4)
    expect(told).toEqual([['ACTIVITY-DROP', 'Medium', 'holds']])
    const [finding] = harness.findings()
    expect(finding?.description).toContain('4 users')
    expect(finding?.metadata).toMatchObject({ transactions: '4', windowS: '3600' })
    expect(Number(finding?.metadata['usersUsual'])).toBeGreaterThan(35)
    expect(await playHours(harness, 421, 424)).toEqual([['ACTIVITY-DROP', 'Info', 'ended']])
    await harness.stop()
  })

  test('behavior: an hour without anything is told by the empty block after it', async () => {
    const harness = await start()
    await playHours(harness, 0, 346)
    // A block without transactions shows that the chain went on.
    expect(await harness.block({ timestampS: MONDAY + 346 * HOUR + 60 })).toEqual([])
    expect(brief(await harness.block({ timestampS: MONDAY + 347 * HOUR + 1 }))).toEqual([
      ['ACTIVITY-DROP', 'Medium', 'holds'],
    ])
    await harness.stop()
  })

  test('behavior: hours of which no block was seen are no drop; nor is the one in which the bot began', async () => {
    const harness = await start({ warmupDays: 1, minSamples: 3 })
    await playHours(harness, 0, 170)
    expect(await playHours(harness, 200, 260)).toEqual([])
    await harness.stop()
  })

  test('behavior: the first two weeks are silent whatever happens', async () => {
    const harness = await start()
    expect(await playHours(harness, 0, 330, (hour) => (hour % 50 === 49 ? 0 : 25))).toEqual([])
    await harness.stop()
  })

  test('behavior: exactly the share that must be missing is told, a user more is silent', async () => {
    for (const [left, expected] of [
      [20, [['ACTIVITY-DROP', 'Medium', 'holds']]],
      [21, []],
    ] as const) {
      // Users by events, exactly counted up to the sketch's own error: judged by transactions.
      const harness = await start({ minUsers: 1_000 })
      await playHours(harness, 0, 338, () => 50)
      expect(await playHours(harness, 338, 339, () => left)).toEqual([])
      expect(brief(await harness.block({ timestampS: MONDAY + 339 * HOUR }))).toEqual(expected)
      await harness.stop()
    }
  })

  test('behavior: a surge is Low; slow growth and decline are silent', async () => {
    const harness = await start()
    await playHours(harness, 0, 338, () => 40)
    expect(await playHours(harness, 338, 340, () => 260)).toEqual([
      ['ACTIVITY-SURGE', 'Low', 'holds'],
    ])
    await harness.stop()
    const slow = await start()
    const trend = (hour: number): number =>
      Math.round(20 * 1.02 ** (hour < 250 ? hour / 6 : (500 - hour) / 6))
    expect(await playHours(slow, 0, 500, trend)).toEqual([])
    await slow.stop()
  })

  test('behavior: who is seen by events alone counts too, once a transaction', async () => {
    const harness = await start(
      {},
      { kind: 'pool', name: 'pool', address: POOL, variant: 'uniswap-v2' },
    )
    const log = { address: POOL, topics: [TOPIC], data: '0x' } as const
    await harness.block({ timestampS: MONDAY - 60 })
    await harness.block({
      timestampS: MONDAY + 60,
      txs: range(5).map((n) => ({ from: user(n), to: APP, logs: [log, log] })),
    })
    await harness.block({ timestampS: MONDAY + HOUR })
    expect(JSON.stringify(await harness.memory())).toMatch(/\[5\]/)
    await harness.stop()
  })
})

describe('failing functions', () => {
  /** Three days in which a function works, now and then not. */
  const work = async (harness: BotHarness, fails = (_: number): boolean => false) => {
    for (let at = 0; at < 72; at++) {
      const txs = range(6, at).map(
        (n) =>
          ({
            from: user(n),
            to: APP,
            input: SWAP,
            status: fails(at * 6 + n) ? 'reverted' : 'success',
          }) as const,
      )
      await harness.block({ timestampS: MONDAY + at * HOUR, txs })
    }
  }

  test('behavior: it is told at the failure that makes it certain, and when it works again', async () => {
    const harness = await start({}, { ...app, abi })
    await work(harness)
    expect(await harness.block({ txs: calls(range(4), 'reverted') })).toEqual([])
    const [finding] = await harness.block({ txs: calls([4], 'reverted') })
    expect(finding).toMatchObject({
      alertId: 'FUNCTION-FAILING',
      severity: 'Medium',
      condition: 'holds',
      metadata: {
        selector: SWAP,
        failingSenders: '5',
        calls: '432',
        paused: 'no',
        caller: user(4),
      },
    })
    expect(await harness.block({ txs: calls(range(20), 'reverted') })).toEqual([])
    expect(brief(await harness.block({ txs: calls(range(12)) }))).toEqual([
      ['FUNCTION-FAILING', 'Info', 'ended'],
    ])
    await harness.stop()
  })

  test('behavior: a paused contract is Low; the function has its name', async () => {
    const harness = await start({}, { ...app, abi: [...abi, ...pausableAbi] })
    await work(harness)
    const [finding] = await harness.block({
      txs: calls(range(6), 'reverted'),
      calls: [{ address: APP, abi: pausableAbi, functionName: 'paused', result: true }],
    })
    expect(finding).toMatchObject({ severity: 'Low', metadata: { paused: 'yes' } })
    await harness.stop()
  })

  test('behavior: one user who fails a hundred times is silent, and so are four', async () => {
    const harness = await start()
    await work(harness)
    for (let at = 0; at < 30; at++)
      expect(await harness.block({ txs: calls(range(4), 'reverted') })).toEqual([])
    // A fifth is one more sender; the many tries of the others are not what is usual.
    expect(brief(await harness.block({ txs: calls([9], 'reverted') }))).toEqual([
      ['FUNCTION-FAILING', 'Medium', 'holds'],
    ])
    await harness.stop()
  })

  test('behavior: failures between successes, new functions, and functions that always fail are silent', async () => {
    const mixed = await start()
    await work(mixed, (n) => n % 12 === 0)
    for (let at = 0; at < 20; at++)
      expect(await mixed.block({ txs: [...calls([at], 'reverted'), ...calls(range(5))] })).toEqual(
        [],
      )
    await mixed.stop()
    const raced = await start()
    await work(raced, (n) => n % 2 === 0)
    expect(await raced.block({ txs: calls(range(20), 'reverted') })).toEqual([])
    await raced.stop()
    const young = await start()
    await young.block({ txs: calls(range(60)) })
    expect(await young.block({ txs: calls(range(20), 'reverted') })).toEqual([])
    await young.stop()
  })

  test('behavior: what has failed for a week is taken as retired', async () => {
    const harness = await start()
    await work(harness)
    await harness.block({ txs: calls(range(6), 'reverted') })
    expect(harness.findings()).toHaveLength(1)
    const later: unknown[] = []
    for (let day = 1; day <= 8; day++)
      later.push(...brief(await harness.block({ afterS: DAY, txs: calls(range(3), 'reverted') })))
    expect(later).toEqual([['FUNCTION-FAILING', 'Info', 'ended']])
    expect(harness.findings().at(-1)?.description).toContain('retired')
    await harness.stop()
  })

  test('behavior: strangers cannot fill the state with made-up functions', async () => {
    const harness = await start()
    const random = (n: number): `0x${string}` => `0x${n.toString(16).padStart(8, '0')}`
    await harness.block({
      txs: range(200).map((n) => ({ from: user(n), to: APP, input: random(n) })),
    })
    const before = JSON.stringify(await harness.memory()).length
    for (let at = 1; at < 10; at++)
      await harness.block({
        txs: range(200).map((n) => ({ from: user(n), to: APP, input: random(n + at * 200) })),
      })
    const memory = JSON.stringify(await harness.memory())
    expect((memory.match(/calls:app:/g) ?? []).length).toBeLessThanOrEqual(64 * 10)
    expect(before).toBeGreaterThan(0)
    expect(memory).not.toContain(`calls:app:${random(300)}`)
    await harness.stop()
  })
})

test('behavior: ten thousand users over a week leave a state of at most 60 kB', async () => {
  const harness = await start()
  const random = (seed: number): number => (Math.imul(seed + 1, 2_654_435_761) >>> 0) % 10_000
  for (let hour = 0; hour < 180; hour++) {
    await harness.block({
      timestampS: MONDAY + hour * HOUR,
      txs: range(50).map((n) => ({
        from: user(random(hour * 50 + n)),
        to: APP,
        input: `0x0000${(n % 40).toString(16).padStart(4, '0')}` as const,
      })),
    })
    await harness.finalize()
  }
  expect(JSON.stringify(await harness.memory()).length).toBeLessThan(60_000)
  await harness.stop()
})

const scenario = async (harness: BotHarness): Promise<void> => {
  const reads: BlockInput = { afterS: 3 * HOUR }
  for (let at = 0; at < 18; at++) await harness.block({ ...reads, txs: calls(range(3, at)) })
  await harness.block({ txs: calls(range(6), 'reverted') })
  await harness.block({ txs: calls(range(12)) })
}
for (const { name, run } of botConformance(activity, {
  things: [app],
  scenario,
  benign: async (harness) => {
    for (let at = 0; at < 20; at++)
      await harness.block({ afterS: 3 * HOUR, txs: calls(range(at % 4)) })
  },
}))
  test(name, run)

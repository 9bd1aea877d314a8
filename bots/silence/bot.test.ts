import { botConformance, createBotHarness, encodeLog } from 'tocsin/testing'
import { parseAbi } from 'viem'
import { describe, expect, test } from 'vitest'
import { silence } from './bot.ts'
import { silenceParameters } from './parameters.ts'
import { hear, limitOf, newVoice } from './voice.ts'

const KEEPER = '0x00000000000000000000000000000000000000a1'
const abi = parseAbi(['event Harvest(uint256 amount)', 'event Other(uint256 amount)'])
const keeper = { kind: 'contract', name: 'keeper', address: KEEPER, abi } as const
const relay = {
  kind: 'bridge',
  name: 'relay',
  address: KEEPER,
  abi,
  remote: { chain: 'far', address: KEEPER },
} as const
const harvest = () => encodeLog({ abi, eventName: 'Harvest', args: [1n], address: KEEPER })
type Harness = Awaited<ReturnType<typeof createBotHarness>>

/** Blocks every ten minutes with a harvest in each. */
const speak = async (harness: Harness, times: number): Promise<void> => {
  for (let i = 0; i < times; i++)
    expect(await harness.block({ logs: [harvest()], afterS: 600, salt: String(i) })).toEqual([])
}
const brief = (rows: readonly { alertId: string; severity: string; condition: string | null }[]) =>
  rows.map(({ alertId, severity, condition }) => `${alertId} ${severity} ${condition ?? ''}`.trim())

describe('things', () => {
  test('behavior: much longer than its habit is told once, and over when it speaks', async () => {
    const harness = await createBotHarness(silence, { things: [keeper] })
    await speak(harness, 400)
    expect(await harness.mine(6, { afterS: 600 })).toEqual([])
    const [finding] = await harness.mine(4, { afterS: 600 })
    expect(finding).toMatchObject({
      alertId: 'SILENT',
      severity: 'Medium',
      thing: 'keeper',
      metadata: { event: 'Harvest', thresholdS: '3600', silentS: '4200' },
    })
    expect(brief(await harness.block({ logs: [harvest()], afterS: 600 }))).toEqual([
      'SILENT Info ended',
    ])
    // The silence is no habit.
    await speak(harness, 5)
    expect(brief(await harness.mine(8, { afterS: 600 }))).toEqual(['SILENT Medium holds'])
  })

  test('behavior: Low while the habit is young; a bridge is High from three times its limit on', async () => {
    const young = await createBotHarness(silence, { things: [keeper] })
    await speak(young, 25)
    expect(brief(await young.mine(10, { afterS: 600 }))).toEqual(['SILENT Low holds'])
    const bridge = await createBotHarness(silence, { things: [relay] })
    await speak(bridge, 400)
    expect(brief(await bridge.mine(25, { afterS: 600 }))).toEqual([
      'SILENT Medium holds',
      'SILENT High holds',
    ])
  })

  test('behavior: no habit, no silence; bursts count once; nights are part of the habit', () => {
    const limits = silenceParameters.parse({})
    let voice = newVoice(0)
    for (let i = 1; i <= 19; i++) voice = hear(voice, i * 600)
    expect(limitOf(voice, limits)).toBeUndefined()
    voice = hear(voice, 12_000)
    expect(limitOf(voice, limits)).toBe(3_600)
    // A night of eight hours, then another busy day.
    voice = hear(voice, 12_000 + 28_800)
    for (let i = 1; i <= 60; i++) voice = hear(voice, 40_800 + i * 600)
    expect(limitOf(voice, limits)).toBe(57_600)
    expect(voice.gaps).toHaveLength(32)
  })

  test('behavior: of many events eight are followed', async () => {
    const harness = await createBotHarness(silence, { things: [keeper] })
    const logs = Array.from({ length: 40 }, (_, i) => ({
      address: KEEPER,
      topics: [`0x${(i + 1).toString(16).padStart(64, '0')}`],
      data: '0x',
    })) as unknown as ReturnType<typeof harvest>[]
    await harness.block({ logs })
    await harness.block({ logs, afterS: 120 })
    const memory = JSON.stringify(await harness.memory(), (_, value: unknown) =>
      typeof value === 'bigint' ? String(value) : value,
    )
    expect(new Set(memory.match(/voice:keeper:0x\w+/g)).size).toBe(8)
  })
})

describe('the chain', () => {
  test('behavior: a long gap between blocks is Low, and no silence of anybody', async () => {
    const harness = await createBotHarness(silence, { things: [keeper] })
    for (let i = 0; i < 60; i++)
      expect(await harness.block({ afterS: 61, logs: [harvest()] })).toEqual([])
    await harness.mine(60)
    expect(await harness.block({ afterS: 100 })).toEqual([])
    const rows = await harness.block({ afterS: 9_000 })
    expect(brief(rows)).toEqual(['STUCK-BLOCK Low'])
    expect(rows[0]?.metadata).toMatchObject({ gapS: '9000', usualS: '12', thresholdS: '120' })
    expect(await harness.mine(3)).toEqual([])
  })

  test('behavior: a chain that always made its blocks so far apart is not stuck', async () => {
    const harness = await createBotHarness(silence, { things: [keeper] })
    expect(await harness.mine(60, { afterS: 90 })).toEqual([])
  })
})

describe('conformance', () => {
  const quick = { minSilenceS: 60, minGaps: 3, gapFactor: 2, longestFactor: 1 }
  const said = Array.from({ length: 5 }, (_, i) => ({
    logs: [harvest()],
    afterS: 70,
    salt: String(i),
  }))
  for (const { name, run } of botConformance(silence, {
    things: [keeper],
    parameters: quick,
    scenario: [...said, { afterS: 70 }, { afterS: 70 }, { afterS: 70 }, ...said],
    benign: [...said, {}, {}],
  }))
    test(name, run)
})

import {
  type BlockInput,
  botConformance,
  createBotHarness,
  encodeLog,
  REVERTS,
} from 'tocsin/testing'
import { parseAbi } from 'viem'
import { describe, expect, test } from 'vitest'
import { pausableAbi } from '../../abis/index.ts'
import { pauseWatch } from './bot.ts'

const A = '0x00000000000000000000000000000000000000a1'
const B = '0x00000000000000000000000000000000000000a2'
const C = '0x00000000000000000000000000000000000000a3'
const GUARD = '0x00000000000000000000000000000000000000c1'
const ADMIN = '0x00000000000000000000000000000000000000c2'
const thing = (name: string, address: string) =>
  ({ kind: 'contract', name, address, protocol: 'p' }) as const
const alone = { kind: 'vault', name: 'a', address: A } as const
const group = [thing('a', A), thing('b', B), thing('c', C)]

const lapsing = parseAbi(['function getResumeSinceTimestamp() view returns (uint256)'])
const paused = (
  address: `0x${string}`,
  result: boolean,
): NonNullable<BlockInput['calls']>[number] => ({
  address,
  abi: pausableAbi,
  functionName: 'paused',
  result,
})
const event = (eventName: 'Paused' | 'Unpaused', address: `0x${string}`, account: string) =>
  encodeLog({ abi: pausableAbi, eventName, args: { account }, address })
const pause = (address: `0x${string}`, by: string = GUARD): BlockInput => ({
  calls: [paused(address, true)],
  logs: [event('Paused', address, by)],
})
const unpause = (address: `0x${string}`, by: string = ADMIN): BlockInput => ({
  calls: [paused(address, false)],
  logs: [event('Unpaused', address, by)],
})
const watch = async (
  things: Parameters<typeof createBotHarness>[1]['things'] = [alone],
  parameters: Record<string, unknown> = {},
) => {
  const harness = await createBotHarness(pauseWatch, { things, parameters })
  const calls = [A, B, C].map((address) => paused(address as `0x${string}`, false))
  expect(await harness.block({ calls })).toEqual([])
  return harness
}
const brief = (
  rows: readonly {
    alertId: string
    severity: string
    thing: string | null
    condition: string | null
  }[],
) =>
  rows.map((row) => [row.alertId, row.severity, row.thing, row.condition].filter(Boolean).join(' '))

describe('one thing', () => {
  test('behavior: paused since when and by whom, over when it runs again', async () => {
    const harness = await watch()
    const [begun] = await harness.block(pause(A))
    expect(begun).toMatchObject({
      alertId: 'PAUSED',
      severity: 'Info',
      condition: 'holds',
      metadata: { by: GUARD, state: 'paused', readBy: 'paused', since: '2026-09-21T14:13:44Z' },
    })
    expect(await harness.mine(3)).toEqual([])
    expect(brief(await harness.block({ ...unpause(A), afterS: 7_200 }))).toEqual([
      'PAUSED Info a ended',
    ])
  })

  test('behavior: undone within the hour: High by another, Medium by the same', async () => {
    const harness = await watch()
    await harness.block(pause(A))
    expect(brief(await harness.block(unpause(A)))).toEqual([
      'PAUSE-UNDONE High a',
      'PAUSED Info a ended',
    ])
    await harness.mine(1, { afterS: 90_000 })
    await harness.block(pause(A))
    expect(brief(await harness.block(unpause(A, GUARD)))).toContain('PAUSE-UNDONE Medium a')
  })

  test('behavior: lifted by a Safe of the watchlist it is Medium, unless our own answer had paused', async () => {
    const safe = { kind: 'multisig', name: 'safe', address: ADMIN } as const
    const lifted = async (parameters: Record<string, unknown>) => {
      const harness = await watch([alone, safe], parameters)
      await harness.block(pause(A))
      return brief(await harness.block(unpause(A)))
    }
    expect(await lifted({})).toContain('PAUSE-UNDONE Medium a')
    expect(await lifted({ responders: [GUARD] })).toContain('PAUSE-UNDONE High a')
  })

  test('behavior: a proxy is watched too', async () => {
    const harness = await watch([{ kind: 'proxy', name: 'a', address: A }])
    expect(brief(await harness.block(pause(A)))).toEqual(['PAUSED Info a holds'])
  })

  test('behavior: without an event: pausing is Medium, running again High', async () => {
    const harness = await watch()
    await harness.block({ calls: [paused(A, true)] })
    expect(brief(await harness.block({ afterS: 600 }))).toEqual([
      'PAUSE-SILENT Medium a',
      'PAUSED Info a holds',
    ])
    await harness.block({ calls: [paused(A, false)] })
    expect(brief(await harness.block({ afterS: 600 }))).toEqual([
      'PAUSE-SILENT High a',
      'PAUSED Info a ended',
    ])
  })

  test('behavior: longer than a day is told once', async () => {
    const harness = await watch()
    await harness.block(pause(A))
    expect(await harness.block({ afterS: 86_400 })).toEqual([])
    expect(brief(await harness.mine(3))).toEqual(['PAUSED-LONG Medium a holds'])
  })

  test('behavior: the fourth change within a day flaps, the fifth is not told again', async () => {
    const harness = await watch()
    const found: string[] = []
    for (const block of [pause(A), unpause(A), pause(A), unpause(A), pause(A)])
      found.push(...brief(await harness.block(block)))
    expect(found.filter((one) => one.startsWith('PAUSE-FLAPPING'))).toEqual([
      'PAUSE-FLAPPING Medium a',
    ])
  })

  test('behavior: a pause that lapses: Medium six hours before, High in the last, no event needed', async () => {
    const harness = await watch()
    const until = BigInt(harness.head().timestampS + 12 + 40_000)
    const other = await createBotHarness(pauseWatch, { things: [alone] })
    const says = (result: bigint) =>
      ({ address: A, abi: lapsing, functionName: 'getResumeSinceTimestamp', result }) as const
    await other.block({ calls: [says(0n)] })
    expect(
      brief(await other.block({ calls: [says(until)], logs: [event('Paused', A, GUARD)] })),
    ).toEqual(['PAUSED Info a holds'])
    expect(brief(await other.block({ afterS: 30_000 }))).toEqual(['PAUSE-EXPIRING Medium a holds'])
    expect(brief(await other.block({ afterS: 9_000 }))).toEqual(['PAUSE-EXPIRING High a holds'])
    expect(brief(await other.block({ afterS: 2_000 }))).toEqual([
      'PAUSED Info a ended',
      'PAUSE-EXPIRING Info a ended',
    ])
  })

  test('error: what answers none of the functions is passed over, also when it emits', async () => {
    const harness = await createBotHarness(pauseWatch, { things: [alone] })
    await harness.block({
      calls: [{ address: A, abi: pausableAbi, functionName: 'paused', result: REVERTS }],
    })
    expect(await harness.block({ logs: [event('Paused', A, GUARD)] })).toEqual([])
  })
})

describe('siblings', () => {
  test('behavior: those that follow in time are silent', async () => {
    const harness = await watch(group)
    await harness.block(pause(A))
    await harness.block(pause(B))
    expect(brief(await harness.block(pause(C)))).toEqual(['PAUSED Info c holds'])
    expect(await harness.mine(20)).toEqual([])
  })

  test('behavior: the last that did not is High, and ends when it does', async () => {
    const harness = await watch(group)
    await harness.block(pause(A))
    await harness.block(pause(B))
    expect(await harness.mine(8)).toEqual([])
    expect(brief(await harness.mine(5))).toEqual(['PAUSE-MISSING High c holds'])
    expect(brief(await harness.block(pause(C)))).toEqual([
      'PAUSED Info c holds',
      'PAUSE-MISSING Info c ended',
    ])
  })

  test('behavior: one of three paused is maintenance: Medium; by a responder it is High', async () => {
    const harness = await watch(group)
    await harness.block(pause(A))
    expect(brief(await harness.mine(10))).toEqual([
      'PAUSE-MISSING Medium b holds',
      'PAUSE-MISSING Medium c holds',
    ])
    expect(brief(await harness.block({ ...unpause(A), afterS: 4_000 }))).toEqual([
      'PAUSED Info a ended',
      'PAUSE-MISSING Info b ended',
      'PAUSE-MISSING Info c ended',
    ])
    const own = await watch(group, { responders: [GUARD] })
    await own.block(pause(A))
    expect(brief(await own.mine(10))).toEqual([
      'PAUSE-MISSING High b holds',
      'PAUSE-MISSING High c holds',
    ])
  })
})

describe('conformance', () => {
  const first = { calls: [paused(A, false), paused(B, false), paused(C, false)] }
  for (const { name, run } of botConformance(pauseWatch, {
    things: group,
    scenario: [
      first,
      pause(A),
      {},
      pause(B),
      {},
      {},
      {},
      {},
      {},
      {},
      {},
      {},
      {},
      unpause(B),
      pause(C),
      unpause(A),
    ],
    benign: [first, {}, { afterS: 700 }],
  }))
    test(name, run)
})

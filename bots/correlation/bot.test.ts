import { type AlertInput, botConformance, createBotHarness } from 'tocsin/testing'
import { describe, expect, test } from 'vitest'
import { correlation } from './bot.ts'

const VAULT = '0x00000000000000000000000000000000000000a1'
const PAIR = '0x00000000000000000000000000000000000000a2'
const LONELY = '0x00000000000000000000000000000000000000a3'
const TREASURY = '0x00000000000000000000000000000000000000a4'
const STRANGER = '0x00000000000000000000000000000000000000f1'

const things = [
  { kind: 'vault', name: 'vault', address: VAULT, protocol: 'acme', owner: 'team' },
  { kind: 'pool', name: 'pair', address: PAIR, variant: 'uniswap-v2', protocol: 'acme' },
  { kind: 'contract', name: 'lonely', address: LONELY },
  { kind: 'treasury', name: 'treasury', address: TREASURY, protocol: 'acme', tokens: [] },
] as const

const drop: AlertInput = { botId: 'tvl-drop', alertId: 'TVL-DROP-BLOCK', thing: 'vault' }
const pull: AlertInput = { botId: 'liquidity-pull', alertId: 'LIQUIDITY-PULL', thing: 'pair' }
const price: AlertInput = {
  botId: 'price-manipulation',
  alertId: 'PRICE-MANIPULATION',
  thing: 'pair',
}
const large: AlertInput = {
  botId: 'large-transfer',
  alertId: 'LARGE-TRANSFER',
  severity: 'Medium',
  thing: 'vault',
  metadata: { from: STRANGER },
}
const owner: AlertInput = { botId: 'admin-call', alertId: 'OWNER-CHANGED', thing: 'vault' }
const start = (parameters: Record<string, unknown> = {}) =>
  createBotHarness(correlation, { things, parameters })
const brief = (rows: readonly { alertId: string; severity: string; thing: string | null }[]) =>
  rows.map(({ alertId, severity, thing }) => `${alertId} ${severity} ${thing}`)

/** Blocks of findings, `afterS` apart; what each raised. */
const play = async (
  blocks: readonly (readonly AlertInput[])[],
  afterS = 12,
  parameters: Record<string, unknown> = {},
): Promise<readonly (readonly string[])[]> => {
  const harness = await start(parameters)
  const raised: (readonly string[])[] = []
  for (const findings of blocks) raised.push(brief(await harness.block({ findings, afterS })))
  await harness.stop()
  return raised
}

describe('incident', () => {
  test('behavior: three warnings of different bots on one protocol raise one, with what it stands on', async () => {
    const harness = await start()
    await harness.block({ findings: [drop] })
    expect(await harness.block({ findings: [price] })).toEqual([])
    const [finding, ...more] = await harness.block({
      txs: [{}],
      findings: [{ ...large, name: 'A large one', tx: 0 }],
    })
    expect(more).toEqual([])
    expect(finding).toMatchObject({
      alertId: 'CORRELATED-INCIDENT',
      severity: 'Critical',
      protocol: 'acme',
      owner: 'team',
      metadata: { signals: '3', thresholdSignals: '3', windowS: '600', spanS: '24' },
    })
    expect(finding?.metadata['bots']).toBe('tvl-drop,price-manipulation,large-transfer')
    expect(finding?.metadata['findings']?.split(',')).toHaveLength(3)
    expect(finding?.metadata['contributing']).toContain('large-transfer LARGE-TRANSFER (Medium')
    expect(finding?.description).toContain('A large one (large-transfer)')
    expect(finding?.metadata['transactions']).toMatch(/^0x[0-9a-f]{64}$/)
    await harness.stop()
  })

  test('behavior: all in one block is the same, and two are none', async () => {
    const once = ['CORRELATED-INCIDENT Critical vault']
    expect(await play([[drop, price, large]])).toEqual([once])
    expect(await play([[drop, large]])).toEqual([[]])
    expect(await play([[drop, { ...drop, alertId: 'TVL-DROP' }, large, price]])).toEqual([once])
  })

  test('behavior: exactly ten minutes count, a second more does not', async () => {
    expect((await play([[drop], [price], [large]], 300))[2]).toHaveLength(1)
    expect((await play([[drop], [price], [large]], 301))[2]).toEqual([])
  })

  test('behavior: while it goes on it is one incident; after a calm of its window it is another', async () => {
    const all = [drop, price, large]
    expect((await play([all, all, [drop], [large], all], 600)).map((one) => one.length)).toEqual([
      1, 0, 0, 0, 1,
    ])
    expect((await play([all, all, all], 600)).map((one) => one.length)).toEqual([1, 0, 0])
    expect((await play([all, [], all], 301)).map((one) => one.length)).toEqual([1, 0, 1])
    // A single bot that goes on warning does not keep a new incident from being told.
    const calm = [all, [drop], [drop], [drop], all]
    expect((await play(calm, 400)).map((one) => one.length)).toEqual([1, 0, 0, 0, 1])
  })

  test('behavior: a vault that loses and a pool that is emptied are two signals', async () => {
    const pool = { ...drop, thing: 'pair' }
    expect(await play([[drop, pool, pull, large]])).toEqual([
      ['CORRELATED-INCIDENT Critical vault'],
    ])
  })

  test.each<[string, readonly AlertInput[]]>([
    ['Info and Low', [drop, large, { ...price, severity: 'Low' }, { ...price, severity: 'Info' }]],
    ['set-up', [drop, large, { ...owner, metadata: { setUp: 'yes' } }]],
    ['what has ended', [{ ...drop, condition: 'ended' }, large, price]],
    [
      'one transfer from three sides',
      [
        large,
        { botId: 'whale-watch', alertId: 'W', thing: 'vault' },
        { botId: 'exchange-flow', alertId: 'E', thing: 'vault' },
      ],
    ],
    [
      'one exit of a provider from three sides, and what he sells',
      [{ ...drop, thing: 'pair' }, pull, { ...pull, botId: 'outflow-cap', alertId: 'O' }, large],
    ],
    [
      'one loss of a vault from four sides',
      [
        drop,
        { ...drop, botId: 'share-price', alertId: 'SHARE-PRICE-DROP' },
        { ...drop, botId: 'solvency', alertId: 'SHORTFALL' },
        large,
      ],
    ],
    [
      'one mint from two sides, and the role that it needs',
      [
        owner,
        { ...large, alertId: 'LARGE-MINT' },
        { botId: 'mint-anomaly', alertId: 'SUPPLY-JUMP', thing: 'vault' },
      ],
    ],
    [
      'a planned upgrade from three sides',
      [
        owner,
        { botId: 'timelock', alertId: 'T', thing: 'vault' },
        { botId: 'governance', alertId: 'G', thing: 'vault' },
        large,
      ],
    ],
    [
      'amplifiers',
      [
        drop,
        large,
        { botId: 'activity', alertId: 'A', thing: 'vault' },
        { botId: 'gas-by-function', alertId: 'G', thing: 'vault' },
      ],
    ],
    ['other protocols', [drop, large, { ...price, thing: 'lonely' }]],
    [
      'nobody’s findings',
      ['a', 'b', 'c'].map((botId) => ({ botId, alertId: 'X', severity: 'Critical' })),
    ],
  ])('behavior: never counted: %s', async (_, findings) => {
    expect(await play([findings])).toEqual([[]])
  })

  test('behavior: an amplifier is evidence; without protocol the owner, and without owner the thing is what counts', async () => {
    const harness = await start()
    const odd = { botId: 'activity', alertId: 'A', thing: 'vault' }
    const [finding] = await harness.block({ findings: [odd, drop, price, large] })
    expect(finding?.metadata).toMatchObject({ signals: '3' })
    expect(finding?.metadata['bots']).toContain('activity')
    const lonely = [drop, price, large].map((one) => ({ ...one, thing: 'lonely' }))
    expect(brief(await harness.block({ findings: lonely }))).toEqual([
      'CORRELATED-INCIDENT Critical lonely',
    ])
    await harness.stop()
  })

  test('behavior: hostile names stay text, and a flood stays bounded', async () => {
    const harness = await start()
    const flood = Array.from({ length: 300 }, (_, i) => ({
      ...drop,
      alertId: `A${i}`,
      name: `\u202e${'x'.repeat(5_000)}\u0000`,
    }))
    await harness.block({ findings: [price, ...flood] })
    expect(brief(await harness.block({ findings: [large] }))).toHaveLength(1)
    const [row] = harness.findings()
    for (const bad of ['\u0000', '\u202e'])
      expect(row?.metadata['contributing']?.includes(bad)).toBe(false)
    expect(JSON.stringify(await harness.memory()).length).toBeLessThan(10_000)
    await harness.stop()
  })
})

describe('candidate for a pause', () => {
  test('behavior: a change of control and an outflow within the hour, in either order, once', async () => {
    const pause = ['PAUSE-CANDIDATE Critical vault']
    expect(await play([[owner], [drop], [drop], [owner]], 1_800)).toEqual([[], pause, [], []])
    expect(await play([[drop], [owner]], 3_600)).toEqual([[], pause])
    expect(await play([[owner], [drop]], 3_601)).toEqual([[], []])
    expect(await play([[owner, drop]])).toEqual([pause])
  })

  test('behavior: all that its block brings is in it, and it names the thing that was taken over', async () => {
    const harness = await start()
    await harness.block({ findings: [owner] })
    const found = await harness.block({ findings: [pull, large, drop] })
    expect(brief(found).sort()).toEqual([
      'CORRELATED-INCIDENT Critical vault',
      'PAUSE-CANDIDATE Critical vault',
    ])
    const incident = found.find(({ alertId }) => alertId === 'CORRELATED-INCIDENT')
    expect(incident?.metadata['signals']).toBe('4')
    expect(incident?.metadata['findings']?.split(',')).toHaveLength(4)
    expect(harness.findings()).toHaveLength(2)
    await harness.stop()
  })

  test('behavior: a transfer is an outflow where it leaves an address of the protocol', async () => {
    const send = (metadata: Record<string, string>) => play([[owner], [{ ...large, metadata }]])
    expect((await send({ from: VAULT }))[1]).toEqual(['PAUSE-CANDIDATE Critical vault'])
    expect((await send({ direction: 'out' }))[1]).toHaveLength(1)
    expect((await send({ direction: 'in' }))[1]).toEqual([])
    expect((await send({ from: STRANGER, to: VAULT }))[1]).toEqual([])
    expect((await send({ from: LONELY }))[1]).toEqual([])
  })

  test('behavior: set-up, allowed changes and pauses are no change of control', async () => {
    for (const change of [
      { ...owner, metadata: { setUp: 'yes' } },
      { ...owner, severity: 'Info' as const },
      { ...owner, alertId: 'PAUSE-CHANGED' },
      { ...owner, thing: 'lonely' },
    ])
      expect(await play([[change], [drop]])).toEqual([[], []])
  })
})

test('behavior: what a reorg takes back never was', async () => {
  const harness = await start()
  await harness.block({ findings: [drop, price] })
  expect(await harness.block({ findings: [large] })).toHaveLength(1)
  await harness.rollback(1)
  expect(await harness.block({ salt: 'calm' })).toEqual([])
  expect(await harness.block({ findings: [large] })).toHaveLength(1)
  await harness.rollback(3)
  expect(await harness.block({ findings: [large] })).toEqual([])
  await harness.stop()
})

for (const { name, run } of botConformance(correlation, {
  things,
  scenario: [
    { findings: [drop] },
    { findings: [owner, large] },
    {},
    { findings: [pull], afterS: 60 },
    { findings: [drop, pull], afterS: 700 },
  ],
  benign: [{ findings: [drop] }, { findings: [large, { ...large, thing: 'pair' }] }],
}))
  test(name, run)

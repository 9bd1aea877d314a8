import {
  type BlockInput,
  botConformance,
  createBotHarness,
  encodeLog,
  REVERTS,
} from 'tocsin/testing'
import { describe, expect, test } from 'vitest'
import { erc20Abi } from '../../abis/index.ts'
import { exchangeFlow } from './bot.ts'

const TOKEN = '0x00000000000000000000000000000000000000a1'
const DAO = '0x00000000000000000000000000000000000000a3'
const WHALE = '0x00000000000000000000000000000000000000a4'
const EXCHANGE = '0x00000000000000000000000000000000000000e1'
const DEPOSIT = '0x00000000000000000000000000000000000000e2'
const ALICE = '0x00000000000000000000000000000000000000b1'
const BOB = '0x00000000000000000000000000000000000000b2'
const SUPPLY = 1_000_000n
const ETHER = 10n ** 18n

const token = { kind: 'token', name: 'tok', address: TOKEN, symbol: 'TOK', decimals: 0 } as const
const dao = { kind: 'treasury', name: 'dao', address: DAO, tokens: [TOKEN] } as const
const whale = { kind: 'label', name: 'whale-1', address: WHALE, tags: ['whale'] } as const
const exchange = { kind: 'label', name: 'ex', address: EXCHANGE, tags: ['exchange'] } as const
const things = [token, dao, whale, exchange]
const labels = [{ address: DEPOSIT, name: 'Ex deposit 7', tags: ['exchange-deposit'] }] as const

const move = (units: bigint, from: string, to: string) =>
  encodeLog({
    abi: erc20Abi,
    eventName: 'Transfer',
    args: { from, to, value: units },
    address: TOKEN,
  })
const supply = (result: unknown = SUPPLY): NonNullable<BlockInput['calls']> => [
  { address: TOKEN, abi: erc20Abi, functionName: 'totalSupply', result },
]
const holds = (who: string, units: unknown): NonNullable<BlockInput['calls']> => [
  { address: TOKEN, abi: erc20Abi, functionName: 'balanceOf', args: [who], result: units },
]
const start = (parameters: Record<string, unknown> = {}) =>
  createBotHarness(exchangeFlow, { things, labels: [...labels], parameters })
const brief = (rows: readonly { alertId: string; severity: string; thing: string | null }[]) =>
  rows.map(({ alertId, severity, thing }) => [alertId, severity, thing])

describe('net flow of a token', () => {
  test('behavior: exactly a hundredth is silent, a unit more is told once, then at the next step', async () => {
    const harness = await start()
    const block = (units: bigint, from = ALICE, to = EXCHANGE) =>
      harness.block({ calls: supply(), logs: [move(units, from, to)] })
    expect(await block(10_000n)).toEqual([])
    const [finding] = await block(1n, BOB, DEPOSIT)
    expect(finding).toMatchObject({
      alertId: 'EXCHANGE-NET-FLOW',
      severity: 'Low',
      thing: 'tok',
      metadata: { net: '10001', shareBps: '100', deposited: '10001', withdrawn: '0', from: BOB },
    })
    expect(finding?.description).toContain('Ex deposit 7 (')
    expect(await block(100n)).toEqual([])
    expect(brief(await block(40_000n))).toEqual([['EXCHANGE-NET-FLOW', 'Medium', 'tok']])
    expect(brief(await block(60_000n))).toEqual([['EXCHANGE-NET-FLOW', 'High', 'tok']])
    await harness.stop()
  })

  test('behavior: what comes and goes cancels out; between exchanges nothing flows; the window ends', async () => {
    const harness = await start()
    expect(
      await harness.block({
        calls: supply(),
        logs: [
          move(500_000n, ALICE, EXCHANGE),
          move(500_000n, EXCHANGE, BOB),
          move(900_000n, DEPOSIT, EXCHANGE),
          move(900_000n, ALICE, BOB),
        ],
      }),
    ).toEqual([])
    expect(await harness.block({ calls: supply(), logs: [move(9_999n, ALICE, EXCHANGE)] })).toEqual(
      [],
    )
    expect(
      await harness.block({
        afterS: 3_600,
        calls: supply(),
        logs: [move(9_999n, ALICE, EXCHANGE)],
      }),
    ).toEqual([])
    await harness.stop()
  })

  test('behavior: withdrawals are Info', async () => {
    const harness = await start()
    expect(
      brief(await harness.block({ calls: supply(), logs: [move(200_000n, EXCHANGE, ALICE)] })),
    ).toEqual([['EXCHANGE-NET-FLOW', 'Info', 'tok']])
    await harness.stop()
  })

  test('behavior: what is usual for a token is silent, three times that is told', async () => {
    const harness = await start()
    for (let hour = 0; hour < 30; hour++) {
      await harness.block({
        afterS: 3_600,
        calls: supply(),
        logs: [move(20_000n, ALICE, EXCHANGE)],
      })
    }
    // The first six hours are no measure yet.
    expect(harness.findings()).toHaveLength(6)
    expect(
      await harness.block({
        afterS: 3_600,
        calls: supply(),
        logs: [move(60_000n, ALICE, EXCHANGE)],
      }),
    ).toEqual([])
    const [finding] = await harness.block({ calls: supply(), logs: [move(1n, ALICE, EXCHANGE)] })
    expect(finding?.metadata).toMatchObject({ usualUnits: '20000', thresholdUnits: '60000' })
    await harness.stop()
  })

  test('behavior: a token that does not say its supply is passed over', async () => {
    const harness = await start()
    for (const answer of [REVERTS, 0n])
      expect(
        await harness.block({ calls: supply(answer), logs: [move(10n ** 30n, ALICE, EXCHANGE)] }),
      ).toEqual([])
    await harness.stop()
  })
})

describe('watched parties', () => {
  const quiet = { netBps: 10_000 }

  test('behavior: a treasury: a quarter is silent, more is Medium, more than half High, in parts too', async () => {
    const harness = await start(quiet)
    const send = (units: bigint, left: bigint) =>
      harness.block({
        calls: [...supply(), ...holds(DAO, left)],
        logs: [move(units, DAO, DEPOSIT)],
      })
    expect(await send(2_500n, 7_500n)).toEqual([])
    expect(await send(1n, 7_499n)).toMatchObject([
      {
        alertId: 'EXCHANGE-DEPOSIT',
        severity: 'Medium',
        thing: 'dao',
        metadata: { moved: '2501', before: '10000', after: '7499', role: 'treasury' },
      },
    ])
    expect(await send(100n, 7_399n)).toEqual([])
    expect(brief(await send(2_500n, 4_899n))).toEqual([['EXCHANGE-DEPOSIT', 'High', 'dao']])
    await harness.stop()
  })

  test('behavior: a whale is Low whatever it sends; dust is nothing; withdrawals are Info', async () => {
    const harness = await start(quiet)
    expect(
      brief(
        await harness.block({
          calls: [...supply(), ...holds(WHALE, 0n)],
          logs: [move(90_000n, WHALE, EXCHANGE)],
        }),
      ),
    ).toEqual([['EXCHANGE-DEPOSIT', 'Low', 'whale-1']])
    expect(
      await harness.block({
        calls: [...supply(), ...holds(DAO, 0n)],
        logs: [move(99n, DAO, EXCHANGE)],
      }),
    ).toEqual([])
    expect(
      brief(
        await harness.block({
          calls: [...supply(), ...holds(DAO, 5_000n)],
          logs: [move(5_000n, EXCHANGE, DAO)],
        }),
      ),
    ).toEqual([['EXCHANGE-WITHDRAWAL', 'Info', 'dao']])
    await harness.stop()
  })

  test('behavior: native coin of a treasury', async () => {
    const harness = await start(quiet)
    const pay = (value: bigint, status: 'success' | 'reverted' = 'success') =>
      harness.block({
        balances: { [DAO]: 10n * ETHER },
        txs: [{ from: DAO, to: EXCHANGE, value, status }],
      })
    expect(await pay(90n * ETHER, 'reverted')).toEqual([])
    expect(await pay(3n * ETHER)).toEqual([])
    expect(await pay(20n * ETHER)).toMatchObject([
      { alertId: 'EXCHANGE-DEPOSIT', severity: 'High', metadata: { asset: 'native' } },
    ])
    await harness.stop()
  })
})

describe('conformance', () => {
  const calls = [...supply(), ...holds(DAO, 1_000n)]
  const scenario: readonly BlockInput[] = [
    { calls, logs: [move(9_000n, ALICE, EXCHANGE)] },
    { logs: [move(9_000n, ALICE, EXCHANGE)] },
    { logs: [move(9_000n, EXCHANGE, BOB), move(4_000n, DAO, EXCHANGE)], afterS: 3_700 },
    { logs: [move(70_000n, ALICE, DEPOSIT)] },
  ]
  const benign: readonly BlockInput[] = [
    { calls, logs: [move(900_000n, ALICE, BOB), move(5_000n, ALICE, EXCHANGE)] },
    { logs: [move(5_000n, EXCHANGE, BOB), move(500_000n, EXCHANGE, DEPOSIT)] },
  ]
  for (const { name, run } of botConformance(exchangeFlow, { things, labels, scenario, benign }))
    test(name, run)
})

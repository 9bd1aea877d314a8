import {
  type BlockInput,
  botConformance,
  createBotHarness,
  encodeLog,
  REVERTS,
} from 'tocsin/testing'
import { describe, expect, test } from 'vitest'
import { erc20Abi } from '../../abis/index.ts'
import { whaleWatch } from './bot.ts'

const TOKEN = '0x00000000000000000000000000000000000000a1'
const WHALE = '0x00000000000000000000000000000000000000a4'
const ANN = '0x00000000000000000000000000000000000000b1'
const BOB = '0x00000000000000000000000000000000000000b2'
const CID = '0x00000000000000000000000000000000000000b3'
const POOL = '0x00000000000000000000000000000000000000c1'
const VAULT = '0x00000000000000000000000000000000000000c2'
const EXCHANGE = '0x00000000000000000000000000000000000000e1'
const SUPPLY = 1_000_000n

const token = { kind: 'token', name: 'tok', address: TOKEN, symbol: 'TOK', decimals: 0 } as const
const whale = { kind: 'label', name: 'whale-1', address: WHALE, tags: ['whale'] } as const
const things = [token, whale]
const labels = [
  { address: EXCHANGE, name: 'An exchange', tags: ['exchange'] },
  { address: VAULT, name: 'vault', tags: ['vault', 'own'] },
] as const

const move = (units: bigint, from: string, to: string) =>
  encodeLog({
    abi: erc20Abi,
    eventName: 'Transfer',
    args: { from, to, value: units },
    address: TOKEN,
  })
const calls = (
  balances: Readonly<Record<string, unknown>> = {},
  supply: unknown = SUPPLY,
): NonNullable<BlockInput['calls']> => [
  { address: TOKEN, abi: erc20Abi, functionName: 'totalSupply', result: supply },
  ...Object.entries(balances).map(([who, result]) => ({
    address: TOKEN as `0x${string}`,
    abi: erc20Abi,
    functionName: 'balanceOf',
    args: [who],
    result,
  })),
]
const start = (parameters: Record<string, unknown> = {}) =>
  createBotHarness(whaleWatch, { things, labels: [...labels], parameters })
const brief = (rows: readonly { alertId: string; severity: string }[]) =>
  rows.map(({ alertId, severity }) => `${alertId} ${severity}`)

describe('holders', () => {
  test('behavior: who holds a hundredth is known by one transfer; a quarter is silent, more is told once', async () => {
    const harness = await start()
    const give = (units: bigint, left: bigint) =>
      harness.block({
        calls: calls({ [ANN]: left, [BOB]: 1n }),
        logs: [move(units, ANN, BOB)],
      })
    expect(await give(10_000n, 30_000n)).toEqual([])
    expect(await give(1n, 29_999n)).toMatchObject([
      {
        alertId: 'WHALE-OUT',
        severity: 'Low',
        thing: 'tok',
        metadata: { before: '40000', after: '29999', whale: ANN, recipient: BOB, known: 'holding' },
      },
    ])
    expect(await give(5_000n, 24_999n)).toEqual([])
    expect(brief(await give(10_000n, 14_999n))).toEqual(['WHALE-OUT Low'])
    await harness.stop()
  })

  test('behavior: small holders, small parts and contracts are silent', async () => {
    const harness = await start()
    expect(
      await harness.block({
        calls: calls({ [ANN]: 0n, [BOB]: 9_999n, [POOL]: 0n, [CID]: 500_000n }),
        code: { [POOL]: '0x60' },
        logs: [move(9_999n, ANN, BOB), move(9_000n, CID, POOL), move(9_000n, POOL, VAULT)],
      }),
    ).toEqual([])
    // The pool is known as a contract now: its balance is not asked for again.
    expect(
      await harness.block({
        calls: calls({ [POOL]: REVERTS }),
        logs: [move(400_000n, POOL, VAULT)],
      }),
    ).toEqual([])
    await harness.stop()
  })

  test('behavior: what passes through within the day cancels out, and so does what a block gives back', async () => {
    const harness = await start({ inBps: 10_000 })
    await harness.block({
      calls: calls({ [WHALE]: 300_000n }),
      logs: [move(300_000n, EXCHANGE, WHALE)],
    })
    expect(
      await harness.block({
        calls: calls({ [WHALE]: 0n }),
        logs: [move(300_000n, WHALE, EXCHANGE)],
      }),
    ).toEqual([])
    expect(
      await harness.block({
        calls: calls({ [ANN]: 300_000n }),
        logs: [move(300_000n, ANN, BOB), move(300_000n, BOB, ANN)],
      }),
    ).toEqual([])
    await harness.stop()
  })

  test('behavior: who gathers is Info, and not at every step; exchanges and own things are no whales', async () => {
    const harness = await start()
    const take = (units: bigint, now: bigint, to = BOB) =>
      harness.block({ calls: calls({ [to]: now }), logs: [move(units, EXCHANGE, to)] })
    expect(brief(await take(10_000n, 10_000n))).toEqual(['WHALE-IN Info'])
    expect(await take(9_000n, 19_000n)).toEqual([])
    expect(brief(await take(1_000n, 20_000n))).toEqual(['WHALE-IN Info'])
    expect(await take(500_000n, 500_000n, VAULT)).toEqual([])
    await harness.stop()
  })

  test('behavior: into the watchlist’s own contracts is Info', async () => {
    const harness = await start()
    expect(
      brief(
        await harness.block({ calls: calls({ [WHALE]: 0n }), logs: [move(50_000n, WHALE, VAULT)] }),
      ),
    ).toEqual(['WHALE-OUT Info'])
    await harness.stop()
  })

  test('behavior: three that leave within the hour are Medium, once', async () => {
    const harness = await start()
    const leave = (who: string) =>
      harness.block({ calls: calls({ [who]: 0n }), logs: [move(50_000n, who, EXCHANGE)] })
    expect(brief(await leave(ANN))).toEqual(['WHALE-OUT Low'])
    expect(brief(await leave(BOB))).toEqual(['WHALE-OUT Low'])
    expect(brief(await leave(CID))).toEqual(['WHALE-OUT Low', 'WHALES-LEAVING Medium'])
    expect(brief(await leave(WHALE))).toEqual(['WHALE-OUT Low'])
    await harness.stop()
  })

  test('behavior: tokens that do not answer raise nothing', async () => {
    const harness = await start()
    for (const answer of [calls({ [ANN]: 0n }, REVERTS), calls({ [ANN]: REVERTS }), calls({}, 0n)])
      expect(
        await harness.block({ calls: [...answer], logs: [move(500_000n, ANN, EXCHANGE)] }),
      ).toEqual([])
    await harness.stop()
  })

  test('behavior: no more holders are kept than asked for', async () => {
    const harness = await start({ topHolders: 3 })
    for (let at = 1; at <= 20; at++) {
      const who = `0x${at.toString(16).padStart(40, 'f')}`
      await harness.block({
        calls: calls({ [who]: 20_000n + BigInt(at) }),
        logs: [move(20_000n, EXCHANGE, who)],
      })
    }
    const memory = JSON.stringify(await harness.memory(), (_, value) =>
      typeof value === 'bigint' ? String(value) : value,
    )
    await harness.finalize()
    expect(memory).toContain('book:')
    const after = JSON.stringify(await harness.memory(), (_, value) =>
      typeof value === 'bigint' ? String(value) : value,
    )
    expect(after.match(/baseAtS/g)?.length).toBeLessThanOrEqual(6)
    await harness.stop()
  })
})

describe('conformance', () => {
  const scenario: readonly BlockInput[] = [
    { calls: calls({ [ANN]: 30_000n, [WHALE]: 90_000n }), logs: [move(5_000n, ANN, EXCHANGE)] },
    { calls: calls({ [ANN]: 10_000n }), logs: [move(20_000n, ANN, EXCHANGE)] },
    { calls: calls({ [WHALE]: 0n }), logs: [move(90_000n, WHALE, EXCHANGE)] },
    { calls: calls({ [BOB]: 0n }), logs: [move(40_000n, BOB, ANN)] },
  ]
  const benign: readonly BlockInput[] = [
    { calls: calls({ [ANN]: 30_000n, [BOB]: 900n }), logs: [move(5_000n, ANN, BOB)] },
    { logs: [move(500_000n, EXCHANGE, VAULT), move(100n, BOB, ANN)] },
  ]
  for (const { name, run } of botConformance(whaleWatch, { things, labels, scenario, benign }))
    test(name, run)
})

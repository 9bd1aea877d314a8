import { type BlockInput, botConformance, createBotHarness, encodeLog } from 'tocsin/testing'
import { encodeAbiParameters, parseAbi } from 'viem'
import { describe, expect, test } from 'vitest'
import { erc20Abi, erc721EventsAbi } from '../../abis/index.ts'
import { PERMIT2 } from './approvals.ts'
import { approvalDrain } from './bot.ts'

const USD = '0x00000000000000000000000000000000000000a1'
const OTHER = '0x00000000000000000000000000000000000000a2'
const TREASURY = '0x00000000000000000000000000000000000000a3'
const PHISH = '0x00000000000000000000000000000000000000f1'
const LOOT = '0x00000000000000000000000000000000000000f2'
const ROUTER = '0x00000000000000000000000000000000000000f3'
const SOLVER = '0x00000000000000000000000000000000000000f4'
const things = [
  { kind: 'token', name: 'usd', address: USD, symbol: 'USD', decimals: 6 },
  { kind: 'treasury', name: 'treasury', address: TREASURY, tokens: [USD] },
] as const
const person = (n: number): `0x${string}` => `0x${n.toString(16).padStart(40, 'e')}`

const approve = (owner: string, spender: string, value = 1_000n, address: `0x${string}` = USD) =>
  encodeLog({ abi: erc20Abi, eventName: 'Approval', args: { owner, spender, value }, address })
const move = (from: string, to: string, value = 500n, address: `0x${string}` = USD) =>
  encodeLog({ abi: erc20Abi, eventName: 'Transfer', args: { from, to, value }, address })
const permitAbi = parseAbi([
  'event Permit(address indexed owner, address indexed token, address indexed spender, uint160 amount, uint48 expiration, uint48 nonce)',
])
const permit = (owner: string, spender: string) =>
  encodeLog({
    abi: permitAbi,
    eventName: 'Permit',
    args: { owner, token: USD, spender, amount: 9n, expiration: 1, nonce: 0 },
    address: PERMIT2,
  })
/** Each approves in a transaction of their own. */
const approvals = (count: number, spender: string, from = 0): BlockInput => ({
  txs: Array.from({ length: count }, (_, i) => ({
    from: person(from + i),
    logs: [approve(person(from + i), spender)],
  })),
})
const take = (count: number, by: `0x${string}`, to: string, from = 0): BlockInput => ({
  txs: [
    {
      from: by,
      to: USD,
      logs: Array.from({ length: count }, (_, i) => move(person(from + i), to)),
    },
  ],
})
const start = (parameters: Record<string, unknown> = {}) =>
  createBotHarness(approvalDrain, {
    things,
    parameters,
    labels: [{ address: SOLVER, name: 'An exchange', tags: ['exchange'] }],
  })
const brief = (rows: readonly { alertId: string; severity: string }[]) =>
  rows.map(({ alertId, severity }) => `${alertId} ${severity}`)

describe('approvals', () => {
  test('behavior: nine owners are silent, the tenth is told once; the same owner again counts once', async () => {
    const harness = await start()
    expect(await harness.block(approvals(9, PHISH))).toEqual([])
    expect(await harness.block(approvals(9, PHISH))).toEqual([])
    expect(await harness.block(approvals(1, PHISH, 9))).toMatchObject([
      {
        alertId: 'MANY-APPROVALS',
        severity: 'Medium',
        thing: 'usd',
        metadata: { spender: PHISH, spenderKind: 'account', count: '10' },
      },
    ])
    expect(await harness.block(approvals(20, PHISH, 10))).toEqual([])
    await harness.stop()
  })

  test('behavior: spread over more than a day, taken back, or to exchanges and known routers, they are silent', async () => {
    const harness = await start()
    for (let n = 0; n < 30; n++)
      expect(await harness.block({ ...approvals(1, PHISH, n), afterS: 10_000 })).toEqual([])
    const revoked = Array.from({ length: 20 }, (_, n) => ({
      logs: [approve(person(n), ROUTER, 0n)],
    }))
    expect(await harness.block({ txs: revoked })).toEqual([])
    expect(await harness.block(approvals(20, SOLVER))).toEqual([])
    expect(await harness.block(approvals(20, PERMIT2))).toEqual([])
    await harness.stop()
  })

  test('behavior: a contract that was there in the first day is known; later ones are Low, created ones Medium', async () => {
    const harness = await start()
    expect(
      await harness.block({
        ...approvals(12, ROUTER),
        code: { [ROUTER]: '0x60', [OTHER]: '0x60' },
      }),
    ).toEqual([])
    await harness.block({ afterS: 90_000 })
    expect(await harness.block(approvals(12, ROUTER, 50))).toEqual([])
    expect(brief(await harness.block(approvals(10, OTHER)))).toEqual(['MANY-APPROVALS Low'])
    await harness.stop()
    const fresh = await start()
    await fresh.block({
      txs: [{ to: null, contractAddress: ROUTER, input: '0x60' }],
      code: { [ROUTER]: '0x60' },
    })
    expect(brief(await fresh.block(approvals(10, ROUTER)))).toEqual(['MANY-APPROVALS Medium'])
    await fresh.stop()
  })

  test('behavior: permits of Permit2 and approvals of whole collections count as well', async () => {
    const harness = await start()
    const all = Array.from({ length: 10 }, (_, n) =>
      n % 2
        ? permit(person(n), PHISH)
        : encodeLog({
            abi: erc721EventsAbi,
            eventName: 'ApprovalForAll',
            args: { owner: person(n), operator: PHISH, approved: true },
            address: USD,
          }),
    )
    expect(brief(await harness.block({ logs: all }))).toEqual(['MANY-APPROVALS Medium'])
    await harness.stop()
  })
})

describe('pulls', () => {
  test('behavior: five owners emptied within ten minutes are High, once; four are silent', async () => {
    const harness = await start()
    await harness.block(approvals(8, PHISH))
    expect(await harness.block(take(4, PHISH, LOOT))).toEqual([])
    expect(await harness.block(take(1, PHISH, LOOT, 4))).toMatchObject([
      {
        alertId: 'APPROVALS-DRAINED',
        severity: 'High',
        thing: 'usd',
        metadata: { spender: PHISH, count: '5', recipients: LOOT, caller: PHISH },
      },
    ])
    expect(await harness.block(take(3, PHISH, LOOT, 5))).toEqual([])
    await harness.stop()
  })

  test('behavior: slower, by the owners themselves, or for something in return, is silent', async () => {
    const harness = await start()
    await harness.block(approvals(9, PHISH))
    for (let n = 0; n < 9; n++)
      expect(await harness.block({ ...take(1, PHISH, LOOT, n), afterS: 200 })).toEqual([])
    const own = Array.from({ length: 9 }, (_, n) => ({
      from: person(n),
      logs: [move(person(n), LOOT)],
    }))
    expect(await harness.block({ txs: own })).toEqual([])
    const settled = Array.from({ length: 9 }, (_, n) => [
      move(person(n), LOOT),
      move(LOOT, person(n), 3n, OTHER),
    ]).flat()
    expect(await harness.block({ txs: [{ from: SOLVER, logs: settled }] })).toEqual([])
    const deposited = Array.from({ length: 9 }, (_, n) => [
      move(person(n), LOOT),
      move('0x0000000000000000000000000000000000000000', person(n), 3n, OTHER),
    ]).flat()
    expect(await harness.block({ txs: [{ from: ROUTER, logs: deposited }] })).toEqual([])
    await harness.stop()
  })
})

test('behavior: signed permits that are used in the same transaction are drains too', async () => {
  const harness = await start()
  await harness.block({
    txs: [{ to: null, contractAddress: ROUTER, input: '0x60' }],
    code: { [ROUTER]: '0x60' },
  })
  const logs = Array.from({ length: 5 }, (_, n) => [
    approve(person(n), ROUTER),
    move(person(n), LOOT),
  ]).flat()
  expect(brief(await harness.block({ txs: [{ from: LOOT, to: ROUTER, logs }] }))).toEqual([
    'APPROVALS-DRAINED High',
  ])
  await harness.stop()
})

describe('treasuries', () => {
  const allowance = (result: bigint) => ({
    address: USD as `0x${string}`,
    abi: erc20Abi,
    functionName: 'allowance',
    result,
  })
  test('behavior: an approval to an account is High, to a contract of old nothing, and logs alone are bait', async () => {
    const harness = await start()
    expect(
      await harness.block({
        logs: [approve(TREASURY, PHISH), approve(TREASURY, PHISH, 1n, OTHER)],
        calls: [allowance(1_000n)],
      }),
    ).toMatchObject([{ alertId: 'TREASURY-APPROVAL', severity: 'High', thing: 'treasury' }])
    await harness.block({ code: { [ROUTER]: '0x60' } })
    expect(await harness.block({ logs: [approve(TREASURY, ROUTER)] })).toEqual([])
    expect(
      await harness.block({ logs: [approve(TREASURY, PHISH)], calls: [allowance(0n)] }),
    ).toEqual([])
    await harness.stop()
  })

  test('behavior: logs of any shape are no error', async () => {
    const harness = await start()
    const word = (value: bigint) => encodeAbiParameters([{ type: 'uint256' }], [value])
    const topics = [approve(PHISH, LOOT).topics[0], move(PHISH, LOOT).topics[0]]
    for (const topic of topics)
      for (const rest of [
        [],
        [word(1n)],
        [word(2n ** 255n), word(1n)],
        [word(1n), word(2n), word(3n)],
      ])
        for (const data of ['0x', '0x12', word(7n)] as const)
          expect(
            await harness.block({
              logs: [{ address: USD, topics: [topic ?? '0x', ...rest], data }],
            }),
          ).toEqual([])
    await harness.stop()
  })
})

describe('conformance', () => {
  const scenario: readonly BlockInput[] = [
    approvals(6, PHISH),
    approvals(6, PHISH, 6),
    take(3, PHISH, LOOT),
    take(3, PHISH, LOOT, 3),
  ]
  const benign: readonly BlockInput[] = [
    approvals(6, ROUTER),
    { txs: [{ from: person(1), logs: [move(person(1), LOOT)] }] },
  ]
  for (const { name, run } of botConformance(approvalDrain, { things, scenario, benign }))
    test(name, run)
})

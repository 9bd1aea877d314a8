import {
  type BlockInput,
  botConformance,
  createBotHarness,
  encodeLog,
  REVERTS,
} from 'tocsin/testing'
import { parseAbi } from 'viem'
import { describe, expect, test } from 'vitest'
import { erc20Abi } from '../../abis/index.ts'
import { largeTransfer } from './bot.ts'
import { hiddenMove } from './nativeMoves.ts'
import { parseTransfer, TRANSFER, ZERO } from './parseTransfer.ts'

const USD = '0x00000000000000000000000000000000000000a1'
const WETH = '0x00000000000000000000000000000000000000a2'
const DAO = '0x00000000000000000000000000000000000000a3'
const EXCHANGE = '0x00000000000000000000000000000000000000e1'
const WHALE = '0x00000000000000000000000000000000000000e2'
const ALICE = '0x00000000000000000000000000000000000000b1'
const BOB = '0x00000000000000000000000000000000000000b2'
const ONE = 10n ** 6n
const ETHER = 10n ** 18n

const usd = { kind: 'token', name: 'usd', address: USD, symbol: 'dUSD', decimals: 6 } as const
const dao = { kind: 'treasury', name: 'dao', address: DAO, tokens: [USD, WETH] } as const
const labels = [
  { kind: 'label', name: 'big-exchange', address: EXCHANGE, tags: ['exchange'] },
  { kind: 'label', name: 'whale-1', address: WHALE, tags: ['whale'] },
] as const
type Things = Parameters<typeof createBotHarness>[1]['things']

const transfer = (
  value: bigint,
  from: string = ALICE,
  to: string = BOB,
  token: `0x${string}` = USD,
) => encodeLog({ abi: erc20Abi, eventName: 'Transfer', args: { from, to, value }, address: token })
const weth: BlockInput['calls'] = [
  { address: WETH, abi: erc20Abi, functionName: 'decimals', result: 18 },
  { address: WETH, abi: erc20Abi, functionName: 'symbol', result: 'WETH' },
]
const once = async (
  block: BlockInput,
  things: Things = [usd, ...labels],
  parameters: Record<string, unknown> = {},
) => {
  const harness = await createBotHarness(largeTransfer, { things, parameters, labels: [] })
  const found = await harness.block(block)
  await harness.stop()
  return found
}
const brief = (rows: readonly { alertId: string; severity: string }[]) =>
  rows.map(({ alertId, severity }) => [alertId, severity])

describe('tokens', () => {
  test('behavior: exactly the threshold is silent, a unit more is told', async () => {
    const limit = 1_000_000n * ONE
    expect(await once({ logs: [transfer(limit)] })).toEqual([])
    const [finding] = await once({ logs: [transfer(limit + 1n)] })
    expect(finding).toMatchObject({ alertId: 'LARGE-TRANSFER', severity: 'Medium', thing: 'usd' })
    expect(finding?.description).toContain('1,000,000.000001 dUSD went from')
    expect(finding?.metadata).toMatchObject({
      units: '1000000000001',
      thresholdUnits: '1000000000000',
      from: ALICE,
      to: BOB,
      kind: 'transfer',
    })
  })

  test('behavior: ten times the threshold is Medium, a unit more is High', async () => {
    const limit = 10_000_000n * ONE
    expect(brief(await once({ logs: [transfer(limit)] }))).toEqual([['LARGE-TRANSFER', 'Medium']])
    expect(brief(await once({ logs: [transfer(limit + 1n)] }))).toEqual([
      ['LARGE-TRANSFER', 'High'],
    ])
  })

  test('behavior: mints are High, burns are told apart', async () => {
    const much = 2_000_000n * ONE
    expect(
      brief(await once({ logs: [transfer(much, ZERO, ALICE), transfer(much, ALICE, ZERO)] })),
    ).toEqual([
      ['LARGE-MINT', 'High'],
      ['LARGE-BURN', 'Medium'],
    ])
  })

  test('behavior: where the supply is known, only a large part of it is High', async () => {
    const known = (supply: bigint): NonNullable<BlockInput['calls']> => [
      { address: USD, abi: erc20Abi, functionName: 'totalSupply', result: supply * ONE },
    ]
    const severities = async (logs: NonNullable<BlockInput['logs']>, supply: bigint) =>
      brief(await once({ logs, calls: known(supply) })).map(([, severity]) => severity)
    const moved = transfer(20_000_001n * ONE)
    expect(await severities([moved], 100_000_000n)).toEqual(['High'])
    expect(await severities([moved], 100_000_005n)).toEqual(['Medium'])
    const minted = transfer(2_000_000n * ONE, ZERO, ALICE)
    expect(await severities([minted], 199_999_999n)).toEqual(['High'])
    expect(await severities([minted], 200_000_000n)).toEqual(['Medium'])
  })

  test('behavior: decimals are read where the watchlist names none; without any it is told once', async () => {
    const { decimals: _, symbol: __, ...bare } = usd
    const calls: BlockInput['calls'] = [
      { address: USD, abi: erc20Abi, functionName: 'decimals', result: 2 },
      { address: USD, abi: erc20Abi, functionName: 'symbol', result: 'x\u202Ey' },
    ]
    expect(
      await once({ calls: calls ?? [], logs: [transfer(100_000_001n)] }, [bare]),
    ).toMatchObject([{ metadata: { symbol: 'x y', decimals: '2' } }])
    const harness = await createBotHarness(largeTransfer, { things: [bare] })
    const silent: BlockInput['calls'] = [
      { address: USD, abi: erc20Abi, functionName: 'decimals', result: REVERTS },
    ]
    expect(brief(await harness.block({ calls: silent ?? [], logs: [transfer(1n)] }))).toEqual([
      ['TOKEN-UNREADABLE', 'Medium'],
    ])
    expect(await harness.block({ logs: [transfer(1n)] })).toEqual([])
    await harness.stop()
  })

  test('behavior: logs that are no ERC-20 transfers are passed over', async () => {
    const good = transfer(2_000_000n * ONE)
    const [a, b, c] = good.topics
    const odd = [
      { ...good, topics: [a, b, c, `0x${'0'.repeat(63)}1`], data: '0x' },
      { ...good, topics: [a], data: `0x${'00'.repeat(96)}` },
      { ...good, data: '0x' },
      { ...good, data: `0x${'ff'.repeat(64)}` },
      { ...good, topics: [a, `0x${'ff'.repeat(32)}`, c] },
      { ...good, address: BOB },
    ] as const
    expect(await once({ logs: odd as never })).toEqual([])
    expect(parseTransfer({ address: USD, topics: [TRANSFER], data: '0x' })).toBeUndefined()
    expect(await once({ txs: [{ logs: [good] }, { logs: [good] }] })).toHaveLength(2)
  })

  test('behavior: several in one transaction are several findings, each with its own identity', async () => {
    const found = await once({ logs: [transfer(2_000_000n * ONE), transfer(2_000_000n * ONE)] })
    expect(new Set(found.map(({ id }) => id)).size).toBe(2)
  })

  test('error: a threshold that is no plain amount, an ABI without Transfer', async () => {
    for (const threshold of ['1e6', '-1', '1,000', '', 5])
      await expect(once({}, [usd], { threshold })).rejects.toMatchObject({ code: 'config.invalid' })
    await expect(
      once({}, [{ ...usd, abi: parseAbi(['event Moved(address who)']) }]),
    ).rejects.toMatchObject({ code: 'bot.abi_mismatch' })
  })
})

describe('parties', () => {
  test('behavior: exchanges and whales have lower thresholds, either side counts, the label is told', async () => {
    const limit = 500_000n * ONE
    expect(
      await once({ logs: [transfer(limit, ALICE, EXCHANGE), transfer(limit, WHALE, BOB)] }),
    ).toEqual([])
    const found = await once({
      logs: [transfer(limit + 1n, ALICE, EXCHANGE), transfer(limit + 1n, WHALE, BOB)],
    })
    expect(brief(found)).toEqual([
      ['EXCHANGE-TRANSFER', 'Medium'],
      ['WHALE-TRANSFER', 'Medium'],
    ])
    expect(found[0]?.metadata).toMatchObject({
      toLabel: 'big-exchange',
      toTags: 'exchange',
      role: 'exchange',
    })
    expect(found[0]?.description).toContain('The threshold of the exchange is 500,000 dUSD.')
    expect(found[1]?.metadata).toMatchObject({ fromLabel: 'whale-1' })
  })

  test('behavior: imported labels count as those of the watchlist', async () => {
    const harness = await createBotHarness(largeTransfer, {
      things: [usd],
      labels: [{ address: BOB, name: 'Other 3', tags: ['exchange'] }],
    })
    expect(brief(await harness.block({ logs: [transfer(500_001n * ONE)] }))).toEqual([
      ['EXCHANGE-TRANSFER', 'Medium'],
    ])
    await harness.stop()
  })

  test("behavior: a treasury's own threshold, per token too; tokens that nobody watches count for it alone", async () => {
    const watched = {
      ...dao,
      bots: { 'large-transfer': { treasuryThreshold: '1000', perToken: { [WETH]: '5' } } },
    }
    const calls = weth ?? []
    expect(
      await once(
        {
          calls,
          logs: [
            transfer(1_000n * ONE, DAO, BOB),
            transfer(5n * ETHER, ALICE, DAO, WETH),
            transfer(10n ** 30n, ALICE, BOB, WETH),
          ],
        },
        [usd, watched],
      ),
    ).toEqual([])
    const found = await once(
      {
        calls,
        logs: [transfer(1_000n * ONE + 1n, DAO, BOB), transfer(5n * ETHER + 1n, ALICE, DAO, WETH)],
      },
      [usd, watched],
    )
    expect(brief(found)).toEqual([
      ['TREASURY-TRANSFER', 'Medium'],
      ['TREASURY-TRANSFER', 'Medium'],
    ])
    expect(found.map(({ thing }) => thing)).toEqual(['dao', 'dao'])
  })

  test('behavior: native coin by top-level value, exactly at the threshold and above; a failed payment is none', async () => {
    const pay = (value: bigint, status: 'success' | 'reverted' = 'success'): BlockInput => ({
      txs: [{ from: ALICE, to: DAO, value, status }],
      reads: { 'balance:dao': value },
    })
    expect(await once(pay(100n * ETHER), [dao])).toEqual([])
    expect(await once(pay(101n * ETHER, 'reverted'), [dao])).toEqual([])
    expect(await once(pay(100n * ETHER + 1n), [dao])).toMatchObject([
      {
        alertId: 'TREASURY-TRANSFER',
        metadata: { kind: 'native', direction: 'in', seenBy: 'transaction' },
      },
    ])
    expect(
      await once({ txs: [{ from: DAO, to: BOB, value: 1_001n * ETHER }] }, [dao]),
    ).toMatchObject([{ severity: 'High', metadata: { direction: 'out', to: BOB } }])
  })

  test('behavior: native coin that internal calls moved is seen by the balance, once', async () => {
    const harness = await createBotHarness(largeTransfer, { things: [dao] })
    await harness.block({ reads: { 'balance:dao': 500n * ETHER } })
    expect(await harness.block({ reads: { 'balance:dao': 400n * ETHER } })).toEqual([])
    expect(await harness.block({ reads: { 'balance:dao': 299n * ETHER } })).toMatchObject([
      {
        alertId: 'TREASURY-TRANSFER',
        metadata: { direction: 'out', seenBy: 'balance', amount: '101' },
      },
    ])
    expect(await harness.block()).toEqual([])
    // Shown by a transaction: told by that alone.
    expect(
      await harness.block({
        txs: [{ from: ALICE, to: DAO, value: 200n * ETHER }],
        reads: { 'balance:dao': 499n * ETHER },
      }),
    ).toHaveLength(1)
    await harness.stop()
  })

  test('behavior: fees are no hidden movement', () => {
    const tx = { from: DAO, gasUsed: 21_000n, effectiveGasPriceWei: 10n } as never
    const move = { from: DAO, to: BOB, wei: 50n, txHash: undefined } as const
    expect(hiddenMove(DAO, { before: 300_000n, now: 89_950n }, [tx], [move])).toBe(0n)
  })
})

describe('conformance', () => {
  const things = [usd, dao, ...labels]
  const scenario: readonly BlockInput[] = [
    { reads: { 'balance:dao': 900n * ETHER }, calls: weth ?? [] },
    { logs: [transfer(2_000_000n * ONE), transfer(11_000_000n * ONE, ZERO, WHALE)] },
    { reads: { 'balance:dao': 100n * ETHER } },
    { logs: [transfer(200_000n * ETHER, DAO, BOB, WETH)] },
  ]
  const benign: readonly BlockInput[] = [
    { reads: { 'balance:dao': ETHER }, calls: weth ?? [] },
    {
      logs: Array.from({ length: 40 }, (_, i) =>
        transfer(BigInt(i) * 1_000n * ONE, i % 2 ? ALICE : WHALE, i % 3 ? BOB : EXCHANGE),
      ),
    },
    { txs: [{ from: ALICE, to: DAO, value: ETHER }], reads: { 'balance:dao': 2n * ETHER } },
  ]
  for (const { name, run } of botConformance(largeTransfer, { things, scenario, benign }))
    test(name, run)
})

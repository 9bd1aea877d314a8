import {
  type BlockInput,
  botConformance,
  createBotHarness,
  encodeLog,
  REVERTS,
} from 'tocsin/testing'
import { describe, expect, test } from 'vitest'
import { erc20Abi, erc4626Abi } from '../../abis/index.ts'
import { sharePrice } from './bot.ts'
import { judgePrice, timesFirstPrice } from './judgePrice.ts'
import { sharePriceParameters } from './parameters.ts'
import { beginUsual, expectedGain, learn } from './usualYield.ts'
import { PROBE } from './vault.ts'

const VAULT = '0x00000000000000000000000000000000000000a1'
const USD = '0x00000000000000000000000000000000000000a3'
const ALICE = '0x00000000000000000000000000000000000000b1'
const THIEF = '0x00000000000000000000000000000000000000f1'
const ONE = 1_000_000n
const TVL = 1_000_000n * ONE

const vault = { kind: 'vault', name: 'vault', address: VAULT } as const
const details: BlockInput['calls'] = [
  { address: VAULT, abi: erc4626Abi, functionName: 'asset', result: USD },
  { address: USD, abi: erc20Abi, functionName: 'decimals', result: 6 },
  { address: USD, abi: erc20Abi, functionName: 'symbol', result: 'dUSD' },
  { address: VAULT, abi: erc20Abi, functionName: 'decimals', result: 6 },
  { address: VAULT, abi: erc20Abi, functionName: 'symbol', result: 'dvUSD' },
]
/** As OpenZeppelin's vault answers, without an offset. */
const holds = (assets: bigint, shares: bigint): NonNullable<BlockInput['reads']> => ({
  'vault:price': (PROBE * (assets + 1n)) / (shares + 1n),
  'vault:assets': assets,
  'vault:shares': shares,
})
const gift = (units: bigint, from = THIEF) =>
  encodeLog({
    abi: erc20Abi,
    eventName: 'Transfer',
    args: { from, to: VAULT, value: units },
    address: USD,
  })
const deposit = (assets: bigint, shares: bigint, owner = ALICE) =>
  encodeLog({
    abi: erc4626Abi,
    eventName: 'Deposit',
    args: { sender: owner, owner, assets, shares },
    address: VAULT,
  })
const withdraw = (assets: bigint, shares: bigint) =>
  encodeLog({
    abi: erc4626Abi,
    eventName: 'Withdraw',
    args: { sender: ALICE, receiver: ALICE, owner: ALICE, assets, shares },
    address: VAULT,
  })
const donation = (units: bigint): BlockInput => ({
  txs: [{ from: THIEF, to: USD, logs: [gift(units)] }],
  reads: holds(TVL + units, TVL),
})
const start = async (assets = TVL, shares = TVL) => {
  const harness = await createBotHarness(sharePrice, { things: [vault] })
  await harness.block({ calls: details, reads: holds(assets, shares) })
  await harness.mine(2)
  return harness
}
const once = async (block: BlockInput) => {
  const harness = await start()
  const found = await harness.block(block)
  await harness.stop()
  return found
}
const brief = (rows: readonly { alertId: string; severity: string; condition: string | null }[]) =>
  rows.map(({ alertId, severity, condition }) => [alertId, severity, condition])

describe('jumps and drops', () => {
  test.each([
    [50n, []],
    [51n, ['Low']],
    [201n, ['Medium']],
    [501n, ['High']],
    [2_001n, ['Critical']],
  ])('behavior: a donation of %i bps', async (bps, severities) => {
    const found = await once(donation((TVL * bps) / 10_000n))
    expect(found.map(({ severity }) => severity)).toEqual(severities)
    for (const { alertId, metadata } of found) {
      expect(alertId).toBe('SHARE-PRICE-JUMP')
      expect(metadata).toMatchObject({ cause: 'donation', caller: THIEF })
    }
  })

  test('behavior: the same gain without a transfer is a report, one severity lower', async () => {
    const found = await once({ reads: holds((TVL * 106n) / 100n, TVL) })
    expect(brief(found)).toEqual([['SHARE-PRICE-JUMP', 'Medium', null]])
    expect(found[0]?.metadata['cause']).toBe('report')
  })

  test('behavior: a donation in the transaction of a deposit is told from it', async () => {
    const found = await once({
      txs: [{ from: THIEF, logs: [gift(TVL / 5n), deposit(TVL / 10n, TVL / 10n, THIEF)] }],
      reads: holds((TVL * 12n) / 10n, (TVL * 11n) / 10n),
    })
    expect(found[0]?.metadata).toMatchObject({ cause: 'donation', donated: String(TVL / 10n) })
  })

  test('behavior: whales in and out at the price are silent', async () => {
    const harness = await start()
    expect(
      await harness.block({
        logs: [gift(9n * TVL, ALICE), deposit(9n * TVL, 9n * TVL)],
        reads: holds(10n * TVL, 10n * TVL),
      }),
    ).toEqual([])
    expect(
      await harness.block({ logs: [withdraw(9n * TVL, 9n * TVL)], reads: holds(TVL, TVL) }),
    ).toEqual([])
    await harness.stop()
  })

  test('behavior: what nearly everybody paid to leave is a gain of the rest, at Low', async () => {
    const found = await once({
      logs: [withdraw((TVL * 94n) / 100n, (TVL * 95n) / 100n)],
      reads: holds((TVL * 6n) / 100n, (TVL * 5n) / 100n),
    })
    expect(brief(found)).toEqual([['SHARE-PRICE-JUMP', 'Low', null]])
    expect(found[0]?.metadata['cause']).toBe('fees of withdrawals')
  })

  test.each([
    [1n, []],
    [2n, ['Low']],
    [101n, ['Medium']],
    [501n, ['High']],
  ])('behavior: a loss of %i bps', async (bps, severities) => {
    const found = await once({ reads: holds(TVL - (TVL * bps) / 10_000n, TVL) })
    expect(found.map(({ severity }) => severity)).toEqual(severities)
    for (const { metadata } of found) expect(metadata['cause']).toBe('loss')
  })

  test('behavior: shares made for nothing are Critical, fee shares Low', async () => {
    expect(brief(await once({ reads: holds(TVL, TVL * 2n) }))).toEqual([
      ['SHARE-PRICE-DROP', 'Critical', null],
    ])
    const fees = await once({ reads: holds(TVL, (TVL * 1_005n) / 1_000n) })
    expect(brief(fees)).toEqual([['SHARE-PRICE-DROP', 'Low', null]])
  })

  test('behavior: a vault that says nothing is left alone, and looked at again', async () => {
    const harness = await start()
    const silent = { 'vault:price': REVERTS, 'vault:assets': REVERTS, 'vault:shares': REVERTS }
    expect(await harness.block({ reads: silent })).toEqual([])
    expect(brief(await harness.block({ reads: holds(TVL / 2n, TVL) }))).toEqual([
      ['SHARE-PRICE-DROP', 'High', null],
    ])
    await harness.stop()
  })

  test('behavior: without convertToAssets the price is taken from the totals', async () => {
    const harness = await createBotHarness(sharePrice, { things: [vault] })
    const bare = (assets: bigint) => ({ ...holds(assets, TVL), 'vault:price': REVERTS })
    await harness.block({ calls: details, reads: bare(TVL) })
    expect(brief(await harness.block({ reads: bare(TVL * 2n) }))).toEqual([
      ['SHARE-PRICE-JUMP', 'High', null],
    ])
    await harness.stop()
  })

  test('behavior: a block that is rolled back is judged anew', async () => {
    const harness = await start()
    await harness.block(donation(TVL / 2n))
    await harness.rollback(1)
    expect(await harness.block({ reads: holds(TVL, TVL) })).toEqual([])
    expect(brief(await harness.block(donation(TVL / 2n)))).toEqual([
      ['SHARE-PRICE-JUMP', 'Critical', null],
    ])
    await harness.stop()
  })
})

describe('yield', () => {
  test('behavior: weekly reports of 0.9 % fall silent once they are usual', async () => {
    const harness = await start()
    const severities: string[] = []
    let assets = TVL
    for (let week = 0; week < 6; week++) {
      assets += (assets * 9n) / 1_000n
      const found = await harness.block({
        reads: holds(assets, TVL),
        afterS: 7 * 86_400,
      })
      severities.push(...found.map(({ severity }) => severity))
    }
    expect(severities.slice(0, 1)).toEqual(['Low'])
    expect(severities.length).toBeLessThanOrEqual(2)
    await harness.stop()
  })

  test('behavior: steps of an attack teach at most two per cent', () => {
    let usual = beginUsual(0)
    for (let step = 1; step < 20; step++) usual = learn(usual, 500_000_000, step * 12)
    expect(usual.move).toBe(20_000_000)
    expect(expectedGain(usual, 10, 240)).toBe(60_000_000)
  })
})

describe('inflation', () => {
  const inflate: BlockInput = {
    txs: [{ from: THIEF, to: USD, logs: [gift(10_000n * ONE)] }],
    reads: holds(10_000n * ONE + 1n, 1n),
  }

  test('behavior: one share and a donation hold, a robbed deposit is told, shares enough end it', async () => {
    const harness = await start(1n, 1n)
    expect(brief(await harness.block(inflate))).toEqual([['SHARE-INFLATION', 'High', 'holds']])
    expect(await harness.mine(3)).toEqual([])
    const robbed = await harness.block({
      txs: [{ from: ALICE, logs: [gift(4_000n * ONE, ALICE), deposit(4_000n * ONE, 0n)] }],
      reads: holds(14_000n * ONE, 1n),
    })
    expect(brief(robbed)).toEqual([['DEPOSIT-ROBBED', 'Critical', null]])
    expect(robbed[0]?.metadata).toMatchObject({
      victim: ALICE,
      minted: '0',
      lost: String(4_000n * ONE),
    })
    expect(brief(await harness.block({ reads: holds(0n, 0n) }))).toEqual([
      ['SHARE-INFLATION', 'Info', 'ended'],
    ])
    await harness.stop()
  })

  test('behavior: donation, victim and redemption in one block', async () => {
    const harness = await start(1n, 1n)
    const found = await harness.block({
      txs: [
        { from: THIEF, logs: [gift(10_000n * ONE)] },
        { from: ALICE, logs: [gift(15_000n * ONE, ALICE), deposit(15_000n * ONE, 1n)] },
      ],
      reads: holds(12_500n * ONE, 1n),
    })
    expect(found.map(({ alertId }) => alertId)).toContain('DEPOSIT-ROBBED')
    await harness.stop()
  })

  test('behavior: a tester with a thousand units, and a vault wound down to one share, are silent', async () => {
    const harness = await start(0n, 0n)
    expect(
      await harness.block({
        logs: [gift(1_000n, ALICE), deposit(1_000n, 1_000n)],
        reads: holds(1_000n, 1_000n),
      }),
    ).toEqual([])
    expect(await harness.block({ logs: [deposit(TVL, TVL)], reads: holds(TVL, TVL) })).toEqual([])
    expect(await harness.block({ logs: [withdraw(TVL, TVL)], reads: holds(2n, 1n) })).toEqual([])
    expect(await harness.block({ logs: [deposit(1n, 0n)], reads: holds(3n, 1n) })).toEqual([])
    await harness.stop()
  })

  test("behavior: OpenZeppelin's decimals offset cancels out", () => {
    const units = { asset: undefined, assetDecimals: 6, shareDecimals: 12 }
    const now = { price: PROBE / ONE, assets: TVL, shares: TVL * ONE }
    expect(timesFirstPrice(now, units)).toBe(1n)
    const usual = beginUsual(0)
    const flows = { donated: 0n, hasWithdrawals: false }
    const parameters = sharePriceParameters.parse({})
    expect(
      judgePrice(
        now,
        { ...now, assets: TVL * 2n, shares: TVL * 2n * ONE },
        { flows, usual, units, nowS: 12 },
        parameters,
      ),
    ).toBeUndefined()
  })
})

describe('conformance', () => {
  for (const { name, run } of botConformance(sharePrice, {
    things: [vault],
    scenario: [
      { calls: details, reads: holds(TVL, TVL) },
      { logs: [gift(TVL, ALICE), deposit(TVL, TVL)], reads: holds(2n * TVL, 2n * TVL) },
      {
        txs: [{ from: THIEF, to: USD, logs: [gift(TVL)] }],
        reads: holds(3n * TVL, 2n * TVL),
      },
      { reads: holds(2n * TVL, 2n * TVL) },
      {},
    ],
    benign: [
      { calls: details, reads: holds(TVL, TVL) },
      { logs: [gift(TVL, ALICE), deposit(TVL, TVL)], reads: holds(2n * TVL, 2n * TVL) },
      { reads: holds(2n * TVL + ONE, 2n * TVL) },
    ],
  }))
    test(name, run)
})

import {
  type AlertInput,
  type BlockInput,
  botConformance,
  createBotHarness,
  encodeLog,
} from 'tocsin/testing'
import { describe, expect, test } from 'vitest'
import { erc20Abi, ownableAbi, uniswapV2PairAbi } from '../../abis/index.ts'
import { rugPull } from './bot.ts'
import { rugPullParameters } from './parameters.ts'
import { addTrade, lacksSells, NO_TRADES, type Trades } from './trades.ts'

const TOKEN = '0x00000000000000000000000000000000000000a1'
const USD = '0x00000000000000000000000000000000000000a2'
const PAIR = '0x00000000000000000000000000000000000000b1'
const OWNER = '0x00000000000000000000000000000000000000f1'
const WHALE = '0x00000000000000000000000000000000000000f2'
const ZERO = '0x0000000000000000000000000000000000000000'
const things = [
  { kind: 'token', name: 'gem', address: TOKEN },
  { kind: 'pool', name: 'pair', address: PAIR, variant: 'uniswap-v2' },
] as const
const person = (n: number): `0x${string}` => `0x${n.toString(16).padStart(40, 'e')}`

const setUp = (owner: string = OWNER): BlockInput => ({
  calls: [
    { address: TOKEN, abi: ownableAbi, functionName: 'owner', result: owner },
    { address: PAIR, abi: uniswapV2PairAbi, functionName: 'token0', result: TOKEN },
    { address: PAIR, abi: uniswapV2PairAbi, functionName: 'token1', result: USD },
  ],
})
const move = (from: string, to: string, value = 100n) =>
  encodeLog({ abi: erc20Abi, eventName: 'Transfer', args: { from, to, value }, address: TOKEN })
const handOver = (previousOwner: string, newOwner: string) =>
  encodeLog({
    abi: ownableAbi,
    eventName: 'OwnershipTransferred',
    args: { previousOwner, newOwner },
    address: TOKEN,
  })
const pulled = (severity: 'Medium' | 'High' | 'Critical', from: `0x${string}`): BlockInput => ({
  txs: [{ from, to: PAIR }],
  findings: [
    { botId: 'liquidity-pull', alertId: 'LIQUIDITY-PULL', thing: 'pair', severity, tx: 0 },
  ],
})
const minted: AlertInput = {
  botId: 'mint-anomaly',
  alertId: 'SUPPLY-JUMP',
  thing: 'gem',
  severity: 'Critical',
  metadata: { holder: OWNER, units: '1000' },
}
const start = async (owner?: string) => {
  const harness = await createBotHarness(rugPull, { things })
  await harness.block(setUp(owner))
  return harness
}

describe('two signs', () => {
  test('behavior: liquidity that its owner pulls and a mint are one Critical, once', async () => {
    const harness = await start()
    expect(await harness.block(pulled('Medium', OWNER))).toEqual([])
    expect(await harness.block({ findings: [minted], afterS: 80_000 })).toMatchObject([
      {
        alertId: 'RUG-PULL',
        severity: 'Critical',
        thing: 'gem',
        metadata: { signs: 'liquidity,mint', things: 'pair,gem' },
      },
    ])
    expect(await harness.block(pulled('Critical', OWNER))).toEqual([])
    expect(await harness.block({ logs: [move(OWNER, PAIR, 900n)] })).toEqual([])
    await harness.stop()
  })

  test('behavior: a whale who leaves, a sign that is a day old, set-up and what has ended are silent', async () => {
    const harness = await start()
    await harness.block(pulled('Medium', WHALE))
    expect(await harness.block({ findings: [minted] })).toEqual([])
    expect(await harness.block({ ...pulled('High', WHALE), afterS: 86_401 })).toEqual([])
    for (const metadata of [{ setUp: 'yes' }, {}])
      expect(
        await harness.block({
          afterS: 86_401,
          findings: [
            { ...minted, metadata, ...(metadata.setUp ? {} : { condition: 'ended' as const }) },
            { botId: 'activity', alertId: 'FUNCTION-FAILING', thing: 'gem', severity: 'Medium' },
          ],
        }),
      ).toEqual([])
    await harness.stop()
  })

  test('behavior: a mint that goes into a pool by a tenth is sold', async () => {
    const harness = await start()
    await harness.block({ findings: [minted] })
    expect(await harness.block({ logs: [move(OWNER, PAIR, 100n)] })).toEqual([])
    expect(await harness.block({ logs: [move(WHALE, PAIR, 900n)] })).toEqual([])
    expect(await harness.block({ logs: [move(OWNER, PAIR, 1n)] })).toMatchObject([
      { metadata: { signs: 'mint,sale' } },
    ])
    await harness.stop()
  })

  test('behavior: control after it was renounced counts, by itself and by an admin call; before, it does not', async () => {
    const call: AlertInput = { botId: 'admin-call', alertId: 'ADMIN-CALL', thing: 'gem' }
    const harness = await start()
    await harness.block(pulled('High', WHALE))
    expect(await harness.block({ findings: [call] })).toEqual([])
    expect(await harness.block({ logs: [handOver(OWNER, ZERO)] })).toEqual([])
    expect(await harness.block({ findings: [call] })).toMatchObject([
      { metadata: { signs: 'liquidity,control' } },
    ])
    await harness.stop()
    const again = await start(ZERO)
    await again.block(pulled('High', WHALE))
    expect(await again.block({ logs: [handOver(ZERO, OWNER)] })).toMatchObject([
      { metadata: { signs: 'liquidity,control' } },
    ])
    await again.stop()
  })

  test('behavior: a tax that is raised is a sign, an ordinary admin call is none', async () => {
    const call = (signature: string): AlertInput => ({
      botId: 'admin-call',
      alertId: 'ADMIN-CALL',
      thing: 'gem',
      metadata: { function: signature },
    })
    const harness = await start()
    await harness.block(pulled('High', WHALE))
    expect(await harness.block({ findings: [call('setGuardian(address)')] })).toEqual([])
    expect(await harness.block({ findings: [call('setSellTax(uint256)')] })).toHaveLength(1)
    await harness.stop()
    const pause = (name: string): AlertInput => ({
      botId: 'admin-call',
      alertId: 'PAUSE-CHANGED',
      thing: 'gem',
      name,
    })
    const paused = await start()
    await paused.block(pulled('High', WHALE))
    expect(await paused.block({ findings: [pause('Unpaused: gem')] })).toEqual([])
    expect(await paused.block({ findings: [pause('Paused: gem')] })).toHaveLength(1)
    await paused.stop()
  })

  test('behavior: buys of many without a sell are a sign', async () => {
    const harness = await start()
    for (let n = 0; n < 60; n++)
      await harness.block({ logs: [n % 3 ? move(PAIR, person(n % 9)) : move(person(n % 9), PAIR)] })
    await harness.block(pulled('High', WHALE))
    const found = []
    for (let n = 0; n < 60; n++)
      found.push(...(await harness.block({ logs: [move(PAIR, person(n))] })))
    expect(found).toMatchObject([{ metadata: { signs: 'liquidity,no-sells' } }])
    await harness.stop()
  })

  test('behavior: a pool without a watched token stands for itself', async () => {
    const harness = await createBotHarness(rugPull, { things: [things[1]] })
    expect(await harness.block(pulled('Critical', WHALE))).toEqual([])
    await harness.stop()
  })
})

test('behavior: missing sells by one buyer, of few trades, or where sells are rare are chance', () => {
  const parameters = rugPullParameters.parse({})
  const play = (count: number, everyNth: number, buyers: number): Trades => {
    let trades = NO_TRADES
    for (let n = 0; n < count; n++)
      trades = addTrade(trades, n % everyNth === 0 ? 'sell' : person(n % buyers))
    for (let n = 0; n < 40; n++) trades = addTrade(trades, person(n % buyers))
    return trades
  }
  expect(lacksSells(play(60, 3, 9), parameters)).toBe(true)
  expect(lacksSells(play(60, 3, 2), parameters)).toBe(false)
  expect(lacksSells(play(30, 3, 9), parameters)).toBe(false)
  expect(lacksSells(play(600, 8, 9), parameters)).toBe(false)
  expect(lacksSells(addTrade(play(60, 3, 9), 'sell'), parameters)).toBe(false)
  const long = play(50_000, 3, 9)
  expect(long.buys + long.sells).toBeLessThanOrEqual(1_041)
})

describe('conformance', () => {
  const scenario: readonly BlockInput[] = [
    setUp(),
    { logs: [move(PAIR, person(1))] },
    pulled('High', WHALE),
    { findings: [minted] },
    { logs: [move(OWNER, PAIR, 500n)] },
    { logs: [handOver(OWNER, ZERO)] },
  ]
  const benign: readonly BlockInput[] = [
    setUp(),
    pulled('Medium', WHALE),
    { findings: [minted] },
    { logs: [move(PAIR, person(1)), move(person(2), PAIR)] },
  ]
  for (const { name, run } of botConformance(rugPull, { things, scenario, benign })) test(name, run)
})

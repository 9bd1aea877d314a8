import { type BlockInput, botConformance, createBotHarness, encodeLog } from 'tocsin/testing'
import { encodeFunctionData, parseAbi } from 'viem'
import { describe, expect, test } from 'vitest'
import { erc20Abi } from '../../abis/index.ts'
import { reentrancy } from './bot.ts'

const VAULT = '0x00000000000000000000000000000000000000a1'
const MARKET = '0x00000000000000000000000000000000000000a2'
const TOKEN = '0x00000000000000000000000000000000000000b1'
const THIEF = '0x00000000000000000000000000000000000000f1'
const ROBBER = '0x00000000000000000000000000000000000000f2'
const ORACLE = '0x00000000000000000000000000000000000000c1'

const abi = parseAbi([
  'function withdraw(uint256 amount)',
  'function deposit(uint256 amount)',
  'function pricePerShare() view returns (uint256)',
  'function borrow(uint256 amount)',
  'function unlock(bytes data)',
  'function flashLoan(address receiver, address token, uint256 amount, bytes data)',
  'function onERC721Received(address, address, uint256, bytes) returns (bytes4)',
  'function uniswapV3SwapCallback(int256 a, int256 b, bytes data)',
])
const call = (functionName: 'withdraw' | 'deposit' | 'borrow', amount = 1n) =>
  encodeFunctionData({ abi, functionName, args: [amount] })
const PRICE = encodeFunctionData({ abi, functionName: 'pricePerShare' })
const vault = { kind: 'vault', name: 'vault', address: VAULT, abi } as const
const market = {
  kind: 'lending-market',
  name: 'market',
  address: MARKET,
  abi,
  variant: 'aave-v3',
} as const
const paid = (to: `0x${string}`, value: bigint, from: `0x${string}` = VAULT) =>
  encodeLog({ abi: erc20Abi, eventName: 'Transfer', address: TOKEN, args: { from, to, value } })
const holds = (result: bigint): NonNullable<BlockInput['calls']> => [
  { address: TOKEN, abi: erc20Abi, functionName: 'balanceOf', result },
]
type Tx = NonNullable<BlockInput['txs']>[number]
const again = { from: ROBBER, to: VAULT, input: call('withdraw'), path: [0, 1] } as const
/** A contract of the thief is paid, and comes back in. */
const attack = (over: Partial<Tx> = {}, inner: NonNullable<Tx['calls']>[number] = again): Tx => ({
  from: THIEF,
  to: ROBBER,
  input: '0x12345678',
  logs: [paid(ROBBER, 100n), paid(ROBBER, 100n)],
  calls: [{ from: ROBBER, to: VAULT, input: call('withdraw'), path: [0] }, inner],
  ...over,
})
const play = async (
  tx: Tx,
  options: {
    things?: readonly (typeof vault | typeof market)[]
    parameters?: Record<string, unknown>
    held?: bigint
  } = {},
) => {
  const harness = await createBotHarness(reentrancy, {
    things: options.things ?? [vault],
    parameters: options.parameters ?? {},
  })
  await harness.block({ calls: holds(options.held ?? 1_000n) })
  const found = await harness.block({ txs: [tx] })
  await harness.stop()
  return found
}
const brief = (rows: Awaited<ReturnType<typeof play>>) =>
  rows.map(({ alertId, severity }) => [alertId, severity])

describe('attacks', () => {
  test('behavior: whoever comes back in and takes something is told, by how much', async () => {
    const [finding, ...rest] = await play(attack())
    expect(rest).toEqual([])
    expect(finding).toMatchObject({
      alertId: 'REENTRANCY',
      severity: 'Critical',
      thing: 'vault',
      metadata: { intruder: ROBBER, times: '1', innerPath: '0.1', sender: THIEF },
    })
    expect(finding?.metadata['callPath']).toContain('withdraw()')
    expect(finding?.metadata['loss.1']).toContain('200 units')
    expect(brief(await play(attack(), { held: 4_001n }))).toEqual([['REENTRANCY', 'High']])
    expect(brief(await play(attack(), { held: 4_000n }))).toEqual([['REENTRANCY', 'Critical']])
  })

  test('behavior: the native coin counts, which no log tells of', async () => {
    const harness = await createBotHarness(reentrancy, { things: [vault] })
    await harness.block({ balances: { [VAULT]: 1_000n } })
    const found = await harness.block({ txs: [attack({ logs: [] })], balances: { [VAULT]: 0n } })
    expect(brief(found)).toEqual([['REENTRANCY', 'Critical']])
    await harness.stop()
  })

  test('behavior: coming back in and taking nothing is Medium', async () => {
    expect(brief(await play(attack({ logs: [] })))).toEqual([['REENTRANCY', 'Medium']])
    expect(
      brief(await play(attack({ logs: [paid(ROBBER, 5n), paid(VAULT, 5n, ROBBER)] }))),
    ).toEqual([['REENTRANCY', 'Medium']])
    expect(brief(await play(attack({ logs: [paid(ORACLE, 5n)] })))).toEqual([
      ['REENTRANCY', 'Medium'],
    ])
  })

  test('behavior: a market that acts on the price of the moment', async () => {
    const reading = attack({
      calls: [
        { from: ROBBER, to: VAULT, input: call('withdraw'), path: [0] },
        { from: ROBBER, to: MARKET, input: call('borrow'), path: [0, 0, 0] },
        { from: ORACLE, to: VAULT, input: PRICE, type: 'STATICCALL', path: [0, 0, 0, 1] },
      ],
    })
    expect(await play(reading, { things: [vault, market] })).toMatchObject([
      {
        alertId: 'READ-ONLY-REENTRANCY',
        severity: 'High',
        metadata: { consumer: MARKET, consumerCall: 'borrow()' },
      },
    ])
    expect(await play(reading)).toEqual([])
  })
})

describe('ordinary', () => {
  const into = (input: `0x${string}`, over: object = {}) =>
    ({ from: ROBBER, to: VAULT, input, path: [0, 1], ...over }) as const
  const entered = (input: `0x${string}`) =>
    attack({ calls: [{ from: ROBBER, to: VAULT, input, path: [0] }, again] })

  test('behavior: plain payments, own calls, delegatecalls, hooks, refused attempts and looks are none', async () => {
    const hook = encodeFunctionData({
      abi,
      functionName: 'onERC721Received',
      args: [THIEF, THIEF, 1n, '0x'],
    })
    const swap = encodeFunctionData({
      abi,
      functionName: 'uniswapV3SwapCallback',
      args: [1n, 1n, '0x'],
    })
    for (const inner of [
      into('0x'),
      into(call('withdraw'), { from: VAULT }),
      into(call('withdraw'), { type: 'DELEGATECALL' }),
      into(hook),
      into(swap),
      into(call('withdraw'), { reverted: true }),
      into(PRICE, { type: 'STATICCALL' }),
      into(call('withdraw'), { path: [1] }),
    ])
      expect(await play(attack({}, inner))).toEqual([])
  })

  test('behavior: loans and unlocks are open by design, and what the watchlist says is', async () => {
    const loan = encodeFunctionData({
      abi,
      functionName: 'flashLoan',
      args: [ROBBER, TOKEN, 1n, '0x'],
    })
    const unlock = encodeFunctionData({ abi, functionName: 'unlock', args: ['0x'] })
    expect(await play(entered(loan))).toEqual([])
    expect(await play(entered(unlock))).toEqual([])
    const parameters = { ignoreFunctions: [call('withdraw').slice(0, 10)] }
    expect(await play(attack(), { parameters })).toEqual([])
  })

  test('behavior: who comes back in every day without taking anything belongs to it', async () => {
    const harness = await createBotHarness(reentrancy, { things: [vault] })
    const told: string[] = []
    for (let n = 0; n < 12; n++)
      told.push(
        ...(await harness.block({ afterS: 10_000, txs: [attack({ logs: [] })] })).map(
          ({ severity }) => severity,
        ),
      )
    expect(told).toEqual([...Array.from({ length: 10 }, () => 'Medium'), 'Low', 'Low'])
    await harness.stop()
  })

  test('behavior: traces of touched blocks only, and none where they are switched off', async () => {
    const on = await createBotHarness(reentrancy, { things: [vault] })
    expect(on.needs.traces).toEqual({ mode: 'whenTouched', addresses: [VAULT] })
    await on.stop()
    expect(await play(attack(), { parameters: { traces: 'never' } })).toEqual([])
  })
})

describe('conformance', () => {
  const scenario: readonly BlockInput[] = [
    { calls: holds(1_000n) },
    { txs: [attack()] },
    { txs: [attack({ logs: [] })] },
    {},
    { txs: [attack({ logs: [] })] },
  ]
  const benign: readonly BlockInput[] = [
    {},
    { txs: [{ from: THIEF, to: VAULT, input: call('deposit') }] },
  ]
  for (const { name, run } of botConformance(reentrancy, { things: [vault], scenario, benign }))
    test(name, run)
})

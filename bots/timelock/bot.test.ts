import { type BlockInput, botConformance, createBotHarness, encodeLog } from 'tocsin/testing'
import { type Abi, encodeFunctionData, parseAbi } from 'viem'
import { describe, expect, test } from 'vitest'
import { compoundTimelockAbi, erc20Abi, timelockAbi } from '../../abis/index.ts'
import { timelock } from './bot.ts'

const LOCK = '0x00000000000000000000000000000000000000a1'
const PROXY = '0x00000000000000000000000000000000000000a2'
const TOKEN = '0x00000000000000000000000000000000000000a3'
const MARKET = '0x00000000000000000000000000000000000000a4'
const NEXT = '0x00000000000000000000000000000000000000b1'
const THIEF = '0x00000000000000000000000000000000000000f1'
const DAY = 86_400
const ID = `0x${'11'.repeat(32)}` as const
const OTHER = `0x${'22'.repeat(32)}` as const
const NONE = `0x${'00'.repeat(32)}` as const

const adminAbi = parseAbi([
  'function upgradeToAndCall(address newImplementation, bytes data)',
  'function updateDelay(uint256 newDelay)',
  'function grantRole(bytes32 role, address account)',
  'function _setCollateralFactor(address cToken, uint256 newCollateralFactorMantissa)',
  'function selfdestruct()',
  'function transfer(address to, uint256 amount)',
  'function somethingElse(uint256 x)',
  'function execTransaction(address to, uint256 value, bytes data, uint8 operation, uint256 safeTxGas, uint256 baseGas, uint256 gasPrice, address gasToken, address refundReceiver, bytes signatures)',
])
const ownAbi = parseAbi(['function setStrategyCap(address strategy, uint256 cap)'])
const call = (functionName: string, args: readonly unknown[], abi: Abi = adminAbi) =>
  encodeFunctionData({ abi, functionName, args })
const UPGRADE = call('upgradeToAndCall', [NEXT, '0x'])

const lock = { kind: 'timelock', name: 'lock', address: LOCK } as const
const things = [lock, { kind: 'proxy', name: 'proxy', address: PROXY, abi: ownAbi } as const]
const scheduled = (
  data: `0x${string}`,
  {
    target = PROXY as `0x${string}`,
    delay = 2n * 86_400n,
    id = ID as `0x${string}`,
    index = 0n,
  } = {},
) =>
  encodeLog({
    abi: timelockAbi,
    eventName: 'CallScheduled',
    args: { id, index, target, value: 0n, data, predecessor: NONE, delay },
    address: LOCK,
  })
const executed = (
  data: `0x${string}`,
  { target = PROXY as `0x${string}`, id = ID as `0x${string}`, index = 0n } = {},
) =>
  encodeLog({
    abi: timelockAbi,
    eventName: 'CallExecuted',
    args: { id, index, target, value: 0n, data },
    address: LOCK,
  })
const cancelled = encodeLog({
  abi: timelockAbi,
  eventName: 'Cancelled',
  args: { id: ID },
  address: LOCK,
})
const stamp = (result: bigint) =>
  ({ address: LOCK, abi: timelockAbi, functionName: 'getTimestamp', result }) as const
const setting: BlockInput = {
  code: { [NEXT]: '0x6001', [PROXY]: '0x6002' },
  calls: [
    stamp(0n),
    { address: LOCK, abi: timelockAbi, functionName: 'getMinDelay', result: 172_800n },
    { address: TOKEN, abi: erc20Abi, functionName: 'balanceOf', result: 1_000n },
  ],
}
const begin = async () => {
  const harness = await createBotHarness(timelock, { things })
  await harness.block(setting)
  return harness
}
const brief = (rows: readonly { alertId: string; severity: string; condition: string | null }[]) =>
  rows.map(({ alertId, severity, condition }) => [alertId, severity, condition])

describe('queued', () => {
  test('behavior: a planned upgrade is a notice, due in time, and quiet when it runs', async () => {
    const harness = await begin()
    const [finding, ...rest] = await harness.block({ logs: [scheduled(UPGRADE)] })
    expect(rest).toEqual([])
    expect(finding).toMatchObject({
      alertId: 'OPERATION-QUEUED',
      severity: 'Medium',
      thing: 'lock',
    })
    expect(finding?.metadata).toMatchObject({
      operation: ID,
      delayS: String(2 * DAY),
      kinds: 'upgrade',
      danger: 'Medium',
    })
    expect(finding?.metadata['call.1']).toContain('upgradeToAndCall(newImplementation: 0x')
    expect(finding?.metadata['call.1']).toContain('proxy (0x')
    expect(await harness.block({ afterS: DAY - 1 })).toEqual([])
    expect(brief(await harness.block({ afterS: 1 }))).toEqual([
      ['OPERATION-DUE', 'Medium', 'holds'],
    ])
    expect(await harness.block({ afterS: DAY - 1 })).toEqual([])
    expect(brief(await harness.block({ afterS: 1, logs: [executed(UPGRADE)] }))).toEqual([
      ['OPERATION-EXECUTED', 'Info', null],
      ['OPERATION-DUE', 'Info', 'ended'],
    ])
    await harness.stop()
  })

  test.each([
    [
      'an upgrade to code that is not there',
      call('upgradeToAndCall', [THIEF, '0x']),
      PROXY,
      'High',
    ],
    ['a role for a key', call('grantRole', [NONE, THIEF]), PROXY, 'High'],
    ['a role for a contract', call('grantRole', [NONE, NEXT]), PROXY, 'Medium'],
    ['a role for a thing of the watchlist', call('grantRole', [NONE, PROXY]), PROXY, 'Low'],
    ['a delay cut to nothing', call('updateDelay', [0n]), LOCK, 'High'],
    ['a delay cut by a little', call('updateDelay', [100_000n]), LOCK, 'Medium'],
    ['a longer delay', call('updateDelay', [259_200n]), LOCK, 'Low'],
    ['a fifth of the treasury for a key', call('transfer', [THIEF, 200n]), TOKEN, 'High'],
    ['less than that', call('transfer', [THIEF, 199n]), TOKEN, 'Low'],
    ['a fifth for a contract', call('transfer', [NEXT, 200n]), TOKEN, 'Medium'],
    ['nothing', call('transfer', [THIEF, 0n]), TOKEN, 'Info'],
    ['a collateral factor', call('_setCollateralFactor', [MARKET, 8n * 10n ** 17n]), MARKET, 'Low'],
    ['all of the collateral', call('_setCollateralFactor', [MARKET, 10n ** 18n]), MARKET, 'High'],
    ['an end', call('selfdestruct', []), PROXY, 'High'],
    ['what cannot be read', call('somethingElse', [1n]), MARKET, 'Low'],
    ['broken calldata', '0xa9059cbb00', TOKEN, 'Low'],
    ['a function of the own ABI', call('setStrategyCap', [THIEF, 5n], ownAbi), PROXY, 'Low'],
    [
      'a delegatecall by a Safe',
      call('execTransaction', [THIEF, 0n, '0x', 1, 0n, 0n, 0n, THIEF, THIEF, '0x']),
      MARKET,
      'High',
    ],
    [
      'an inner schedule',
      call('schedule', [LOCK, 0n, call('updateDelay', [0n]), NONE, NONE, 0n], timelockAbi),
      LOCK,
      'High',
    ],
  ] as const)('behavior: %s', async (_, data, target, severity) => {
    const harness = await begin()
    const [finding] = await harness.block({ logs: [scheduled(data, { target })] })
    expect(finding).toMatchObject({ alertId: 'OPERATION-QUEUED', severity })
    await harness.stop()
  })

  test('behavior: an account that lends itself code is still a key', async () => {
    const harness = await begin()
    await harness.block({ code: { [THIEF]: `0xef0100${'ab'.repeat(20)}` } })
    const data = call('grantRole', [NONE, THIEF])
    expect(brief(await harness.block({ logs: [scheduled(data)] }))).toEqual([
      ['OPERATION-QUEUED', 'High', null],
    ])
    await harness.stop()
  })

  test('behavior: a batch is one operation, with each of its calls in the evidence', async () => {
    const harness = await begin()
    const found = await harness.block({
      logs: [scheduled(UPGRADE), scheduled(call('updateDelay', [0n]), { target: LOCK, index: 1n })],
    })
    expect(brief(found)).toEqual([['OPERATION-QUEUED', 'High', null]])
    expect(found[0]?.metadata).toMatchObject({ calls: '2', kinds: 'upgrade, delay' })
    expect(found[0]?.metadata['call.2']).toContain('from 172800 to 0')
    await harness.stop()
  })

  test("behavior: Compound's timelock, with the signature apart", async () => {
    const harness = await begin()
    const compound = (eventName: string, eta: bigint) =>
      encodeLog({
        abi: compoundTimelockAbi,
        eventName,
        args: {
          txHash: ID,
          target: PROXY,
          value: 0n,
          signature: 'setPendingAdmin(address)',
          data: `0x${THIEF.slice(2).padStart(64, '0')}`,
          eta,
        },
        address: LOCK,
      })
    const eta = BigInt(harness.head().timestampS + 2 * DAY)
    const [finding] = await harness.block({ logs: [compound('QueueTransaction', eta)] })
    expect(finding).toMatchObject({ alertId: 'OPERATION-QUEUED', severity: 'High' })
    expect(finding?.metadata['call.1']).toContain('setPendingAdmin(newPendingAdmin: 0x')
    expect(
      brief(await harness.block({ afterS: 60, logs: [compound('ExecuteTransaction', eta)] })),
    ).toEqual([['OPERATION-UNQUEUED', 'Critical', null]])
    await harness.stop()
  })
})

describe('executed', () => {
  test('behavior: never queued is Critical; queued before the watch began is not', async () => {
    const harness = await begin()
    expect(await harness.block({ logs: [executed(UPGRADE)] })).toMatchObject([
      { alertId: 'OPERATION-UNQUEUED', severity: 'Critical', metadata: { breach: 'not-queued' } },
    ])
    await harness.block({ calls: [stamp(1_700_000_000n)] })
    const found = await harness.block({ logs: [executed(UPGRADE, { id: OTHER })] })
    expect(brief(found)).toEqual([['OPERATION-EXECUTED', 'Medium', null]])
    await harness.stop()
  })

  test('behavior: before its delay has passed, or in the block in which it was queued', async () => {
    const harness = await begin()
    await harness.block({ logs: [scheduled(UPGRADE)] })
    expect(await harness.block({ afterS: 60, logs: [executed(UPGRADE)] })).toMatchObject([
      { severity: 'Critical', metadata: { breach: 'early' } },
    ])
    const ordinary = call('transfer', [THIEF, 0n])
    for (const [data, severity] of [
      [UPGRADE, 'High'],
      [ordinary, 'Low'],
    ] as const) {
      const found = await harness.block({
        logs: [scheduled(data, { delay: 0n, id: OTHER }), executed(data, { id: OTHER })],
      })
      expect(found.at(1)).toMatchObject({ severity, metadata: { breach: 'at-once' } })
    }
    await harness.stop()
  })

  test('behavior: cancelled ends what was due; what nobody executes is forgotten', async () => {
    const harness = await begin()
    await harness.block({ logs: [scheduled(UPGRADE)] })
    await harness.block({ afterS: 3 * DAY })
    expect(brief(await harness.block({ logs: [cancelled] }))).toEqual([
      ['OPERATION-CANCELLED', 'Low', null],
      ['OPERATION-DUE', 'Info', 'ended'],
    ])
    await harness.block({ logs: [scheduled(UPGRADE, { id: OTHER })] })
    expect(brief(await harness.block({ afterS: 3 * DAY }))).toEqual([
      ['OPERATION-DUE', 'Medium', 'holds'],
    ])
    expect(brief(await harness.block({ afterS: 14 * DAY }))).toEqual([
      ['OPERATION-DUE', 'Info', 'ended'],
    ])
    await harness.stop()
  })
})

test('behavior: the queue is bounded, and the dangerous stays in it', async () => {
  const harness = await createBotHarness(timelock, { things, parameters: { maxOperations: 8 } })
  await harness.block(setting)
  await harness.block({ logs: [scheduled(UPGRADE)] })
  for (let i = 0; i < 20; i++) {
    const id = `0x${(i + 1_000).toString(16).padStart(64, '0')}` as const
    await harness.block({ logs: [scheduled(call('transfer', [THIEF, 0n]), { id })] })
  }
  expect(brief(await harness.block({ afterS: 2 * DAY }))).toEqual([
    ['OPERATION-DUE', 'Medium', 'holds'],
  ])
  await harness.stop()
})

describe('conformance', () => {
  const cases = botConformance(timelock, {
    things,
    scenario: [
      setting,
      { logs: [scheduled(call('updateDelay', [0n]), { target: LOCK })] },
      { afterS: DAY },
      { logs: [scheduled(UPGRADE, { id: OTHER })] },
      { afterS: DAY },
      { logs: [executed(call('updateDelay', [0n]), { target: LOCK })] },
      {},
      { logs: [executed(UPGRADE, { id: OTHER })] },
    ],
    benign: [setting, {}, { afterS: 30 * DAY }],
  })
  for (const { name, run } of cases) test(name, run)
})

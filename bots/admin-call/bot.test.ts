import { type BlockInput, botConformance, createBotHarness, encodeLog } from 'tocsin/testing'
import {
  type Abi,
  encodeFunctionData,
  encodePacked,
  keccak256,
  parseAbi,
  toFunctionSelector,
  toHex,
} from 'viem'
import { describe, expect, test } from 'vitest'
import {
  ADMIN_SLOT,
  accessControlAbi,
  BEACON_SLOT,
  DEFAULT_ADMIN_ROLE,
  erc1967Abi,
  governorAbi,
  IMPLEMENTATION_SLOT,
  ownableAbi,
  pausableAbi,
  safeAbi,
  timelockAbi,
} from '../../abis/index.ts'
import { adminCall } from './bot.ts'
import { EVENT_ITEMS, EVENT_RULES } from './events.ts'
import { unwrapInput } from './unwrapCalls.ts'

const VAULT = '0x00000000000000000000000000000000000000a1'
const SAFE = '0x00000000000000000000000000000000000000a2'
const TIMELOCK = '0x00000000000000000000000000000000000000a3'
const IMPL_A = '0x00000000000000000000000000000000000000c1'
const IMPL_B = '0x00000000000000000000000000000000000000c2'
const OWNER = '0x00000000000000000000000000000000000000b1'
const THIEF = '0x00000000000000000000000000000000000000f1'
const DRAINER = '0x00000000000000000000000000000000000000f2'
const CALL_ONLY = '0x40a2accbd92bca938b02010e17a5b8929b49130d'
const MANAGER_ROLE = keccak256(toHex('MANAGER_ROLE'))

const abi = parseAbi([
  'function initializeV2(address manager)',
  'function setFeeRecipient(address recipient)',
  'function totalAssets() view returns (uint256)',
  'event FeeSet(uint256 indexed feeBps, address by)',
])
const vault = {
  kind: 'vault',
  name: 'vault',
  address: VAULT,
  proxy: true,
  abi,
  adminFunctions: ['setFeeRecipient(address)'],
} as const
const safe = { kind: 'multisig', name: 'safe', address: SAFE } as const
type Things = Parameters<typeof createBotHarness>[1]['things']

const word = (address: string): `0x${string}` => `0x${address.slice(2).padStart(64, '0')}`
const code = { [VAULT]: '0x01', [SAFE]: '0x01', [OWNER]: '0x01', [TIMELOCK]: '0x01' } as const
const log = (
  contract: Abi,
  eventName: string,
  args: Record<string, unknown>,
  address: `0x${string}` = VAULT,
) => encodeLog({ abi: contract, eventName, args, address })
const input = (contract: Abi, functionName: string, args: readonly unknown[] = []) =>
  encodeFunctionData({ abi: contract, functionName, args })
const start = async (things: Things = [vault], parameters: Record<string, unknown> = {}) => {
  const harness = await createBotHarness(adminCall, { things, parameters })
  await harness.block({
    code,
    storage: [
      { address: VAULT, slot: IMPLEMENTATION_SLOT, value: word(IMPL_A) },
      { address: SAFE, slot: `0x${'0'.repeat(64)}`, value: word(IMPL_A) },
    ],
  })
  return harness
}
const once = async (block: BlockInput, things?: Things, parameters?: Record<string, unknown>) => {
  const harness = await start(things, parameters)
  const found = await harness.block(block)
  await harness.stop()
  return found
}
const brief = (rows: readonly { alertId: string; severity: string }[]) =>
  rows.map(({ alertId, severity }) => [alertId, severity])
const grant = (role: string, account: string, sender = OWNER) =>
  log(accessControlAbi, 'RoleGranted', { role, account, sender })

describe('events', () => {
  test('behavior: one finding for the call and the event that it made', async () => {
    const [finding, ...rest] = await once({
      txs: [
        {
          from: THIEF,
          to: VAULT,
          input: input(accessControlAbi, 'grantRole', [MANAGER_ROLE, THIEF]),
          logs: [grant(MANAGER_ROLE, THIEF, THIEF)],
        },
      ],
    })
    expect(rest).toEqual([])
    expect(finding).toMatchObject({ alertId: 'ROLE-CHANGED', severity: 'High', thing: 'vault' })
    expect(finding?.metadata).toMatchObject({
      caller: THIEF,
      sender: THIEF,
      entry: VAULT,
      function: 'grantRole(bytes32,address)',
    })
    expect(finding?.description).toContain('was granted MANAGER_ROLE by')
    expect(finding?.addresses).toContain(THIEF)
  })

  test('behavior: the default admin role, a minor role, and taking them away', async () => {
    const revoke = (role: string) =>
      log(accessControlAbi, 'RoleRevoked', { role, account: OWNER, sender: THIEF })
    expect(
      brief(
        await once({
          logs: [
            grant(DEFAULT_ADMIN_ROLE, THIEF),
            grant(MANAGER_ROLE, THIEF),
            revoke(DEFAULT_ADMIN_ROLE),
            revoke(MANAGER_ROLE),
          ],
        }),
      ),
    ).toEqual([
      ['ROLE-CHANGED', 'Critical'],
      ['ROLE-CHANGED', 'High'],
      ['ROLE-CHANGED', 'High'],
      ['ROLE-CHANGED', 'Medium'],
    ])
  })

  test('behavior: a new owner without code is Critical, one with code is High', async () => {
    const transfer = (newOwner: string) => ({
      logs: [log(ownableAbi, 'OwnershipTransferred', { previousOwner: OWNER, newOwner })],
    })
    expect(brief(await once(transfer(THIEF)))).toEqual([['OWNER-CHANGED', 'Critical']])
    expect(brief(await once(transfer(OWNER)))).toEqual([['OWNER-CHANGED', 'High']])
  })

  test('behavior: pause is Low, unpause is High', async () => {
    expect(
      brief(
        await once({
          logs: [
            log(pausableAbi, 'Paused', { account: OWNER }),
            log(pausableAbi, 'Unpaused', { account: OWNER }),
          ],
        }),
      ),
    ).toEqual([
      ['PAUSE-CHANGED', 'Medium'],
      ['PAUSE-CHANGED', 'Medium'],
    ])
  })

  test('behavior: allowed callers and deployments are Info; strangers and later blocks are not', async () => {
    const block = { logs: [grant(DEFAULT_ADMIN_ROLE, THIEF, OWNER)] }
    expect(brief(await once(block, [vault], { allowedCallers: [OWNER] }))).toEqual([
      ['ROLE-CHANGED', 'Info'],
    ])
    expect(brief(await once(block, [vault], { allowedCallers: [SAFE] }))).toEqual([
      ['ROLE-CHANGED', 'Critical'],
    ])
    const young = { ...vault, deployBlock: 1, bots: { 'admin-call': { graceBlocks: 10 } } }
    const harness = await createBotHarness(adminCall, { things: [young], startNumber: 2 })
    const severities: string[] = []
    for (let i = 0; i < 12; i++)
      severities.push(...(await harness.block({ code, ...block })).map(({ severity }) => severity))
    expect(new Set(severities.slice(0, 9))).toEqual(new Set(['Info']))
    expect(severities.at(-1)).toBe('Critical')
    await harness.stop()
    const deployed = await once({
      txs: [{ from: OWNER, to: null, contractAddress: VAULT, logs: block.logs }],
    })
    expect(brief(deployed)).toEqual([['ROLE-CHANGED', 'Info']])
  })

  test('behavior: a shorter delay is Critical, a longer one is not', async () => {
    const timelock = { kind: 'timelock', name: 'timelock', address: TIMELOCK } as const
    const change = (oldDuration: bigint, newDuration: bigint) => ({
      logs: [log(timelockAbi, 'MinDelayChange', { oldDuration, newDuration }, TIMELOCK)],
    })
    expect(brief(await once(change(60n, 59n), [timelock]))).toEqual([
      ['GOVERNANCE-CHANGED', 'Critical'],
    ])
    expect(brief(await once(change(60n, 61n), [timelock]))).toEqual([
      ['GOVERNANCE-CHANGED', 'Medium'],
    ])
  })

  test('behavior: another contract with the same event is nobody of ours', async () => {
    expect(
      await once({
        logs: [
          log(
            ownableAbi,
            'OwnershipTransferred',
            { previousOwner: OWNER, newOwner: THIEF },
            DRAINER,
          ),
        ],
      }),
    ).toEqual([])
  })

  test('behavior: a topic with arguments that do not fit is told all the same', async () => {
    const { topics } = log(ownableAbi, 'OwnershipTransferred', {
      previousOwner: OWNER,
      newOwner: THIEF,
    })
    expect(
      await once({ logs: [{ address: VAULT, topics: topics.slice(0, 1), data: '0x1234' }] }),
    ).toMatchObject([{ alertId: 'OWNER-CHANGED', severity: 'High', metadata: { decoded: 'no' } }])
  })

  test('behavior: an event that the watchlist asks for, with its arguments', async () => {
    const asked = { ...vault, bots: { 'admin-call': { events: ['FeeSet'] } } }
    const [finding] = await once({ logs: [log(abi, 'FeeSet', { feeBps: 9_000n, by: THIEF })] }, [
      asked,
    ])
    expect(finding).toMatchObject({
      alertId: 'ADMIN-EVENT',
      severity: 'High',
      metadata: { 'arg.feeBps': '9000' },
    })
    expect(await once({ logs: [log(abi, 'FeeSet', { feeBps: 9_000n, by: THIEF })] })).toEqual([])
  })

  test('behavior: every known event has a rule, and every rule an event', () => {
    const names = new Set(EVENT_ITEMS.map((item) => (item.type === 'event' ? item.name : '')))
    expect([...names].sort()).toEqual(Object.keys(EVENT_RULES).sort())
  })
})

describe('calls', () => {
  const setFee = input(abi, 'setFeeRecipient', [THIEF])

  test('behavior: a silent function by a top-level call, with its arguments', async () => {
    const [finding, ...rest] = await once({ txs: [{ from: THIEF, to: VAULT, input: setFee }] })
    expect(rest).toEqual([])
    expect(finding).toMatchObject({ alertId: 'ADMIN-CALL', severity: 'High' })
    expect(finding?.metadata).toMatchObject({
      caller: THIEF,
      function: 'setFeeRecipient(address)',
      seenIn: 'transaction',
    })
    expect(finding?.metadata['call']).toContain('recipient: 0x')
    expect(
      await once({ txs: [{ from: THIEF, to: VAULT, input: toFunctionSelector('totalAssets()') }] }),
    ).toEqual([])
  })

  test('behavior: two calls within one transaction: the initialiser takes its events, the silent one stands alone', async () => {
    const initialise = input(abi, 'initializeV2', [DRAINER])
    const block: BlockInput = {
      txs: [
        {
          from: THIEF,
          to: DRAINER,
          input: '0x12345678',
          calls: [
            { from: DRAINER, to: VAULT, input: initialise },
            { from: DRAINER, to: VAULT, input: setFee },
          ],
          logs: [
            grant(MANAGER_ROLE, DRAINER, DRAINER),
            log(erc1967Abi, 'Initialized', { version: 2n }),
          ],
        },
      ],
    }
    const traced = await once(block, [
      { ...vault, bots: { 'admin-call': { traces: 'whenTouched' } } },
    ])
    expect(brief(traced).sort()).toEqual([
      ['ADMIN-CALL', 'High'],
      ['REINITIALISED', 'Critical'],
      ['ROLE-CHANGED', 'High'],
    ])
    expect(traced.find(({ alertId }) => alertId === 'ADMIN-CALL')?.metadata).toMatchObject({
      seenIn: 'trace',
      caller: DRAINER,
      sender: THIEF,
    })
    expect(traced.find(({ alertId }) => alertId === 'REINITIALISED')?.metadata).toMatchObject({
      function: 'initializeV2(address)',
    })
    // Without traces the events are all there is.
    expect(brief(await once(block)).sort()).toEqual([
      ['REINITIALISED', 'Critical'],
      ['ROLE-CHANGED', 'High'],
    ])
  })

  test('behavior: what an implementation does for others and what is merely read does not count', async () => {
    const calls = (['DELEGATECALL', 'STATICCALL'] as const).map(
      (type) => ({ from: DRAINER, to: VAULT, input: setFee, type }) as const,
    )
    const traced = [{ ...vault, bots: { 'admin-call': { traces: 'always' } } }]
    expect(
      await once({ txs: [{ from: THIEF, to: DRAINER, input: '0x01020304', calls }] }, traced),
    ).toEqual([])
    const own = [{ from: VAULT, to: VAULT, input: setFee, type: 'DELEGATECALL' }] as const
    expect(
      brief(
        await once({ txs: [{ from: THIEF, to: VAULT, input: '0xac9650d8', calls: own }] }, traced),
      ),
    ).toEqual([['ADMIN-CALL', 'High']])
  })

  test('behavior: refused calls are Low, one finding per sender and function, none for those who may', async () => {
    const tx = { from: THIEF, to: VAULT, input: setFee, status: 'reverted' } as const
    expect(
      await once({ txs: [tx, tx, { ...tx, from: OWNER }] }, [vault], { allowedCallers: [OWNER] }),
    ).toMatchObject([
      { alertId: 'ADMIN-CALL-FAILED', severity: 'Low', metadata: { times: '2', caller: THIEF } },
    ])
  })

  test('behavior: what a Safe carries counts as its call, unless it failed inside', async () => {
    const exec = (to: string, data: `0x${string}`, operation: number) =>
      input(safeAbi, 'execTransaction', [to, 0n, data, operation, 0n, 0n, 0n, OWNER, OWNER, '0x'])
    const things = [vault, safe]
    expect(
      await once({ txs: [{ from: OWNER, to: SAFE, input: exec(VAULT, setFee, 0) }] }, things),
    ).toMatchObject([{ alertId: 'ADMIN-CALL', metadata: { caller: SAFE, seenIn: 'calldata' } }])
    const failed = encodeLog({
      abi: safeAbi,
      eventName: 'ExecutionFailure',
      args: { txHash: MANAGER_ROLE, payment: 0n },
      address: SAFE,
    })
    expect(
      await once(
        { txs: [{ from: OWNER, to: SAFE, input: exec(VAULT, setFee, 0), logs: [failed] }] },
        things,
      ),
    ).toEqual([])
    const batch = encodePacked(
      ['uint8', 'address', 'uint256', 'uint256', 'bytes'],
      [0, VAULT, 0n, BigInt(setFee.length / 2 - 1), setFee],
    )
    const multi = input(parseAbi(['function multiSend(bytes transactions)']), 'multiSend', [batch])
    expect(
      await once({ txs: [{ from: OWNER, to: SAFE, input: exec(CALL_ONLY, multi, 1) }] }, things),
    ).toMatchObject([{ alertId: 'ADMIN-CALL', metadata: { caller: SAFE } }])
    expect(
      await once(
        { txs: [{ from: OWNER, to: SAFE, input: exec(DRAINER, '0x12345678', 1) }] },
        things,
      ),
    ).toMatchObject([
      { alertId: 'MULTISIG-DELEGATECALL', severity: 'High', metadata: { target: DRAINER } },
    ])
    expect(
      await once(
        { txs: [{ from: OWNER, to: SAFE, input: exec(DRAINER, '0x12345678', 0) }] },
        things,
      ),
    ).toEqual([])
  })

  test('behavior: what a timelock carries counts as its call', async () => {
    const timelock = { kind: 'timelock', name: 'timelock', address: TIMELOCK } as const
    const execute = input(timelockAbi, 'execute', [
      VAULT,
      0n,
      setFee,
      DEFAULT_ADMIN_ROLE,
      DEFAULT_ADMIN_ROLE,
    ])
    expect(
      await once({ txs: [{ from: THIEF, to: TIMELOCK, input: execute }] }, [vault, timelock]),
    ).toMatchObject([{ alertId: 'ADMIN-CALL', metadata: { caller: TIMELOCK } }])
  })

  test('behavior: broken and boundless wrappers are taken apart without harm', () => {
    expect(unwrapInput('multisig', '0x6a761202ffff')).toEqual([])
    const huge = encodePacked(
      ['uint8', 'address', 'uint256', 'uint256'],
      [0, VAULT, 0n, 2n ** 255n],
    )
    const multi = input(parseAbi(['function multiSend(bytes transactions)']), 'multiSend', [huge])
    const exec = input(safeAbi, 'execTransaction', [
      CALL_ONLY,
      0n,
      multi,
      1,
      0n,
      0n,
      0n,
      OWNER,
      OWNER,
      '0x',
    ])
    expect(unwrapInput('multisig', exec)).toHaveLength(1)
  })

  test('behavior: minting by hand is Low, and can be switched off', async () => {
    const token = { kind: 'token', name: 'usd', address: VAULT } as const
    const block = {
      txs: [
        {
          from: THIEF,
          to: VAULT,
          input: input(parseAbi(['function mint(address, uint256)']), 'mint', [THIEF, 1n]),
        },
      ],
    } as const
    expect(brief(await once(block, [token]))).toEqual([['ADMIN-CALL', 'Low']])
    expect(await once(block, [token], { ignoreFunctions: ['mint'] })).toEqual([])
  })
})

describe('slots', () => {
  const slot = (value: string, at: `0x${string}` = IMPLEMENTATION_SLOT) =>
    ({ storage: [{ address: VAULT, slot: at, value: word(value) }] }) as const
  const upgraded = (implementation: string) => log(erc1967Abi, 'Upgraded', { implementation })

  test('behavior: an upgrade that event and slot agree on is one finding', async () => {
    expect(await once({ ...slot(IMPL_B), logs: [upgraded(IMPL_B)] })).toMatchObject([
      { alertId: 'PROXY-CHANGED', severity: 'Critical', metadata: { confirmedBySlot: 'yes' } },
    ])
  })

  test('behavior: a slot that changes without an event is Critical; one that stays is silent', async () => {
    const harness = await start()
    expect(await harness.block()).toEqual([])
    expect(await harness.block(slot(IMPL_B))).toMatchObject([
      {
        alertId: 'ADMIN-SLOT-CHANGED',
        severity: 'Critical',
        metadata: { slotName: 'implementation', before: word(IMPL_A), after: word(IMPL_B) },
      },
    ])
    expect(await harness.block()).toEqual([])
    expect(brief(await harness.block(slot(THIEF, ADMIN_SLOT)))).toEqual([
      ['ADMIN-SLOT-CHANGED', 'Critical'],
    ])
    await harness.stop()
  })

  test('behavior: an event that the slot gives the lie is Critical, whoever sent it', async () => {
    expect(
      await once({ logs: [{ ...upgraded(IMPL_B) }] }, [vault], {
        allowedImplementations: [IMPL_B],
        allowedCallers: [VAULT],
      }),
    ).toMatchObject([
      { alertId: 'PROXY-CHANGED', severity: 'Critical', metadata: { confirmedBySlot: 'no' } },
    ])
  })

  test('behavior: an expected implementation is Info', async () => {
    expect(
      brief(
        await once({ ...slot(IMPL_B), logs: [upgraded(IMPL_B)] }, [vault], {
          allowedImplementations: [IMPL_B],
        }),
      ),
    ).toEqual([['PROXY-CHANGED', 'Info']])
  })

  test('behavior: a deployment in the first block is the beginning, not a change', async () => {
    const harness = await createBotHarness(adminCall, { things: [vault] })
    expect(await harness.block({ code, ...slot(IMPL_A) })).toEqual([])
    expect(brief(await harness.block(slot(IMPL_B)))).toEqual([['ADMIN-SLOT-CHANGED', 'Critical']])
    await harness.stop()
  })

  test('behavior: a slot of the watchlist, joined with the call that changed it when one is seen', async () => {
    const fee: `0x${string}` = `0x${'0'.repeat(63)}7`
    const watched = [{ ...vault, bots: { 'admin-call': { watchSlots: { 'fee recipient': fee } } } }]
    expect(await once(slot(THIEF, fee), watched)).toMatchObject([
      { alertId: 'ADMIN-SLOT-CHANGED', severity: 'High', metadata: { slotName: 'fee recipient' } },
    ])
    const [finding, ...rest] = await once(
      {
        ...slot(THIEF, fee),
        txs: [{ from: THIEF, to: VAULT, input: input(abi, 'setFeeRecipient', [THIEF]) }],
      },
      watched,
    )
    expect(rest).toEqual([])
    expect(finding).toMatchObject({ alertId: 'ADMIN-CALL' })
    expect(finding?.metadata['slots']).toContain('fee recipient')
  })

  test("behavior: a Safe whose singleton changes is told, also by a delegatecall's silence", async () => {
    expect(
      brief(
        await once(
          { storage: [{ address: SAFE, slot: `0x${'0'.repeat(64)}`, value: word(THIEF) }] },
          [safe],
        ),
      ),
    ).toEqual([['ADMIN-SLOT-CHANGED', 'Critical']])
  })
})

describe('announced', () => {
  const lock = { kind: 'timelock', name: 'lock', address: TIMELOCK } as const
  const governor = { kind: 'governor', name: 'votes', address: OWNER } as const
  const ID = `0x${'1d'.repeat(32)}` as const
  const ZERO_WORD = `0x${'0'.repeat(64)}`
  const upgrade = (to: string) => input(erc1967Abi, 'upgradeToAndCall', [to, '0x'])
  const scheduled = (data: `0x${string}`, delay = 3_600n) =>
    log(
      timelockAbi,
      'CallScheduled',
      { id: ID, index: 0n, target: VAULT, value: 0n, data, predecessor: ZERO_WORD, delay },
      TIMELOCK,
    )
  const executed = (data: `0x${string}`) =>
    log(
      timelockAbi,
      'CallExecuted',
      { id: ID, index: 0n, target: VAULT, value: 0n, data },
      TIMELOCK,
    )
  const slot = (value: string) =>
    ({ storage: [{ address: VAULT, slot: IMPLEMENTATION_SLOT, value: word(value) }] }) as const
  const upgraded = (implementation: string) => log(erc1967Abi, 'Upgraded', { implementation })
  const execution = (carried: string, installed = carried): BlockInput => ({
    ...slot(installed),
    txs: [{ from: OWNER, to: TIMELOCK, logs: [upgraded(installed), executed(upgrade(carried))] }],
  })
  const play = async (waitS: number, block: BlockInput, things: Things = [vault, lock]) => {
    const harness = await start(things)
    expect(await harness.block({ logs: [scheduled(upgrade(IMPL_B))] })).toEqual([])
    const found = await harness.block({ ...block, timestampS: harness.head().timestampS + waitS })
    await harness.stop()
    return found
  }

  test('behavior: what stood in the queue and ran after its delay names the operation and pages nobody', async () => {
    const [finding, ...rest] = await play(3_600, execution(IMPL_B))
    expect(rest).toEqual([])
    expect(finding).toMatchObject({
      alertId: 'PROXY-CHANGED',
      severity: 'Medium',
      metadata: { announcedBy: 'lock', operation: ID, waitedS: '3600', queuedInSight: 'yes' },
    })
    expect(finding?.description).toContain('Announced: lock had it in its queue for 3600 s')
  })

  test('behavior: before its delay, at once, with another implementation, or without a queue it stays Critical', async () => {
    const critical = [['PROXY-CHANGED', 'Critical']]
    expect(brief(await play(3_599, execution(IMPL_B)))).toEqual(critical)
    expect(brief(await play(3_600, execution(IMPL_B, DRAINER)))).toEqual(critical)
    expect(
      brief(await play(3_600, { ...execution(IMPL_B), txs: [], logs: [upgraded(IMPL_B)] })),
    ).toEqual(critical)
    const atOnce = [scheduled(upgrade(IMPL_B), 0n), upgraded(IMPL_B), executed(upgrade(IMPL_B))]
    expect(brief(await once({ ...slot(IMPL_B), logs: atOnce }, [vault, lock]))).toEqual(critical)
    expect(brief(await once(execution(IMPL_B), [vault, lock]))).toEqual(critical)
    expect(brief(await play(3_600, execution(IMPL_B), [vault]))).toEqual(critical)
  })

  test('behavior: a log that the slot gives the lie is not calmed by a queue', async () => {
    expect(await play(3_600, { ...execution(IMPL_B), storage: [] })).toMatchObject([
      { alertId: 'PROXY-CHANGED', severity: 'Critical', metadata: { confirmedBySlot: 'no' } },
    ])
  })

  test('behavior: a slot without an event, changed by what was announced, is Medium', async () => {
    const block = { ...slot(IMPL_B), logs: [executed(upgrade(IMPL_B))] }
    expect(await play(3_600, block)).toMatchObject([
      { alertId: 'ADMIN-SLOT-CHANGED', severity: 'Medium', metadata: { announcedBy: 'lock' } },
    ])
  })

  test('behavior: what was queued before the watch began is asked of the timelock', async () => {
    const harness = await start([vault, lock])
    const { timestampS } = harness.head()
    const queued = parseAbi([
      'function getTimestamp(bytes32 id) view returns (uint256)',
      'function getMinDelay() view returns (uint256)',
    ])
    await harness.block({
      calls: [
        {
          address: TIMELOCK,
          abi: queued,
          functionName: 'getTimestamp',
          args: [ID],
          result: BigInt(timestampS),
        },
        { address: TIMELOCK, abi: queued, functionName: 'getMinDelay', result: 3_600n },
      ],
    })
    expect(await harness.block(execution(IMPL_B))).toMatchObject([
      { alertId: 'PROXY-CHANGED', severity: 'Medium', metadata: { queuedInSight: 'no' } },
    ])
    await harness.stop()
  })

  test("behavior: a governor's proposal counts as well, by the calls it was made with", async () => {
    const created = log(
      governorAbi,
      'ProposalCreated',
      {
        proposalId: 7n,
        proposer: OWNER,
        targets: [VAULT],
        values: [0n],
        signatures: [''],
        calldatas: [upgrade(IMPL_B)],
        voteStart: 1n,
        voteEnd: 2n,
        description: 'new implementation',
      },
      OWNER,
    )
    const done = log(governorAbi, 'ProposalExecuted', { proposalId: 7n }, OWNER)
    const harness = await start([vault, governor])
    await harness.block({ logs: [created] })
    const found = await harness.block({
      ...slot(IMPL_B),
      timestampS: harness.head().timestampS + 86_400,
      logs: [upgraded(IMPL_B), done],
    })
    expect(found).toMatchObject([
      {
        alertId: 'PROXY-CHANGED',
        severity: 'Medium',
        metadata: { announcedBy: 'votes', operation: '7' },
      },
    ])
    await harness.stop()
  })

  test('behavior: a shorter delay is Critical although it came through the queue', async () => {
    const cut = input(timelockAbi, 'updateDelay', [0n])
    const of = { id: ID, index: 0n, target: TIMELOCK, value: 0n, data: cut }
    const harness = await start([vault, lock])
    await harness.block({
      logs: [
        log(timelockAbi, 'CallScheduled', { ...of, predecessor: ZERO_WORD, delay: 600n }, TIMELOCK),
      ],
    })
    const found = await harness.block({
      timestampS: harness.head().timestampS + 600,
      logs: [
        log(timelockAbi, 'MinDelayChange', { oldDuration: 600n, newDuration: 0n }, TIMELOCK),
        log(timelockAbi, 'CallExecuted', of, TIMELOCK),
      ],
    })
    expect(brief(found)).toEqual([['GOVERNANCE-CHANGED', 'Critical']])
    await harness.stop()
  })

  test('behavior: of very many queued operations 64 are kept', async () => {
    const harness = await start([vault, lock])
    for (let n = 0; n < 3; n++)
      await harness.block({
        logs: Array.from({ length: 40 }, (_, index) => ({
          ...scheduled(upgrade(IMPL_B)),
          topics: [
            scheduled('0x').topics[0] ?? '0x',
            toHex(n * 40 + index, { size: 32 }),
            word(TIMELOCK),
          ],
        })),
      })
    const { state } = (await harness.memory()) as {
      state: readonly { key: string; value: unknown }[]
    }
    const held = new Map(state.map(({ key, value }) => [key, value]))
    const kept = [...held].filter(
      ([key, value]) => key.startsWith('queued:') && value !== undefined,
    )
    expect(kept).toHaveLength(64)
    await harness.stop()
  })
})

describe('beacons and diamonds', () => {
  const BEACON = '0x00000000000000000000000000000000000000be'
  const atBeacon = log(erc1967Abi, 'Upgraded', { implementation: IMPL_B }, BEACON)
  const says = (implementation: string) =>
    [
      { address: BEACON, abi: erc1967Abi, functionName: 'implementation', result: implementation },
    ] as const
  const follow = async (block: BlockInput) => {
    const harness = await start()
    await harness.block({ storage: [{ address: VAULT, slot: BEACON_SLOT, value: word(BEACON) }] })
    const found = await harness.block(block)
    await harness.stop()
    return found
  }

  test('behavior: the beacon that a proxy follows installs other code', async () => {
    const [finding, ...rest] = await follow({ logs: [atBeacon], calls: says(IMPL_B) })
    expect(rest).toEqual([])
    expect(finding).toMatchObject({
      alertId: 'PROXY-CHANGED',
      severity: 'Critical',
      thing: 'vault',
    })
    expect(finding?.description).toContain('now points to the implementation')
    expect(await follow({ logs: [atBeacon], calls: says(IMPL_A) })).toMatchObject([
      { metadata: { confirmedBySlot: 'no' } },
    ])
  })

  test('behavior: beacons of others are of no concern', async () => {
    expect(await follow({ logs: [{ ...atBeacon, address: DRAINER }] })).toEqual([])
  })

  test('behavior: a cut names its facets', async () => {
    const cutAbi = parseAbi([
      'event DiamondCut((address facetAddress, uint8 action, bytes4[] functionSelectors)[] diamondCut, address init, bytes data)',
    ])
    const cut = log(cutAbi, 'DiamondCut', {
      diamondCut: [{ facetAddress: DRAINER, action: 1, functionSelectors: ['0x12345678'] }],
      init: THIEF,
      data: '0x',
    })
    const [finding] = await once({ logs: [cut] })
    expect(finding).toMatchObject({ alertId: 'PROXY-CHANGED', severity: 'Critical' })
    expect(finding?.description).toContain('replaces 1 functions')
    expect(finding?.description).toContain('ran as its own code')
  })
})

describe('needs', () => {
  test('error: names that the ABI does not have, and signatures that are none', async () => {
    await expect(
      start([{ ...vault, adminFunctions: ['setFeeReceiver(address)'] }]),
    ).rejects.toMatchObject({ code: 'bot.abi_mismatch' })
    await expect(
      start([{ ...vault, bots: { 'admin-call': { events: ['FeeWasSet'] } } }]),
    ).rejects.toMatchObject({ code: 'bot.abi_mismatch' })
    await expect(
      start([{ ...safe, bots: { 'admin-call': { events: ['FeeSet'] } } }]),
    ).rejects.toMatchObject({ code: 'bot.bad_signature' })
    const { abi: _, ...bare } = vault
    await expect(start([{ ...bare, adminFunctions: ['setFee(uint7777)'] }])).rejects.toMatchObject({
      code: 'bot.bad_signature',
    })
  })

  test('behavior: traces only where they are asked for, slots only of proxies and Safes', async () => {
    const plain = await start([{ ...vault, proxy: false }])
    expect([plain.needs.traces, plain.needs.reads, plain.needs.everyBlock]).toEqual([
      undefined,
      [],
      false,
    ])
    await plain.stop()
    const traced = await start([
      { ...vault, bots: { 'admin-call': { traces: 'whenTouched' } } },
      safe,
    ])
    expect(traced.needs.traces).toEqual({ mode: 'whenTouched', addresses: [VAULT] })
    expect(traced.needs.reads).toHaveLength(4)
    await traced.stop()
  })
})

describe('conformance', () => {
  const scenario: readonly BlockInput[] = [
    { code, storage: [{ address: VAULT, slot: IMPLEMENTATION_SLOT, value: word(IMPL_A) }] },
    { logs: [grant(DEFAULT_ADMIN_ROLE, THIEF), log(erc1967Abi, 'Initialized', { version: 2n })] },
    { storage: [{ address: VAULT, slot: IMPLEMENTATION_SLOT, value: word(IMPL_B) }] },
    {},
    {
      txs: [
        { from: THIEF, to: VAULT, input: input(abi, 'setFeeRecipient', [THIEF]) },
        {
          from: THIEF,
          to: VAULT,
          input: input(abi, 'setFeeRecipient', [THIEF]),
          status: 'reverted',
        },
      ],
    },
  ]
  const benign: readonly BlockInput[] = [
    { code, storage: [{ address: VAULT, slot: IMPLEMENTATION_SLOT, value: word(IMPL_A) }] },
    { txs: [{ from: OWNER, to: VAULT, input: toFunctionSelector('totalAssets()') }] },
  ]
  for (const { name, run } of botConformance(adminCall, {
    things: [vault, safe],
    scenario,
    benign,
  }))
    test(name, run)
})

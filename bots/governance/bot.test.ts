import {
  type BlockInput,
  botConformance,
  createBotHarness,
  encodeLog,
  type LogInput,
  REVERTS,
} from 'tocsin/testing'
import { type Abi, encodeFunctionData, parseAbi } from 'viem'
import { describe, expect, test } from 'vitest'
import {
  codeGovernorAbi,
  erc20Abi,
  governorAbi,
  timelockAbi,
  votesEventsAbi,
} from '../../abis/index.ts'
import { governance } from './bot.ts'

const GOV = '0x00000000000000000000000000000000000000a1'
const LOCK = '0x00000000000000000000000000000000000000a2'
const TOKEN = '0x00000000000000000000000000000000000000a3'
const VAULT = '0x00000000000000000000000000000000000000a4'
const NEXT = '0x00000000000000000000000000000000000000b1'
const ALICE = '0x00000000000000000000000000000000000000c1'
const WHALE = '0x00000000000000000000000000000000000000c2'
const THIEF = '0x00000000000000000000000000000000000000f1'
const ROLE = `0x${'00'.repeat(32)}` as const

const adminAbi = parseAbi([
  'function upgradeToAndCall(address newImplementation, bytes data)',
  'function grantRole(bytes32 role, address account)',
  'function setFee(uint256 newFee)',
])
const readAbi = parseAbi([
  'function token() view returns (address)',
  'function getVotes(address) view returns (uint256)',
  'function getPastVotes(address, uint256) view returns (uint256)',
  'function getPastTotalSupply(uint256) view returns (uint256)',
])
const call = (functionName: string, args: readonly unknown[], abi: Abi = adminAbi) =>
  encodeFunctionData({ abi, functionName, args })
const UPGRADE = call('upgradeToAndCall', [NEXT, '0x'])
const GRANT = call('grantRole', [ROLE, THIEF])
const FEE = call('setFee', [5n])

const things = [
  { kind: 'governor', name: 'gov', address: GOV },
  { kind: 'vault', name: 'vault', address: VAULT },
] as const
const event = (eventName: string, args: Record<string, unknown>): LogInput =>
  encodeLog({ abi: governorAbi, eventName, args, address: GOV })
const created = (data: `0x${string}`, facts: Record<string, unknown> = {}) =>
  event('ProposalCreated', {
    proposalId: 7n,
    proposer: ALICE,
    targets: [VAULT],
    values: [0n],
    signatures: [''],
    calldatas: [data],
    voteStart: 103n,
    voteEnd: 203n,
    description: 'A \u202Echange',
    ...facts,
  })
const vote = (voter: string, weight: bigint, support = 1) =>
  event('VoteCast', { voter, proposalId: 7n, support, weight, reason: '' })
const executed = event('ProposalExecuted', { proposalId: 7n })
const cancelled = event('ProposalCanceled', { proposalId: 7n })
const past = (result: bigint | typeof REVERTS, account?: string) =>
  ({
    address: TOKEN,
    abi: readAbi,
    functionName: 'getPastVotes',
    ...(account ? { args: [account, 93n] } : {}),
    result,
  }) as const
/** Everybody has held 1,000 votes for long; 400 make a quorum. */
const setting: BlockInput = {
  code: { [NEXT]: '0x6001', [VAULT]: '0x6002' },
  calls: [
    { address: GOV, abi: readAbi, functionName: 'token', result: TOKEN },
    { address: GOV, abi: governorAbi, functionName: 'timelock', result: LOCK },
    { address: GOV, abi: governorAbi, functionName: 'quorum', result: 400n },
    { address: GOV, abi: governorAbi, functionName: 'proposalSnapshot', result: 0n },
    { address: TOKEN, abi: erc20Abi, functionName: 'decimals', result: 0 },
    { address: TOKEN, abi: readAbi, functionName: 'getVotes', result: 1_000n },
    { address: TOKEN, abi: readAbi, functionName: 'getPastTotalSupply', result: 10_000n },
    past(1_000n),
  ],
}
const begin = async (parameters: Record<string, unknown> = {}) => {
  const harness = await createBotHarness(governance, { things, parameters })
  await harness.block(setting)
  return harness
}
const brief = (rows: readonly { alertId: string; severity: string; condition: string | null }[]) =>
  rows.map(({ alertId, severity, condition }) => [alertId, severity, condition])

describe('created', () => {
  test.each([
    ['a fee', FEE, {}, 'Low'],
    ['an upgrade', UPGRADE, {}, 'Medium'],
    ['power for a key', GRANT, {}, 'High'],
    [
      'power for a key, behind many harmless calls',
      GRANT,
      {
        targets: [...Array.from({ length: 30 }, () => VAULT), VAULT],
        values: Array.from({ length: 31 }, () => 0n),
        signatures: Array.from({ length: 31 }, () => ''),
        calldatas: [...Array.from({ length: 30 }, () => FEE), GRANT],
      },
      'High',
    ],
    [
      "Compound's way, with the signature apart",
      `0x${GRANT.slice(10)}`,
      {
        signatures: ['grantRole(bytes32,address)'],
      },
      'High',
    ],
  ] as const)('behavior: %s', async (_, data, facts, severity) => {
    const harness = await begin()
    const found = await harness.block({ logs: [created(data, facts)] })
    expect(brief(found)).toEqual([['PROPOSAL-CREATED', severity, null]])
    await harness.stop()
  })

  test('behavior: the evidence names every call, the votes of the proposer and a clean title', async () => {
    const harness = await begin()
    const [finding] = await harness.block({ logs: [created(UPGRADE)] })
    expect(finding?.metadata).toMatchObject({
      proposal: '7',
      proposer: ALICE,
      calls: '1',
      kinds: 'upgrade',
      proposerVotes: '1000',
      proposerFresh: 'no',
      quorum: '400',
      title: 'A change',
    })
    expect(finding?.metadata['call.1']).toMatch(/^vault \(0x.*upgradeToAndCall\(newImpl.*\[Medium/)
    await harness.stop()
  })

  test('behavior: fresh votes of the proposer raise what is dangerous, and nothing else', async () => {
    for (const [data, severity] of [
      [FEE, 'Low'],
      [UPGRADE, 'High'],
      [GRANT, 'Critical'],
    ] as const) {
      const harness = await begin()
      await harness.block({ calls: [past(0n)] })
      const [finding] = await harness.block({ logs: [created(data)] })
      expect(finding).toMatchObject({ severity, metadata: { proposerFresh: 'yes' } })
      await harness.stop()
    }
  })

  test('behavior: a proposal that is a contract runs as the governor', async () => {
    const harness = await begin()
    const start = BigInt(harness.head().timestampS + 3_600)
    const log = encodeLog({
      abi: codeGovernorAbi,
      eventName: 'ProposalCreated',
      args: {
        id: 7n,
        proposer: ALICE,
        target: NEXT,
        startTime: start,
        endTime: start + 86_400n,
        description: '',
      },
      address: GOV,
    })
    expect(brief(await harness.block({ logs: [log] }))).toEqual([
      ['PROPOSAL-CREATED', 'High', null],
    ])
    // The contract is exchanged after the vote.
    await harness.block({ code: { [NEXT]: '0x6666' } })
    const indexed = {
      ...executed,
      topics: [...executed.topics, executed.data],
      data: '0x',
    } as const
    expect(await harness.block({ logs: [indexed] })).toMatchObject([
      { alertId: 'PROPOSAL-BREACH', severity: 'Critical', metadata: { changedCode: NEXT } },
    ])
    await harness.stop()
  })
})

describe('votes', () => {
  test.each([
    ['held for long', 1_000n, 1_000n, GRANT, []],
    ['fresh, less than a quarter of the quorum', 901n, 1_000n, GRANT, []],
    ['fresh, a quarter of the quorum', 900n, 1_000n, GRANT, ['High']],
    ['fresh, all of the quorum', 600n, 1_000n, GRANT, ['Critical']],
    ['fresh, all of the quorum, for an upgrade', 600n, 1_000n, UPGRADE, ['High']],
    ['fresh, all of the quorum, for nothing dangerous', 600n, 1_000n, FEE, ['Medium']],
    ['few', 0n, 19n, GRANT, []],
  ] as const)('behavior: %s', async (_, before, weight, data, expected) => {
    const harness = await begin()
    await harness.block({ logs: [created(data)] })
    await harness.block({ calls: [past(before)] })
    const found = await harness.block({ logs: [vote(WHALE, weight)] })
    const flashes = found.filter(({ alertId }) => alertId === 'FLASH-VOTE')
    expect(flashes.map(({ severity }) => severity)).toEqual(expected)
    await harness.stop()
  })

  test('behavior: votes against are nobody’s attack; fresh votes of many add up, each level told once', async () => {
    const harness = await begin()
    await harness.block({ logs: [created(UPGRADE)] })
    await harness.block({ calls: [past(0n)] })
    expect(await harness.block({ logs: [vote(WHALE, 5_000n, 0)] })).toEqual([])
    const levels: string[] = []
    for (let i = 1; i <= 10; i++) {
      const voter = `0x${i.toString(16).padStart(40, '0')}`
      const found = await harness.block({ logs: [vote(voter, 50n)] })
      levels.push(
        ...found.map(({ severity, metadata }) => `${severity} ${metadata['freshVotesInAll']}`),
      )
    }
    expect(levels).toEqual(['Medium 100', 'High 400'])
    await harness.stop()
  })

  test('behavior: a token that has only begun says nothing of anybody', async () => {
    const harness = await begin()
    await harness.block({ logs: [created(GRANT)] })
    await harness.block({
      calls: [
        past(0n),
        { address: TOKEN, abi: readAbi, functionName: 'getPastTotalSupply', result: 0n },
      ],
    })
    expect(await harness.block({ logs: [vote(WHALE, 1_000n)] })).toEqual([])
    await harness.stop()
  })

  test('behavior: a governor without snapshots: votes of this very transaction, and execution with them', async () => {
    const harness = await begin()
    await harness.block({ calls: [past(REVERTS)] })
    await harness.block({ logs: [created(UPGRADE)] })
    const gained = encodeLog({
      abi: votesEventsAbi,
      eventName: 'DelegateVotesChanged',
      args: { delegate: THIEF, previousVotes: 0n, newVotes: 900n },
      address: TOKEN,
    })
    const found = await harness.block({ logs: [gained, vote(THIEF, 900n), executed] })
    expect(brief(found)).toEqual([
      ['FLASH-VOTE', 'Critical', null],
      ['PROPOSAL-BREACH', 'Critical', null],
    ])
    expect(found[0]?.metadata).toMatchObject({ seenBy: 'same transaction' })
    expect(found[1]?.metadata).toMatchObject({ breach: 'one-block' })
    await harness.stop()
  })

  test('behavior: the vote on a dangerous proposal is announced before it closes, and turns are told', async () => {
    const harness = await begin()
    await harness.block({ logs: [created(UPGRADE)] })
    expect(await harness.mine(80)).toEqual([])
    expect(brief(await harness.block())).toEqual([['VOTE-CLOSING', 'Medium', 'holds']])
    expect(await harness.mine(9)).toEqual([])
    expect(await harness.block({ logs: [vote(ALICE, 399n)] })).toEqual([])
    const late = await harness.block({ logs: [vote(WHALE, 1n)] })
    expect(brief(late)).toEqual([['LATE-SWING', 'Medium', null]])
    expect(late[0]?.metadata).toMatchObject({ turned: 'quorum', votesForBefore: '399' })
    expect(brief(await harness.mine(20))).toEqual([['VOTE-CLOSING', 'Info', 'ended']])
    await harness.stop()
  })

  test('behavior: an ordinary proposal goes its way without a word until it is executed', async () => {
    const harness = await begin()
    await harness.block({ logs: [created(FEE)] })
    await harness.block({ logs: [vote(ALICE, 500n), vote(WHALE, 300n, 0)] })
    await harness.mine(110)
    expect(brief(await harness.block({ logs: [executed] }))).toEqual([
      ['PROPOSAL-EXECUTED', 'Info', null],
    ])
    await harness.stop()
  })
})

describe('unknown', () => {
  const execute = (data: `0x${string}`) =>
    ({
      txs: [
        {
          from: THIEF,
          to: GOV,
          input: call('execute', [[VAULT], [0n], [data], ROLE], governorAbi),
          logs: [executed],
        },
      ],
    }) as const

  test('behavior: executed although the governor knows no such proposal', async () => {
    const harness = await begin()
    const [finding] = await harness.block(execute(GRANT))
    expect(finding).toMatchObject({ alertId: 'PROPOSAL-BREACH', severity: 'Critical' })
    expect(finding?.metadata).toMatchObject({ breach: 'unreported', danger: 'High' })
    await harness.stop()
  })

  test('behavior: made before the watch began: its votes and its end are told quietly', async () => {
    const harness = await begin()
    await harness.block({
      calls: [
        { address: GOV, abi: governorAbi, functionName: 'proposalSnapshot', result: 90n },
        { address: GOV, abi: governorAbi, functionName: 'proposalDeadline', result: 190n },
      ],
    })
    expect(await harness.block({ logs: [vote(ALICE, 500n)] })).toEqual([])
    expect(brief(await harness.block(execute(FEE)))).toEqual([['PROPOSAL-EXECUTED', 'Low', null]])
    await harness.stop()
  })

  test('behavior: a governor that answers nothing is no reason to fail', async () => {
    const harness = await createBotHarness(governance, { things })
    expect(brief(await harness.block({ logs: [created(GRANT)] }))).toEqual([
      ['PROPOSAL-CREATED', 'High', null],
    ])
    expect(await harness.block({ logs: [vote(WHALE, 1_000n)] })).toEqual([])
    expect(brief(await harness.block({ logs: [cancelled] }))).toEqual([
      ['PROPOSAL-CANCELLED', 'Info', null],
    ])
    expect(brief(await harness.block({ logs: [executed] }))).toEqual([
      ['PROPOSAL-BREACH', 'Medium', null],
    ])
    await harness.stop()
  })
})

test('behavior: proposals are bounded, and the dangerous one stays', async () => {
  const harness = await begin({ maxProposals: 8 })
  await harness.block({ logs: [created(GRANT)] })
  for (let i = 0; i < 20; i++) {
    const other = created(call('setFee', [0n]), { proposalId: BigInt(1_000 + i), voteEnd: 900n })
    await harness.block({ logs: [other] })
  }
  expect(brief(await harness.mine(70))).toEqual([['VOTE-CLOSING', 'High', 'holds']])
  await harness.stop()
})

describe('conformance', () => {
  const cases = botConformance(governance, {
    things,
    scenario: [
      setting,
      { logs: [created(UPGRADE, { voteEnd: 113n })] },
      { calls: [past(600n)] },
      { logs: [vote(WHALE, 1_000n)] },
      {},
      {},
      { logs: [vote(ALICE, 10n, 0)] },
      {},
      {},
      {},
      {},
      {},
      {},
      { logs: [executed] },
    ],
    benign: [
      setting,
      {
        logs: [
          encodeLog({ abi: timelockAbi, eventName: 'Cancelled', args: { id: ROLE }, address: GOV }),
        ],
      },
      {},
    ],
  })
  for (const { name, run } of cases) test(name, run)
})

import { type Anvil, runBotOnAnvil, startAnvil } from 'tocsin/testing'
import { type Abi, encodeFunctionData, keccak256, toHex } from 'viem'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import {
  callOf,
  createSender,
  type DemoDeployment,
  deployDemo,
  ETHER,
  FIRST_USER,
  type Sender,
  type SendRequest,
} from '../../demo/contracts/index.ts'
import { timelock } from '../timelock/bot.ts'
import { governance } from './bot.ts'

const USERS = 4
/** Blocks between the set-up and the stories: longer than votes count as fresh. */
const CALM = 30
let anvil: Anvil
let demo: DemoDeployment
let sender: Sender
let snapshot: unknown
let start = 0
const mine = (blocks = 1): Promise<unknown> => anvil.rpc('anvil_mine', [toHex(blocks)])

beforeAll(async () => {
  anvil = await startAnvil({ accounts: FIRST_USER + USERS })
  demo = await deployDemo({ rpcUrl: anvil.url, users: USERS, mine: () => anvil.rpc('evm_mine') })
  await mine(CALM)
  snapshot = await anvil.rpc('evm_snapshot')
})
afterAll(() => anvil?.stop())
beforeEach(async () => {
  await anvil.rpc('evm_revert', [snapshot])
  snapshot = await anvil.rpc('evm_snapshot')
  sender = await createSender({ rpcUrl: anvil.url })
  start = Number(await anvil.rpc<string>('eth_blockNumber')) + 1
})

const block = async (requests: readonly SendRequest[]) => {
  const hashes = await sender.send(requests)
  await mine()
  const receipts = await sender.wait(hashes)
  expect(receipts.map(({ status }) => status)).toEqual(requests.map(() => 'success'))
  return receipts
}
const things = () =>
  [
    { kind: 'governor', name: 'governor', address: demo.governor.address },
    { kind: 'timelock', name: 'timelock', address: demo.timelock.address },
    { kind: 'token', name: 'vote', address: demo.vote.address, abi: demo.vote.abi },
    { kind: 'token', name: 'usd', address: demo.usd.address },
    {
      kind: 'vault',
      name: 'vault',
      address: demo.vault.address,
      abi: demo.vault.abi,
      asset: demo.usd.address,
      proxy: true,
    },
  ] as const
const watch = async (bot: typeof governance | typeof timelock) => {
  const found = await runBotOnAnvil(bot as typeof governance, anvil, {
    things: things(),
    from: start,
  })
  return found.map(({ alertId, severity, condition }) => [alertId, severity, condition])
}

type Call = { readonly target: `0x${string}`; readonly data: `0x${string}` }
const encode = (
  contract: { readonly address: `0x${string}`; readonly abi: Abi },
  functionName: string,
  args: readonly unknown[],
): Call => ({
  target: contract.address,
  data: encodeFunctionData({ abi: contract.abi, functionName, args }),
})
const listsOf = (calls: readonly Call[]) => [
  calls.map(({ target }) => target),
  calls.map(() => 0n),
  calls.map(({ data }) => data),
]
const TEXT = 'A change'
const propose = (from: `0x${string}`, calls: readonly Call[]) =>
  callOf(from, demo.governor, 'propose', [...listsOf(calls), TEXT], { gas: 2_000_000n })
const later = (from: `0x${string}`, functionName: 'queue' | 'execute', calls: readonly Call[]) =>
  callOf(from, demo.governor, functionName, [...listsOf(calls), keccak256(toHex(TEXT))], {
    gas: 2_000_000n,
  })
const idOf = async (calls: readonly Call[]): Promise<bigint> => {
  const { to, data } = callOf(demo.actors.delegate.address, demo.governor, 'hashProposal', [
    ...listsOf(calls),
    keccak256(toHex(TEXT)),
  ])
  return BigInt(await anvil.rpc<string>('eth_call', [{ to, data }, 'latest']))
}
/** The whole way of a proposal, by people who held their votes for long. */
const pass = async (calls: readonly Call[], voters: readonly `0x${string}`[]) => {
  const [first = demo.actors.delegate.address] = voters
  await block([propose(first, calls)])
  await mine(2)
  const id = await idOf(calls)
  await block(
    voters.map((voter) => callOf(voter, demo.governor, 'castVote', [id, 1], { gas: 300_000n })),
  )
  await mine(120)
  await block([later(first, 'queue', calls)])
  await anvil.rpc('evm_increaseTime', [61])
  await mine()
  await block([later(first, 'execute', calls)])
}
const upgrade = () =>
  encode(demo.vault, 'upgradeToAndCall', [demo.vaultImplementation.address, '0x'])

describe('ordinary', () => {
  test('behavior: a payment that the delegates vote for is merely told', async () => {
    const { delegate, treasury } = demo.actors
    const calls = [encode(demo.usd, 'transfer', [treasury.address, 0n])]
    await pass(calls, [delegate.address, ...demo.users.map(({ address }) => address)])
    expect(await watch(governance)).toEqual([
      ['PROPOSAL-CREATED', 'Info', null],
      ['PROPOSAL-EXECUTED', 'Info', null],
    ])
    expect(await watch(timelock)).toEqual([
      ['OPERATION-QUEUED', 'Info', null],
      ['OPERATION-EXECUTED', 'Info', null],
    ])
  })

  test('behavior: a planned upgrade through vote and timelock raises notices, and nobody is woken', async () => {
    const { delegate } = demo.actors
    // The governor's timelock may upgrade from here on; the role is the only thing that is staged.
    await anvil.rpc('anvil_impersonateAccount', [demo.safe.address])
    await anvil.rpc('anvil_setBalance', [demo.safe.address, toHex(10n * ETHER)])
    const { to, data } = callOf(demo.safe.address, demo.vault, 'grantRole', [
      `0x${'00'.repeat(32)}`,
      demo.timelock.address,
    ])
    await anvil.rpc('eth_sendTransaction', [{ from: demo.safe.address, to, data }])
    await mine()
    await pass([upgrade()], [delegate.address])
    expect(await watch(governance)).toEqual([
      ['PROPOSAL-CREATED', 'Medium', null],
      ['VOTE-CLOSING', 'Medium', 'holds'],
      ['VOTE-CLOSING', 'Info', 'ended'],
      ['PROPOSAL-EXECUTED', 'Low', null],
    ])
    const queue = await watch(timelock)
    expect(queue.at(0)).toEqual(['OPERATION-QUEUED', 'Medium', null])
    expect(queue.filter(([id]) => id === 'OPERATION-EXECUTED')).toEqual([
      ['OPERATION-EXECUTED', 'Info', null],
    ])
    expect(queue.filter(([, severity]) => severity === 'High' || severity === 'Critical')).toEqual(
      [],
    )
  })
})

describe('attacks', () => {
  test('behavior: power for a key pages when it is proposed, and again when it is queued', async () => {
    const { attacker, delegate } = demo.actors
    const calls = [
      encode(demo.timelock, 'grantRole', [keccak256(toHex('PROPOSER_ROLE')), attacker.address]),
      encode(demo.timelock, 'updateDelay', [0n]),
    ]
    await pass(calls, [delegate.address])
    const found = await watch(governance)
    expect(found.at(0)).toEqual(['PROPOSAL-CREATED', 'High', null])
    expect((await watch(timelock)).at(0)).toEqual(['OPERATION-QUEUED', 'High', null])
  })

  test('behavior: votes minted just before the snapshot page when they are cast', async () => {
    const { attacker, deployer } = demo.actors
    const calls = [upgrade()]
    // The deployer's forgotten right to mint, in the attacker's hands.
    await block([
      callOf(deployer.address, demo.vote, 'mint', [attacker.address, 5_000_000n * ETHER]),
      callOf(attacker.address, demo.vote, 'delegate', [attacker.address]),
    ])
    await block([propose(attacker.address, calls)])
    await mine(2)
    await block([
      callOf(attacker.address, demo.governor, 'castVote', [await idOf(calls), 1], {
        gas: 300_000n,
      }),
    ])
    const found = await runBotOnAnvil(governance, anvil, { things: things(), from: start })
    expect(found.map(({ alertId, severity }) => [alertId, severity])).toEqual([
      ['PROPOSAL-CREATED', 'High'],
      ['FLASH-VOTE', 'High'],
    ])
    expect(found[0]?.metadata).toMatchObject({ proposerFresh: 'yes', proposerVotesBefore: '0' })
    expect(found[1]?.metadata).toMatchObject({
      voter: attacker.address,
      votesBefore: '0',
      seenBy: 'past votes',
    })
  })
})

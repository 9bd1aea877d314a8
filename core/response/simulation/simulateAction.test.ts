import { encodeDeployData, encodeFunctionData, keccak256 } from 'viem'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { pause } from '../../../actions/pause/action.ts'
import { compileContracts } from '../../../demo/contracts/compile.ts'
import { type StrictNode, startStrictNode } from '../../../test/support/strictNode.ts'
import {
  ACCOUNT,
  startTenderlyStandIn,
  type TenderlyStandIn,
} from '../../../test/support/tenderlyStandIn.ts'
import type { Address, Hex } from '../../base/index.ts'
import { type Anvil, startAnvil, trialPolicy } from '../../testing/index.ts'
import { policySchema } from '../policySchema.ts'
import { createSignerRpc, type SignerRpc } from '../signerRpc.ts'
import type { Policy, SimulationProvider } from '../types.ts'
import { simulateAction } from './simulateAction.ts'
import { createTenderlyNode } from './tenderly.ts'
import { createTenderlyAccount } from './tenderlyAccount.ts'
import type { SimulationRequest } from './types.ts'

let anvil: Anvil
let tenderlyNode: TenderlyStandIn
let strict: StrictNode
let rpc: SignerRpc
let tenderly: SignerRpc
let admin: Address
let pauser: Address
let user: Address
let vault: Address
let abi: readonly unknown[]

const ALL = ['eth_simulateV1', 'debug_traceCall', 'eth_call', 'tenderly'] as const
/** Those that can tell what comes after the action. */
const DEEP = ['eth_simulateV1', 'debug_traceCall', 'tenderly'] as const
/** keccak-256 of "openzeppelin.storage.Pausable", less one, by ERC-7201. */
const PAUSED_SLOT: Hex = '0xcd5ed15c6e187e77e9aee88184c21f4f2182ab5827cb3b7e07fbedcd63f03300'

const transact = async (
  from: Address,
  to: Address | undefined,
  data: Hex,
  value: Hex = '0x0',
): Promise<{ hash: Hex; blockNumber: number; contractAddress: Address; status: Hex }> => {
  const hash = await anvil.rpc<Hex>('eth_sendTransaction', [
    { from, ...(to ? { to } : {}), data, value, gas: '0x7a1200' },
  ])
  await anvil.rpc('evm_mine')
  const receipt = await anvil.rpc<{ contractAddress: Address; status: Hex; blockNumber: Hex }>(
    'eth_getTransactionReceipt',
    [hash],
  )
  return { ...receipt, hash, blockNumber: Number(receipt.blockNumber) }
}
const encode = (functionName: string, args: readonly unknown[] = []): Hex =>
  encodeFunctionData({ abi, functionName, args } as never)

beforeAll(async () => {
  anvil = await startAnvil()
  tenderlyNode = await startTenderlyStandIn(anvil.url)
  strict = await startStrictNode(anvil.url)
  rpc = createSignerRpc({ chainId: anvil.chainId, urls: [anvil.url] })
  tenderly = createSignerRpc({ chainId: anvil.chainId, urls: [tenderlyNode.url] })
  const accounts = await anvil.rpc<Address[]>('eth_accounts')
  ;[admin, pauser, user] = accounts.slice(0, 3) as [Address, Address, Address]
  const { DemoVault, DemoProxy, DemoToken } = await compileContracts()
  if (!DemoVault || !DemoProxy || !DemoToken) throw new Error('contracts missing')
  abi = DemoVault.abi
  const implementation = (await transact(admin, undefined, DemoVault.bytecode)).contractAddress
  const initialize = encode('initialize', [admin, admin, pauser])
  const proxy = encodeDeployData({
    abi: DemoProxy.abi,
    bytecode: DemoProxy.bytecode,
    args: [implementation, initialize],
  })
  vault = (await transact(admin, undefined, proxy)).contractAddress
}, 120_000)
afterAll(async () => {
  await tenderlyNode?.stop()
  await strict?.stop()
  await anvil?.stop()
})
beforeEach(async () => {
  tenderlyNode.setFault('none')
  strict.setSimulateMissing(false)
  const paused = await anvil.rpc<Hex>('eth_call', [{ to: vault, data: encode('paused') }, 'latest'])
  if (BigInt(paused) === 1n) await transact(admin, vault, encode('unpause'))
})

const makePolicy = async (simulation: object = {}): Promise<Policy> => {
  const code = await anvil.rpc<Hex>('eth_getCode', [vault, 'latest'])
  const policy = trialPolicy({
    id: 'pause-vault',
    action: 'pause',
    chain: anvil.chainId,
    target: vault,
    codeHash: keccak256(code),
    calldata: '0x8456cb59',
    mode: 'auto',
    approval: { timeoutS: 600 },
    simulation: { mode: 'required', onUnavailable: 'stop', onRevert: 'stop', ...simulation },
  })
  return policySchema.parse(policy)
}
const simulate = async (simulation: object = {}, rest: Partial<SimulationRequest> = {}) =>
  simulateAction({
    rpc,
    tenderly: [createTenderlyNode(tenderly)],
    action: pause,
    policy: await makePolicy(simulation),
    from: pauser,
    ...rest,
  })
const head = async (): Promise<number> => Number(await anvil.rpc<Hex>('eth_blockNumber'))
const by = (provider: SimulationProvider) => ({ providers: [provider] })

test.each(ALL)('default: by %s the pause passes', async (provider) => {
  const result = await simulate(by(provider))
  expect(result).toMatchObject({ outcome: 'passed', method: provider, assertions: [] })
  expect(result.block).toBe(provider === 'eth_call' ? null : await head())
})

test.each(ALL)('behavior: by %s a call without the right reverts', async (provider) => {
  const result = await simulate(by(provider), { from: user })
  expect(result.outcome).toBe('reverted')
  // AccessControlUnauthorizedAccount(address,bytes32)
  expect(result.detail).toContain('0xe2517d3f')
})

test.each(ALL)('behavior: by %s what is paused already is told', async (provider) => {
  await transact(pauser, vault, '0x8456cb59')
  expect((await simulate(by(provider))).outcome).toBe('already_effective')
})

test.each(DEEP)('behavior: by %s a post-condition that does not hold is seen', async (provider) => {
  const never = { ...pause, postcondition: { ...pause.postcondition, holds: () => false } }
  expect((await simulate(by(provider), { action: never })).outcome).toBe('postcondition_failed')
})

const suspect = async (data: Hex, from: Address = user, value: Hex = '0x0') => {
  const { hash, blockNumber } = await transact(from, vault, data, value)
  return { evidence: { txHash: hash, blockNumber } }
}
const required = { assertions: { suspiciousReverts: 'required' } }

test.each(DEEP)('behavior: by %s the suspicious call reverts after the pause', async (provider) => {
  const evidence = await suspect(encode('transfer', [admin, 0n]))
  const result = await simulate({ ...by(provider), ...required }, evidence)
  expect(result).toMatchObject({
    outcome: 'passed',
    assertions: [
      {
        name: 'suspicious-reverts',
        outcome: 'held',
        isRequired: true,
        detail: 'The suspicious call reverts after it.',
      },
    ],
  })
})

test.each(DEEP)(
  'behavior: by %s a suspicious call that the pause does not stop is told, and stops it where that is required',
  async (provider) => {
    const evidence = await suspect(encode('approve', [admin, 1n]))
    const strictly = await simulate({ ...by(provider), ...required }, evidence)
    expect(strictly).toMatchObject({
      outcome: 'assertion_failed',
      detail: 'The suspicious call still succeeds after it.',
    })
    const reported = await simulate(by(provider), evidence)
    expect(reported).toMatchObject({
      outcome: 'passed',
      assertions: [{ outcome: 'failed', isRequired: false }],
    })
    const off = { assertions: { suspiciousReverts: 'off' } }
    expect((await simulate({ ...by(provider), ...off }, evidence)).assertions).toEqual([])
  },
)

test.each(DEEP)('behavior: by %s a call that reverts anyway is said to', async (provider) => {
  const evidence = await suspect(encode('migrate', [user, 1n]))
  const result = await simulate({ ...by(provider), ...required }, evidence)
  expect(result.assertions[0]?.detail).toContain('without it as well')
})

test.each(DEEP)('behavior: by %s the value of the suspicious call is there', async (provider) => {
  const plain = await transact(user, admin, '0x', '0x1')
  await anvil.rpc('anvil_setBalance', [user, '0x0'])
  const evidence = { txHash: plain.hash, blockNumber: plain.blockNumber }
  const result = await simulate({ ...by(provider), ...required }, { evidence })
  await anvil.rpc('anvil_setBalance', [user, '0x21e19e0c9bab2400000'])
  expect(result).toMatchObject({ outcome: 'assertion_failed' })
})

test('behavior: a suspicious transaction that cannot be read is unknown, never well', async () => {
  const blockNumber = await head()
  for (const [txHash, why] of [
    [null, 'names no transaction'],
    ['0x12', 'no transaction hash'],
    [`0x${'ab'.repeat(32)}`, 'does not have the transaction'],
  ] as const) {
    const result = await simulate(required, { evidence: { txHash, blockNumber } })
    expect(result.outcome).toBe('unavailable')
    expect(result.detail).toContain(why)
    expect((await simulate({}, { evidence: { txHash, blockNumber } })).outcome).toBe('passed')
  }
})

const canary = (
  expect: 'succeeds' | 'reverts',
  functionName: string,
  args: readonly unknown[],
) => ({
  name: functionName,
  from: user,
  to: vault,
  data: encode(functionName, args),
  expect,
})

test.each(DEEP)('behavior: by %s canaries behave as stated, or it stops', async (provider) => {
  const run = (...canaries: object[]) => simulate({ ...by(provider), assertions: { canaries } })
  const good = await run(
    canary('succeeds', 'approve', [admin, 1n]),
    canary('reverts', 'transfer', [admin, 0n]),
  )
  expect(good.outcome).toBe('passed')
  expect(good.assertions.map(({ name, outcome }) => [name, outcome])).toEqual([
    ['canary:approve', 'held'],
    ['canary:transfer', 'held'],
  ])
  const bad = await run(
    canary('succeeds', 'approve', [admin, 1n]),
    canary('succeeds', 'transfer', [admin, 0n]),
  )
  expect(bad).toMatchObject({
    outcome: 'assertion_failed',
    detail: 'The canary transfer reverts after it; stated was that it succeeds.',
  })
})

test.each(DEEP)(
  'behavior: by %s only the storage of the allow-list may change',
  async (provider) => {
    const run = (storage: readonly object[]) =>
      simulate({ ...by(provider), assertions: { storage } })
    expect((await run([{ address: vault, slots: [PAUSED_SLOT] }])).outcome).toBe('passed')
    expect((await run([{ address: vault }])).outcome).toBe('passed')
    const foreign = await run([
      { address: vault, slots: [`0x${'00'.repeat(32)}`] },
      { address: user },
    ])
    expect(foreign.outcome).toBe('assertion_failed')
    expect(foreign.detail).toContain(PAUSED_SLOT)
  },
)

test('behavior: what eth_call cannot tell is unavailable where it is asserted', async () => {
  const storage = [{ address: vault }]
  const result = await simulate({ ...by('eth_call'), assertions: { storage } })
  expect(result).toMatchObject({ outcome: 'unavailable', method: 'eth_call' })
  const next = await simulate({ providers: ['eth_call', 'tenderly'], assertions: { storage } })
  expect(next).toMatchObject({ outcome: 'passed', method: 'tenderly' })
})

test('behavior: Tenderly is asked for the block after the head, and sees the newest block', async () => {
  await transact(pauser, vault, '0x8456cb59')
  const before = tenderlyNode.seen.length
  expect((await simulate(by('tenderly'))).outcome).toBe('already_effective')
  expect(tenderlyNode.seen[before]).toEqual({
    method: 'tenderly_simulateBundle',
    block: `0x${((await head()) + 1).toString(16)}`,
  })
})

test('behavior: a Tenderly node that knows no future number is asked for pending', async () => {
  tenderlyNode.setFault('no-future')
  expect(await simulate(by('tenderly'))).toMatchObject({
    outcome: 'passed',
    block: await head(),
  })
})

test.each(['error', 'rubbish', 'lagging', 'hang'] as const)(
  'error: Tenderly at fault (%s): the next provider, or unavailable',
  async (fault) => {
    tenderlyNode.setFault(fault)
    const alone = await simulate(by('tenderly'))
    expect(alone).toMatchObject({ outcome: 'unavailable', method: 'none', block: null })
    expect(alone.detail).toContain('tenderly: ')
    const next = await simulate({ providers: ['tenderly', 'eth_simulateV1'] })
    expect(next).toMatchObject({ outcome: 'passed', method: 'eth_simulateV1' })
  },
  30_000,
)

const account = (changes: Partial<typeof ACCOUNT> = {}) =>
  createTenderlyAccount({
    ...ACCOUNT,
    chainId: anvil.chainId,
    url: tenderlyNode.url,
    ...changes,
  })

test("behavior: by an account, through Tenderly's own SDK, as part of the block after the head", async () => {
  const before = tenderlyNode.seen.length
  const tenderlyWays = { tenderly: [account()] }
  expect(await simulate(by('tenderly'), tenderlyWays)).toMatchObject({
    outcome: 'passed',
    method: 'tenderly',
    block: await head(),
  })
  // Requests of a test before this one may still arrive.
  expect(tenderlyNode.seen.slice(before)).toContainEqual({
    method: 'rest',
    block: String((await head()) + 1),
  })
  const stranger = { ...tenderlyWays, from: vault }
  expect((await simulate(by('tenderly'), stranger)).outcome).toBe('reverted')
  // It tells no storage: where that is asserted, it is not enough.
  const storage = [{ address: vault }]
  expect(
    await simulate({ ...by('tenderly'), assertions: { storage } }, tenderlyWays),
  ).toMatchObject({ outcome: 'unavailable' })
  await transact(pauser, vault, '0x8456cb59')
  expect((await simulate(by('tenderly'), tenderlyWays)).outcome).toBe('already_effective')
})

test('behavior: the account is asked where the node does not answer', async () => {
  const dead = createSignerRpc({ chainId: anvil.chainId, urls: ['http://127.0.0.1:1'] })
  const tenderlyWays = { tenderly: [createTenderlyNode(dead), account()] }
  expect(await simulate(by('tenderly'), tenderlyWays)).toMatchObject({ outcome: 'passed' })
})

test.each(['error', 'rubbish', 'lagging', 'no-future', 'hang'] as const)(
  'error: an account at fault (%s) is no simulation',
  async (fault) => {
    tenderlyNode.setFault(fault)
    const result = await simulate(by('tenderly'), { tenderly: [account()] })
    expect(result).toMatchObject({ outcome: 'unavailable', method: 'none' })
    expect(result.detail).not.toContain(ACCOUNT.accessKey)
  },
  30_000,
)

test('error: a wrong key or project of the account is told', async () => {
  for (const wrong of [{ accessKey: 'another' }, { project: 'another' }]) {
    const result = await simulate(by('tenderly'), { tenderly: [account(wrong)] })
    expect(result.outcome).toBe('unavailable')
    expect(result.detail).toMatch(/^tenderly: \S+/)
  }
})

test('error: without a Tenderly endpoint, or any endpoint at all, it says so', async () => {
  expect((await simulate(by('tenderly'), { tenderly: undefined })).detail).toContain(
    'neither an endpoint nor an account of Tenderly',
  )
  const dead = createSignerRpc({ chainId: anvil.chainId, urls: ['http://127.0.0.1:1'] })
  const result = await simulate({}, { rpc: dead })
  expect(result).toMatchObject({
    outcome: 'unavailable',
    detail: 'eth_simulateV1: rpc.unreachable',
  })
})

test('behavior: a node without eth_simulateV1 is asked by the next method', async () => {
  strict.setSimulateMissing(true)
  const behind = createSignerRpc({ chainId: anvil.chainId, urls: [strict.url] })
  expect(await simulate({}, { rpc: behind })).toMatchObject({
    outcome: 'passed',
    method: 'debug_traceCall',
  })
})

test("behavior: a state from before the finding's block proves nothing", async () => {
  const evidence = { txHash: null, blockNumber: (await head()) + 5 }
  const result = await simulate(by('eth_simulateV1'), { evidence })
  expect(result.outcome).toBe('unavailable')
  expect(result.detail).toContain("before the finding's block")
})

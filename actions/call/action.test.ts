import type { Address } from 'tocsin'
import { actionConformance, trialPolicy } from 'tocsin/testing'
import { encodeFunctionData, parseAbi } from 'viem/utils'
import { afterAll, beforeAll, expect, test } from 'vitest'
import {
  createProbeContext,
  createSignerRpc,
  type Policy,
  parsePolicy,
} from '../../core/response/index.ts'
import { type ActionStage, createActionStage } from '../../test/support/actionScene.ts'
import { call } from './action.ts'

const THIEF: Address = `0x${'bd'.repeat(20)}`
const OTHER: Address = `0x${'be'.repeat(20)}`
const TARGET: Address = `0x${'11'.repeat(20)}`

let stage: ActionStage
beforeAll(async () => {
  stage = await createActionStage()
}, 240_000)
afterAll(() => stage?.stop())

const parameters = {
  function: 'setFrozen(address,bool)',
  args: [THIEF, true],
  effect: [{ function: 'frozen(address) returns (bool)', args: [THIEF], equals: true }],
  ready: [{ function: 'owner() returns (address)', equals: '$signer' }],
  undoneBy: 'the multisig calls setFrozen(account, false)',
}

const createScene = async () => {
  const { anvil, admin, signer, stranger, deploy } = stage
  const vault = await deploy('OwnedVault', admin)
  await vault.write('setFrozen', OTHER, true)
  await vault.write('transferOwnership', signer)
  return {
    anvil,
    signer,
    target: vault.address,
    parameters,
    guards: async () => [
      (await vault.read('frozen', THIEF)) === true,
      (await vault.read('frozen', OTHER)) === true,
      (await vault.read('paused')) === true,
    ],
    breaks: {
      'the right goes to another': () =>
        anvil.rpc('anvil_setStorageAt', [
          vault.address,
          `0x${'0'.repeat(64)}`,
          `0x${stranger.slice(2).padStart(64, '0')}`,
        ]),
    },
  }
}

const refused: readonly (readonly [string, object])[] = [
  ['unpausing', { function: 'unpause()', args: [] }],
  ['handing over control', { function: 'transferOwnership(address)', args: [THIEF] }],
  [
    'granting a role',
    { function: 'grantRole(bytes32,address)', args: [`0x${'00'.repeat(32)}`, THIEF] },
  ],
  ['an upgrade', { function: 'upgradeToAndCall(address,bytes)', args: [THIEF, '0x'] }],
  ['moving tokens', { function: 'transfer(address,uint256)', args: [THIEF, '1'] }],
  ['any call inside', { function: 'multicall(bytes[])', args: [[]] }],
  ['a guard lowered by its argument', { function: 'setPoolPause(bool)', args: [false] }],
  [
    'some flags of a guard',
    { function: 'pause(bool,bool,bool,bool,bool)', args: [true, false, true, true, true] },
  ],
  ['a name that sounds like it', { function: 'unfreezeMarket(uint256)', args: ['1'] }],
  ['another such name', { function: '_setOwner(address)', args: [THIEF] }],
  ['a function that cannot be read', { function: 'setFrozen(address' }],
  ['an argument too few', { args: [THIEF] }],
  ['an argument of another type', { args: [THIEF, 'yes'] }],
  ['no effect', { effect: [] }],
  [
    'an effect that returns nothing',
    { effect: [{ function: 'frozen(address)', args: [THIEF], equals: true }] },
  ],
  ['an effect of another type', { effect: [{ ...parameters.effect[0], equals: 'yes' }] }],
  ['no readiness', { ready: [] }],
]

for (const { name, run } of actionConformance(call, {
  scene: createScene,
  badParameters: [{}, ...refused.map(([, changes]) => ({ ...parameters, ...changes }))],
}))
  test(name, run)

test.each(refused)('error: %s', (_, changes) => {
  const parsed = call.parameters?.safeParse({ ...parameters, ...changes })
  expect(parsed?.success).toBe(false)
})

test('default: words become the exact bytes', () => {
  const facts = { target: TARGET, chain: 1, parameters }
  const abi = parseAbi(['function setFrozen(address, bool)'])
  expect(call.encode(facts)).toBe(
    encodeFunctionData({ abi, functionName: 'setFrozen', args: [THIEF, true] }),
  )
  const amounts = {
    ...parameters,
    function: 'setCaps(uint256[],bytes4,string,int8)',
    args: [['1', 2, '0x3'], '0x8456cb59', 'text', -1],
  }
  const caps = parseAbi(['function setCaps(uint256[], bytes4, string, int8)'])
  expect(call.encode({ ...facts, parameters: amounts })).toBe(
    encodeFunctionData({
      abi: caps,
      functionName: 'setCaps',
      args: [[1n, 2n, 3n], '0x8456cb59', 'text', -1],
    }),
  )
})

test('behavior: what cannot be undone is never automatic, and needs two people', () => {
  const facts = { target: TARGET, chain: 1 }
  const { undoneBy: _, ...forEver } = parameters
  const messages = (wanted: object, changes: object): readonly string[] => {
    const policy = trialPolicy({
      id: 'freeze',
      action: 'call',
      parameters: wanted,
      ...facts,
      codeHash: `0x${'00'.repeat(32)}`,
      calldata: call.encode({ ...facts, parameters }),
      limits: { maxPerWindow: 1, windowS: 3_600, maxLifetime: 1 },
      ...changes,
    })
    const parsed = parsePolicy(JSON.stringify(policy), { file: 'freeze.yaml', actions: [call] })
    return parsed.ok ? [] : parsed.faults.map(({ message }) => message)
  }
  expect(messages(forEver, {})).toEqual([])
  expect(messages(forEver, { mode: 'auto' })).toEqual([
    expect.stringMatching(/mode: must not be automatic/),
  ])
  expect(messages(forEver, { approvedBy: ['Ada', 'Ada'] })).toEqual([
    expect.stringMatching(/approvedBy: two people/),
  ])
  expect(messages(forEver, { approval: { timeoutS: 600 } })).toEqual([
    expect.stringMatching(/approval.required: must be at least 2/),
  ])
  expect(
    messages(forEver, { approval: { timeoutS: 600, required: 2, onTimeout: 'execute' } }),
  ).toEqual([expect.stringMatching(/must not be automatic/)])
  expect(
    messages(parameters, { mode: 'auto', approvedBy: ['Ada'], approval: { timeoutS: 600 } }),
  ).toEqual([])
})

test('behavior: a window in which it can be called is watched: well, near its end, over, unreadable', async () => {
  const { anvil, admin, signer, deploy } = stage
  const nowS = Math.floor(Date.now() / 1000)
  const vault = await deploy('WindowedVault', admin, BigInt(nowS + 20 * 86_400))
  const probe = async (window: object, target = vault.address) => {
    const rpc = createSignerRpc({ chainId: anvil.chainId, urls: [anvil.url] })
    const policy = {
      target,
      parameters: {
        function: 'setPaused(bool)',
        args: [true],
        effect: [{ function: 'paused() returns (bool)', equals: true }],
        ready: [{ function: 'paused() returns (bool)', equals: false }],
        undoneBy: 'the owner calls setPaused(false)',
        window,
      },
    } as unknown as Policy
    const results = await call.probe(createProbeContext(rpc, policy, signer))
    return results.find(({ name }) => name === 'window')
  }
  const ofVault = { function: 'getPausedState() returns (bool,uint256,uint256)', output: 1 }
  expect(await probe(ofVault)).toMatchObject({ ok: true })
  expect(await probe({ ...ofVault, daysLeft: 19 })).toMatchObject({ ok: true })
  expect(await probe({ ...ofVault, daysLeft: 20 })).toMatchObject({
    ok: false,
    message: expect.stringMatching(/^It can be called for another \d+ days only/),
  })
  const over = await deploy('WindowedVault', admin, BigInt(nowS - 1))
  expect(await probe(ofVault, over.address)).toMatchObject({
    ok: false,
    message: expect.stringMatching(/^It can be called no more/),
  })
  expect(await probe({ function: 'unknown() returns (uint256)' })).toMatchObject({
    ok: false,
    message: expect.stringMatching(/cannot be read/),
  })
  for (const window of [{ ...ofVault, output: 0 }, { ...ofVault, output: 3 }, { function: 'x(' }])
    expect(call.parameters?.safeParse({ ...parameters, window }).success).toBe(false)
})

import { afterAll, beforeAll, expect, test } from 'vitest'
import { cometGuardian } from '../../actions/comet-guardian/action.ts'
import { type ActionStage, createActionStage } from '../../test/support/actionScene.ts'
import type { ActionDefinition } from '../response/index.ts'
import { actionConformance } from './actionConformance.ts'

const GETTERS = ['Supply', 'Transfer', 'Withdraw', 'Absorb', 'Buy'].map((each) => `is${each}Paused`)

let stage: ActionStage
beforeAll(async () => {
  stage = await createActionStage()
}, 240_000)
afterAll(() => stage?.stop())

const createScene = async () => {
  const { anvil, signer, stranger, deploy } = stage
  const comet = await deploy('Comet', signer)
  const other = await deploy('Comet', stranger)
  return {
    anvil,
    signer,
    target: comet.address,
    parameters: { flags: ['supply', 'withdraw'] },
    guards: () => Promise.all(GETTERS.map(async (name) => (await comet.read(name)) === true)),
    raiseOthers: () => comet.write('pause', false, true, false, false, false),
    breaks: {
      'another guardian': async () => {
        const code = await anvil.rpc('eth_getCode', [other.address, 'latest'])
        await anvil.rpc('anvil_setCode', [comet.address, code])
      },
    },
  }
}

/** What the suite says of an action: the names of the cases that fail. */
const judge = async (action: ActionDefinition): Promise<readonly string[]> => {
  const failed: string[] = []
  for (const { name, run } of actionConformance(action, {
    scene: createScene,
    badParameters: [{ flags: [] }],
  }))
    await run().catch(() => failed.push(name.replace('conformance: ', '')))
  return failed
}

test('default: a right action passes every case', async () => {
  expect(await judge(cometGuardian)).toEqual([])
})

const { adapt, postcondition } = cometGuardian
const sabotage: readonly (readonly [string, Partial<ActionDefinition>, readonly string[]])[] = [
  [
    'it forgets the flags that stand',
    { adapt: undefined },
    ['it lowers no guard that stands raised'],
  ],
  [
    'it would sign whatever is put before it',
    { adapt: adapt && { ...adapt, accepts: () => true } },
    ['no calldata is accepted that raises less than the policy'],
  ],
  [
    'its probe sees nothing',
    { probe: async () => [{ name: 'role', ok: true, message: 'All is well.' }] },
    ['the probe sees when the signer could not act, and says why'],
  ],
  [
    'its probe is never content',
    { probe: async () => [{ name: 'role', ok: false, message: 'Nothing is well.' }] },
    ['the probe is content with a signer that can act'],
  ],
  [
    'it is content with anything',
    { postcondition: { ...postcondition, holds: () => true } },
    [
      'the post-condition is false before and true after, on chain',
      'nothing but the effect itself is taken for it',
    ],
  ],
  [
    'it takes any parameters',
    { parameters: cometGuardian.parameters?.or(cometGuardian.parameters).catch({}) },
    ['a policy with other parameters is refused'],
  ],
  ['it has no runbook', { id: 'nobody-wrote-one' }, ['the words are there']],
]
test.each(sabotage)('behavior: the suite sees that %s', async (_, changes, cases) => {
  const failed = await judge({ ...cometGuardian, ...changes })
  for (const name of cases) expect(failed).toContain(name)
})

test('behavior: the suite sees calldata that changes from run to run', async () => {
  let turn = 0
  const encode: ActionDefinition['encode'] = (facts) =>
    turn++ % 2 === 0 ? cometGuardian.encode(facts) : '0x44c35d07'
  expect(await judge({ ...cometGuardian, encode })).toContain(
    'the calldata follows from the policy and nothing else',
  )
})

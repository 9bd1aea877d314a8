import { actionConformance } from 'tocsin/testing'
import { encodeFunctionData, parseAbi } from 'viem/utils'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type ActionStage, createActionStage } from '../../test/support/actionScene.ts'
import { cometGuardian } from './action.ts'

const abi = parseAbi(['function pause(bool, bool, bool, bool, bool)'])
const GETTERS = ['Supply', 'Transfer', 'Withdraw', 'Absorb', 'Buy'].map((each) => `is${each}Paused`)
const FACTS = {
  target: `0x${'11'.repeat(20)}` as const,
  chain: 1,
  parameters: { flags: ['supply', 'withdraw'] },
}

let stage: ActionStage
beforeAll(async () => {
  stage = await createActionStage()
}, 240_000)
afterAll(() => stage?.stop())

const createScene = async (flags: readonly string[], others: readonly boolean[]) => {
  const { anvil, signer, stranger, deploy } = stage
  const comet = await deploy('Comet', signer)
  const other = await deploy('Comet', stranger)
  return {
    anvil,
    signer,
    target: comet.address,
    parameters: { flags },
    guards: () => Promise.all(GETTERS.map(async (name) => (await comet.read(name)) === true)),
    raiseOthers: () => comet.write('pause', ...others),
    breaks: {
      // The guardian is written into the code: an upgrade changes it.
      'an upgrade names another guardian': async () => {
        const code = await anvil.rpc('eth_getCode', [other.address, 'latest'])
        await anvil.rpc('anvil_setCode', [comet.address, code])
      },
      'an upgrade takes the flags away': () => anvil.rpc('anvil_setCode', [comet.address, '0x00']),
    },
  }
}

const badParameters = [{}, { flags: [] }, { flags: ['everything'] }, { flags: ['buy', 'buy'] }]
for (const [flags, others] of [
  [
    ['supply', 'withdraw'],
    [false, true, true, false, true],
  ],
  [['buy'], [true, false, false, false, false]],
  [
    ['transfer', 'supply', 'buy', 'absorb', 'withdraw'],
    [false, false, true, false, false],
  ],
] as const)
  describe(flags.join('+'), () => {
    const scene = () => createScene(flags, others)
    for (const { name, run } of actionConformance(cometGuardian, { scene, badParameters }))
      test(name, run)
  })

test('behavior: of all 32 calls it accepts those that raise what the policy raises', () => {
  for (let bits = 0; bits < 32; bits++) {
    const has = (index: number): boolean => (bits & (1 << index)) !== 0
    const args = [has(0), has(1), has(2), has(3), has(4)] as const
    const calldata = encodeFunctionData({ abi, functionName: 'pause', args })
    expect(cometGuardian.adapt?.accepts(FACTS, calldata)).toBe(has(0) && has(2))
  }
})

test('behavior: over all 32 states of the market nothing is ever lowered', async () => {
  for (let bits = 0; bits < 32; bits++) {
    const raised = GETTERS.map((_, index) => (bits & (1 << index)) !== 0)
    const answers = raised.map((each) => `0x${(each ? '1' : '0').padStart(64, '0')}` as const)
    let asked = 0
    const calldata = await cometGuardian.adapt?.prepare({
      policy: FACTS as never,
      signer: `0x${'22'.repeat(20)}`,
      call: async () => ({ ok: true, data: answers[asked++] ?? '0x' }),
    })
    const expected = raised.map((each, index) => each || index === 0 || index === 2)
    const args = expected as [boolean, boolean, boolean, boolean, boolean]
    expect(calldata).toBe(encodeFunctionData({ abi, functionName: 'pause', args }))
  }
})

test('error: flags that cannot be read are not guessed', async () => {
  for (const answer of [
    { ok: false, data: '0x' },
    { ok: true, data: '0x' },
    { ok: true, data: `0x${'2'.padStart(64, '0')}` },
  ] as const)
    expect(
      await cometGuardian.adapt?.prepare({
        policy: FACTS as never,
        signer: `0x${'22'.repeat(20)}`,
        call: async () => answer,
      }),
    ).toBeUndefined()
})

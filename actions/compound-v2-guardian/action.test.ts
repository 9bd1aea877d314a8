import { actionConformance } from 'tocsin/testing'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type ActionStage, createActionStage } from '../../test/support/actionScene.ts'
import { compoundV2Guardian } from './action.ts'

const CTOKEN = `0x${'c1'.repeat(20)}`
const UNLISTED = `0x${'c2'.repeat(20)}`

let stage: ActionStage
beforeAll(async () => {
  stage = await createActionStage()
}, 240_000)
afterAll(() => stage?.stop())

const GUARDS = [
  ['mintGuardianPaused', CTOKEN],
  ['borrowGuardianPaused', CTOKEN],
  ['transferGuardianPaused'],
  ['seizeGuardianPaused'],
] as const

const createScene = async (parameters: { what: string; market?: string }) => {
  const { anvil, admin, signer, stranger, deploy } = stage
  const comptroller = await deploy('Comptroller')
  await comptroller.write('_supportMarket', CTOKEN)
  await comptroller.write('_setPauseGuardian', signer)
  return {
    anvil,
    signer,
    target: comptroller.address,
    parameters,
    guards: () =>
      Promise.all(
        GUARDS.map(async ([name, ...args]) => (await comptroller.read(name, ...args)) === true),
      ),
    raiseOthers: async () => {
      if (parameters.what !== 'transfer') await comptroller.write('_setTransferPaused', true)
      else await comptroller.write('_setSeizePaused', true)
    },
    breaks: {
      'another guardian is named': () => comptroller.write('_setPauseGuardian', stranger),
      'nobody is guardian': () => comptroller.write('_setPauseGuardian', `0x${'00'.repeat(20)}`),
      // Slot 0 holds the admin: handing it over is a vote of weeks elsewhere.
      'the signer is made admin': () =>
        anvil.rpc('anvil_setStorageAt', [
          comptroller.address,
          `0x${'0'.repeat(64)}`,
          `0x${signer.slice(2).padStart(64, '0')}`,
        ]),
    },
    admin,
  }
}

const badParameters = [
  {},
  { what: 'everything' },
  { what: 'mint' },
  { what: 'borrow', market: '0x1' },
  { what: 'seize', market: CTOKEN },
]
for (const parameters of [
  { what: 'mint', market: CTOKEN },
  { what: 'borrow', market: CTOKEN },
  { what: 'transfer' },
  { what: 'seize' },
])
  describe(parameters.what, () => {
    const scene = () => createScene(parameters)
    for (const { name, run } of actionConformance(compoundV2Guardian, { scene, badParameters }))
      test(name, run)
  })

test('behavior: a market that is not listed is not ready', async () => {
  const { anvil, signer, target } = await createScene({ what: 'mint', market: CTOKEN })
  const results = await compoundV2Guardian.probe({
    policy: { target, parameters: { what: 'mint', market: UNLISTED } } as never,
    signer,
    call: async (to, data) => ({
      ok: true,
      data: await anvil.rpc('eth_call', [{ to, data }, 'latest']),
    }),
  })
  expect(results.filter(({ ok }) => !ok)).toMatchObject([{ name: 'market' }])
})

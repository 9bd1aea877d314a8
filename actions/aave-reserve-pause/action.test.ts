import { actionConformance } from 'tocsin/testing'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createAave, POOL_ADMIN } from '../../test/support/aave.ts'
import { type ActionStage, createActionStage } from '../../test/support/actionScene.ts'
import { aaveReservePause } from './action.ts'

let stage: ActionStage
beforeAll(async () => {
  stage = await createActionStage()
}, 240_000)
afterAll(() => stage?.stop())

const createScene = async () => {
  const { anvil, signer, stranger } = stage
  const aave = await createAave(stage)
  const [first, second] = aave.assets
  return {
    anvil,
    signer,
    target: aave.configurator.address,
    parameters: { pool: aave.pool.address, asset: first },
    guards: aave.guards,
    raiseOthers: () => aave.configurator.write('setReservePause', second, true),
    breaks: {
      'the role is revoked': () => aave.manager.write('revokeRole', aave.emergency, signer),
      'the signer is made pool admin': () => aave.manager.write('grantRole', POOL_ADMIN, signer),
      'the pool gets another configurator': () =>
        aave.provider.write('set', aave.manager.address, aave.pool.address, stranger),
      'the pool gets another ACLManager': async () => {
        const other = await stage.deploy('ACLManager', stranger)
        const { pool, configurator } = aave
        await aave.provider.write('set', other.address, pool.address, configurator.address)
      },
    },
  }
}

for (const { name, run } of actionConformance(aaveReservePause, {
  scene: createScene,
  badParameters: [{}, { pool: `0x${'11'.repeat(20)}` }, { pool: '0x1', asset: '0x2' }],
}))
  test(name, run)

test('behavior: a token that is no reserve is not ready', async () => {
  const { anvil, signer, target, parameters } = await createScene()
  const results = await aaveReservePause.probe({
    policy: { target, parameters: { ...parameters, asset: `0x${'ee'.repeat(20)}` } } as never,
    signer,
    call: async (to, data) => ({
      ok: true,
      data: await anvil.rpc('eth_call', [{ to, data }, 'latest']),
    }),
  })
  expect(results.filter(({ ok }) => !ok)).toMatchObject([{ name: 'reserve' }])
})

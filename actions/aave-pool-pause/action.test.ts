import { actionConformance } from 'tocsin/testing'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createAave, POOL_ADMIN } from '../../test/support/aave.ts'
import { type ActionStage, createActionStage } from '../../test/support/actionScene.ts'
import { aavePoolPause } from './action.ts'

let stage: ActionStage
beforeAll(async () => {
  stage = await createActionStage()
}, 240_000)
afterAll(() => stage?.stop())

const createScene = async () => {
  const { anvil, signer, stranger } = stage
  const aave = await createAave(stage)
  return {
    anvil,
    signer,
    target: aave.configurator.address,
    parameters: { pool: aave.pool.address, assets: aave.assets },
    guards: aave.guards,
    raiseOthers: () => aave.configurator.write('setReservePause', aave.assets[1], true),
    breaks: {
      'the role is revoked': () => aave.manager.write('revokeRole', aave.emergency, signer),
      'the signer is made pool admin': () => aave.manager.write('grantRole', POOL_ADMIN, signer),
      'a reserve is listed after the approval': () => aave.pool.write('list', stranger),
      'the pool gets another configurator': () =>
        aave.provider.write('set', aave.manager.address, aave.pool.address, stranger),
    },
  }
}

for (const { name, run } of actionConformance(aavePoolPause, {
  scene: createScene,
  badParameters: [{}, { pool: `0x${'11'.repeat(20)}`, assets: [] }],
}))
  test(name, run)

test('behavior: one reserve that is not paused is no effect', () => {
  const facts = {
    target: `0x${'11'.repeat(20)}` as const,
    chain: 1,
    parameters: {
      pool: `0x${'22'.repeat(20)}`,
      assets: [`0x${'a1'.repeat(20)}`, `0x${'a2'.repeat(20)}`],
    },
  }
  const word = (value: bigint) => `0x${value.toString(16).padStart(64, '0')}` as const
  const [paused, open] = [word((1n << 60n) | 1n), word((1n << 59n) | (1n << 61n))]
  expect(aavePoolPause.postcondition.holds([paused, paused], facts)).toBe(true)
  expect(aavePoolPause.postcondition.holds([paused, open], facts)).toBe(false)
  expect(aavePoolPause.postcondition.holds([paused], facts)).toBe(false)
})

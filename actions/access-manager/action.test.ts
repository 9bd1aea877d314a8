import { actionConformance } from 'tocsin/testing'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type ActionStage, createActionStage } from '../../test/support/actionScene.ts'
import { accessManager } from './action.ts'

const PAUSER = 7n
const PAUSE = '0x8456cb59'
const UNPAUSE = '0x3f4ba83a'

let stage: ActionStage
beforeAll(async () => {
  stage = await createActionStage()
}, 240_000)
afterAll(() => stage?.stop())

/** The signer may pause without delay; only the admin may unpause. */
const createScene = async () => {
  const { anvil, admin, signer, stranger, deploy } = stage
  const manager = await deploy('Manager', admin)
  const vault = await deploy('ManagedVault', manager.address)
  await manager.write('setTargetFunctionRole', vault.address, [PAUSE], PAUSER)
  await manager.write('grantRole', PAUSER, signer, 0)
  return {
    anvil,
    signer,
    target: vault.address,
    parameters: { manager: manager.address },
    guards: async () => [(await vault.read('paused')) === true],
    breaks: {
      'the role is revoked': () => manager.write('revokeRole', PAUSER, signer),
      'the role gets a delay': () => manager.write('grantRole', PAUSER, signer, 3_600),
      'the target is closed': () => manager.write('setTargetClosed', vault.address, true),
      'pausing is for another role': () =>
        manager.write('setTargetFunctionRole', vault.address, [PAUSE], 9n),
      'the signer is made admin': () => manager.write('grantRole', 0n, signer, 0),
      'the target gets another manager': async () => {
        const other = await deploy('Manager', stranger)
        await manager.write('updateAuthority', vault.address, other.address)
      },
    },
  }
}

for (const { name, run } of actionConformance(accessManager, {
  scene: createScene,
  badParameters: [{ manager: 'none' }, { manager: '0x12' }],
}))
  test(name, run)

test('behavior: the right to pause is no right to unpause', async () => {
  const { anvil, signer, target } = await createScene()
  const answer = anvil.rpc('eth_call', [{ from: signer, to: target, data: UNPAUSE }, 'latest'])
  await expect(answer).rejects.toThrow(/revert|error/i)
})

test('behavior: a delayed role is told with its delay', async () => {
  const scene = await createScene()
  await scene.breaks['the role gets a delay']()
  const [role] = await accessManager.probe({
    policy: { target: scene.target, parameters: {} } as never,
    signer: scene.signer,
    call: async (to, data) => ({
      ok: true,
      data: await scene.anvil.rpc('eth_call', [{ to, data }, 'latest']),
    }),
  })
  expect(role).toMatchObject({ name: 'role', ok: false })
  expect(role?.message).toContain('3600 s')
})

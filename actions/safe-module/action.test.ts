import { fileURLToPath } from 'node:url'
import type { Address, Hex } from 'tocsin'
import { actionConformance, sendFrom } from 'tocsin/testing'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { compileContracts } from '../../demo/contracts/compile.ts'
import {
  type ActionStage,
  createActionStage,
  type Deployed,
} from '../../test/support/actionScene.ts'
import { createSafe, readArtifact } from '../../test/support/safeScene.ts'
import { safeModule } from './action.ts'

const PAUSE: Hex = '0x8456cb59'
const UNPAUSE: Hex = '0x3f4ba83a'
const DAY_S = 86_400
const MODULE = fileURLToPath(new URL('../../contracts/GuardModule.json', import.meta.url))

let stage: ActionStage
beforeAll(async () => {
  stage = await createActionStage()
}, 240_000)
afterAll(() => stage?.stop())

const nowS = async (): Promise<number> =>
  Number(
    (await stage.anvil.rpc<{ timestamp: Hex }>('eth_getBlockByNumber', ['latest', false]))
      .timestamp,
  )

/** A Safe of one owner that holds the right to pause, with the module enabled and the pause armed for the signer. */
const createScene = async () => {
  const { anvil, signer, deploy } = stage
  const { safe, bySafe } = await createSafe(stage)
  const vault = await deploy('OwnedVault', safe.address)
  const module = await deploy(await readArtifact(MODULE), safe.address, signer)
  await bySafe(safe.address, safe.data('enableModule', [module.address]))
  const until = (await nowS()) + 300 * DAY_S
  const arm = (end = until, to = vault.address, data = PAUSE): Promise<void> =>
    bySafe(module.address, module.data('arm', [to, data, end]))
  await arm()
  return {
    anvil,
    signer,
    target: module.address,
    parameters: { safe: safe.address, contract: vault.address },
    guards: async () => [(await vault.read('paused')) === true],
    breaks: {
      'the module is disabled': () =>
        bySafe(
          safe.address,
          safe.data('disableModule', [`0x${'1'.padStart(40, '0')}`, module.address]),
        ),
      'the call is disarmed': () =>
        bySafe(module.address, module.data('disarm', [vault.address, PAUSE])),
      'the call was used': () => trip(module, vault.address),
      'it is armed for a few days only': async () => arm((await nowS()) + 3 * DAY_S),
    },
    safe,
    vault,
    module,
    bySafe,
    arm,
  }
}

const trip = (module: Deployed, to: Address, data: Hex = PAUSE, from = stage.signer) =>
  sendFrom(stage.anvil, from, module.address, module.data('trip', [to, data]))

for (const { name, run } of actionConformance(safeModule, {
  scene: createScene,
  badParameters: [
    {},
    { safe: `0x${'11'.repeat(20)}`, contract: `0x${'11'.repeat(20)}` },
    {
      safe: `0x${'11'.repeat(20)}`,
      contract: `0x${'22'.repeat(20)}`,
      call: { function: 'unpause()' },
    },
    {
      safe: `0x${'11'.repeat(20)}`,
      contract: `0x${'22'.repeat(20)}`,
      call: { function: 'setPoolPause(bool)', args: [false] },
    },
    { safe: `0x${'11'.repeat(20)}`, contract: `0x${'22'.repeat(20)}`, effect: [] },
  ],
}))
  test(name, run)

test('behavior: the artifact is what the compiler makes of the source', async () => {
  const folder = fileURLToPath(new URL('../../contracts', import.meta.url))
  const { GuardModule } = await compileContracts(folder)
  const artifact = await readArtifact(MODULE)
  expect(artifact.bytecode).toBe(GuardModule?.bytecode)
  expect(artifact.abi).toEqual(GuardModule?.abi)
})

test('behavior: the bot can make the armed call once, and no other', async () => {
  const { module, vault, safe, arm } = await createScene()
  const attempts = [
    trip(module, vault.address, UNPAUSE),
    trip(module, vault.address, `${PAUSE}00`),
    trip(module, safe.address),
    trip(module, module.address),
    trip(module, vault.address, PAUSE, stage.stranger),
    trip(module, vault.address, PAUSE, stage.admin),
  ]
  for (const attempt of attempts) expect((await attempt).success).toBe(false)
  expect(await vault.read('paused')).toBe(false)
  expect((await trip(module, vault.address)).success).toBe(true)
  expect(await vault.read('paused')).toBe(true)
  expect((await trip(module, vault.address)).success).toBe(false)
  // Armed anew while it is paused: the contract's own refusal is handed through, and the call is not used up.
  await arm()
  const again = await trip(module, vault.address)
  expect(again).toMatchObject({ success: false })
  expect(safeModule.isAlreadyEffective(again.revertData)).toBe(true)
  expect(await module.read('armedUntil', vault.address, PAUSE)).toBeGreaterThan(0n)
})

test('behavior: an armed call ends at its second', async () => {
  const { anvil, module, vault, arm } = await createScene()
  const end = (await nowS()) + 1_000
  await arm(end)
  await anvil.rpc('evm_setNextBlockTimestamp', [end + 1])
  await anvil.rpc('evm_mine')
  expect((await trip(module, vault.address)).success).toBe(false)
  expect(await vault.read('paused')).toBe(false)
})

test('behavior: only the Safe arms, and neither itself, nor the module, nor what has no code, nor for ever', async () => {
  const { module, vault, safe, bySafe, signer } = await createScene()
  const end = (await nowS()) + DAY_S
  for (const from of [signer, stage.stranger, stage.admin])
    for (const data of [
      module.data('arm', [vault.address, UNPAUSE, end]),
      module.data('disarm', [vault.address, PAUSE]),
    ])
      expect((await sendFrom(stage.anvil, from, module.address, data)).success).toBe(false)
  const refused = [
    [safe.address, PAUSE, end],
    [module.address, PAUSE, end],
    [stage.stranger, PAUSE, end],
    [vault.address, '0x', end],
    [vault.address, PAUSE, end - 2 * DAY_S],
    [vault.address, PAUSE, end + 400 * DAY_S],
  ] as const
  for (const args of refused)
    await expect(bySafe(module.address, module.data('arm', args))).rejects.toThrow(/revert/)
})

import { fileURLToPath } from 'node:url'
import type { Address, Hex } from 'tocsin'
import { actionConformance, sendFrom } from 'tocsin/testing'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { compileContracts } from '../../demo/contracts/compile.ts'
import { type ActionStage, createActionStage } from '../../test/support/actionScene.ts'
import { createSafe, readArtifact } from '../../test/support/safeScene.ts'
import { cometModule } from './action.ts'

const DAY_S = 86_400
const GETTERS = ['Supply', 'Transfer', 'Withdraw', 'Absorb', 'Buy'].map((each) => `is${each}Paused`)
const MODULE = fileURLToPath(new URL('../../contracts/CometModule.json', import.meta.url))
/** Supply and withdraw. */
const WANTED = 5

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

/** A market whose pause guardian is a Safe, with the module enabled and supply and withdraw armed for the signer. */
const createScene = async () => {
  const { anvil, signer, stranger, deploy } = stage
  const { safe, bySafe } = await createSafe(stage)
  const comet = await deploy('Comet', safe.address)
  const other = await deploy('Comet', stranger)
  const module = await deploy(await readArtifact(MODULE), safe.address, signer)
  await bySafe(safe.address, safe.data('enableModule', [module.address]))
  const until = (await nowS()) + 300 * DAY_S
  const arm = (end = until, flags = WANTED, to = comet.address): Promise<void> =>
    bySafe(module.address, module.data('arm', [to, flags, end]))
  await arm()
  const raise = (flags = WANTED, from = signer, to = comet.address) =>
    sendFrom(anvil, from, module.address, module.data('raise', [to, flags]))
  return {
    anvil,
    signer,
    target: module.address,
    parameters: { safe: safe.address, comet: comet.address, flags: ['supply', 'withdraw'] },
    guards: () => Promise.all(GETTERS.map(async (name) => (await comet.read(name)) === true)),
    // By the governor, who deployed it.
    raiseOthers: () => comet.write('pause', false, true, false, false, true),
    breaks: {
      'the module is disabled': () =>
        bySafe(
          safe.address,
          safe.data('disableModule', [`0x${'1'.padStart(40, '0')}`, module.address]),
        ),
      'the flags are disarmed': () =>
        bySafe(module.address, module.data('disarm', [comet.address])),
      'one of the flags only is armed': () => arm(until, 1),
      'the flags were used': () => raise(),
      'they are armed for a few days only': async () => arm((await nowS()) + 3 * DAY_S),
      'an upgrade names another guardian': async () => {
        const code = await anvil.rpc('eth_getCode', [other.address, 'latest'])
        await anvil.rpc('anvil_setCode', [comet.address, code])
      },
    },
    safe,
    comet,
    module,
    bySafe,
    arm,
    raise,
  }
}

const [A, B]: readonly [Address, Address] = [`0x${'11'.repeat(20)}`, `0x${'22'.repeat(20)}`]
for (const { name, run } of actionConformance(cometModule, {
  scene: createScene,
  badParameters: [
    {},
    { safe: A, comet: A, flags: ['supply'] },
    { safe: A, comet: B, flags: [] },
    { safe: A, comet: B, flags: ['everything'] },
    { safe: A, comet: B, flags: ['buy', 'buy'] },
  ],
}))
  test(name, run)

test('behavior: the artifact is what the compiler makes of the source', async () => {
  const folder = fileURLToPath(new URL('../../contracts', import.meta.url))
  const { CometModule } = await compileContracts(folder)
  const artifact = await readArtifact(MODULE)
  expect(artifact.bytecode).toBe(CometModule?.bytecode)
  expect(artifact.abi).toEqual(CometModule?.abi)
})

test('behavior: a flag that the governor raises first in the very block stays raised', async () => {
  const { anvil, admin, signer } = stage
  const { comet, module, guards } = await createScene()
  // Signed while nothing stands raised; the governor's call comes before it in the same block.
  for (const [from, to, data] of [
    [admin, comet.address, comet.data('pause', [false, false, false, true, true])],
    [signer, module.address, module.data('raise', [comet.address, WANTED])],
  ])
    await anvil.rpc('eth_sendTransaction', [{ from, to, data, gas: '0x7a120' }])
  expect(await guards()).toEqual([false, false, false, false, false])
  await anvil.rpc('evm_mine')
  expect(await guards()).toEqual([true, false, true, true, true])
})

test('behavior: the bot raises armed flags once, fewer too, and nothing else', async () => {
  const { comet, module, safe, raise, arm, guards } = await createScene()
  const attempts = [
    raise(WANTED, stage.stranger),
    raise(WANTED, stage.admin),
    raise(7),
    raise(0),
    raise(32),
    raise(WANTED, stage.signer, safe.address),
    raise(WANTED, stage.signer, module.address),
  ]
  for (const attempt of attempts) expect((await attempt).success).toBe(false)
  expect(await guards()).toEqual([false, false, false, false, false])
  expect((await raise(4)).success).toBe(true)
  expect(await guards()).toEqual([false, false, true, false, false])
  expect((await raise(4)).success).toBe(false)
  // Armed anew while it stands: told as such, and not used up.
  await arm()
  const again = await raise(4)
  expect(again.success).toBe(false)
  expect(cometModule.isAlreadyEffective(again.revertData)).toBe(true)
  expect((await raise()).success).toBe(true)
  expect(await guards()).toEqual([true, false, true, false, false])
  expect(await module.read('armed', comet.address)).toEqual([0, 0n])
})

test('behavior: only the Safe arms; neither itself, the module, what has no code, odd flags, nor for ever', async () => {
  const { anvil, signer, stranger, admin } = stage
  const { comet, module, safe, bySafe, arm, raise } = await createScene()
  const end = (await nowS()) + DAY_S
  for (const from of [signer, stranger, admin])
    for (const data of [
      module.data('arm', [comet.address, 31, end]),
      module.data('disarm', [comet.address]),
    ])
      expect((await sendFrom(anvil, from, module.address, data)).success).toBe(false)
  const refused = [
    [safe.address, WANTED, end],
    [module.address, WANTED, end],
    [stranger, WANTED, end],
    [comet.address, 0, end],
    [comet.address, 32, end],
    [comet.address, WANTED, end - 2 * DAY_S],
    [comet.address, WANTED, end + 400 * DAY_S],
  ] as const
  for (const args of refused)
    await expect(bySafe(module.address, module.data('arm', args))).rejects.toThrow(/revert/)
  await arm(end)
  await anvil.rpc('evm_setNextBlockTimestamp', [end + 1])
  await anvil.rpc('evm_mine')
  expect((await raise()).success).toBe(false)
})

import { fileURLToPath } from 'node:url'
import { runBotOnAnvil } from 'tocsin/testing'
import { expect, test } from 'vitest'
import { runAttack } from '../../demo/attack.ts'
import { callOf, compileContracts } from '../../demo/contracts/index.ts'
import { playTraffic } from '../../demo/traffic.ts'
import { useDemoSceneWith } from '../../test/support/demoScene.ts'
import { pauseWatch } from './bot.ts'

const scene = useDemoSceneWith(8, async ({ demo, deploy }) => {
  const { LapsingPause } = await compileContracts(
    fileURLToPath(new URL('contracts', import.meta.url)),
  )
  return { lapsing: await deploy(demo.actors.deployer.address, LapsingPause) }
})

const told = async () => {
  const { anvil, demo, lapsing, start } = scene()
  const found = await runBotOnAnvil(pauseWatch, anvil, {
    things: [
      { kind: 'vault', name: 'vault', address: demo.vault.address, protocol: 'demo' },
      { kind: 'contract', name: 'queue', address: lapsing.address, protocol: 'demo' },
      { kind: 'token', name: 'usd', address: demo.usd.address, protocol: 'demo' },
    ],
    from: start(),
  })
  return found.map(({ alertId, severity, thing, condition }) => [
    alertId,
    severity,
    thing,
    condition,
  ])
}
const passS = async (seconds: number): Promise<void> => {
  const { anvil, mine } = scene()
  await anvil.rpc('evm_increaseTime', [seconds])
  await mine()
}

test("behavior: ordinary traffic and the demo's attack, in which nobody pauses, are silent", async () => {
  const { demo, mine } = scene()
  await playTraffic({ deployment: demo, seconds: 10, ratePerS: 10, seed: 3, mine })
  await runAttack({ deployment: demo, drains: 2, mine })
  expect(await told()).toEqual([])
})

test('behavior: the vault is paused, its sibling forgotten; the token without a pause is not asked for', async () => {
  const { demo, mine, block } = scene()
  await block([callOf(demo.actors.pauser.address, demo.vault, 'pause', [])])
  expect(await told()).toEqual([['PAUSED', 'Info', 'vault', 'holds']])
  for (let i = 0; i < 10; i++) await mine()
  expect(await told()).toEqual([
    ['PAUSED', 'Info', 'vault', 'holds'],
    ['PAUSE-MISSING', 'Medium', 'queue', 'holds'],
  ])
})

test('behavior: a pause that lapses pages before, one without end does not', async () => {
  const { demo, lapsing, block } = scene()
  const call = (functionName: string, args: readonly unknown[] = []) =>
    callOf(demo.actors.deployer.address, lapsing, functionName, args)
  await block([
    call('pauseFor', [2n ** 256n - 1n]),
    callOf(demo.actors.pauser.address, demo.vault, 'pause', []),
  ])
  await passS(3_700)
  await block([call('resume')])
  const quiet = await told()
  expect(quiet.map(([, severity]) => severity)).toEqual(['Info', 'Info', 'Info'])
  await block([call('pauseFor', [30_000n])])
  await passS(28_000)
  expect((await told()).slice(quiet.length)).toEqual([
    ['PAUSED', 'Info', 'queue', 'holds'],
    ['PAUSE-EXPIRING', 'High', 'queue', 'holds'],
  ])
})

test('behavior: a pause lifted in secret is High within ten minutes', async () => {
  const { demo, lapsing, block } = scene()
  const call = (functionName: string, args: readonly unknown[] = []) =>
    callOf(demo.actors.deployer.address, lapsing, functionName, args)
  await block([call('pauseFor', [1_000_000n])])
  await passS(700)
  await block([call('resumeSilently')])
  await passS(700)
  expect((await told()).filter(([, severity]) => severity === 'High')).toEqual([
    ['PAUSE-SILENT', 'High', 'queue', null],
  ])
})

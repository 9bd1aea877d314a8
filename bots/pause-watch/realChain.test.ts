import { fileURLToPath } from 'node:url'
import { type Anvil, runBotOnAnvil, startAnvil } from 'tocsin/testing'
import type { Abi, Hex } from 'viem'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { runAttack } from '../../demo/attack.ts'
import { compileContracts } from '../../demo/contracts/compile.ts'
import { creation } from '../../demo/contracts/deployKit.ts'
import {
  callOf,
  createSender,
  type DemoDeployment,
  deployDemo,
  FIRST_USER,
  type Sender,
  type SendRequest,
} from '../../demo/contracts/index.ts'
import { playTraffic } from '../../demo/traffic.ts'
import { pauseWatch } from './bot.ts'

let anvil: Anvil
let demo: DemoDeployment
let lapsing: { readonly address: Hex; readonly abi: Abi }
let sender: Sender
let snapshot: unknown
let start = 0
const mine = (): Promise<unknown> => anvil.rpc('evm_mine')
const block = async (requests: readonly SendRequest[]) => {
  const hashes = await sender.send(requests)
  await mine()
  const receipts = await sender.wait(hashes)
  expect(receipts.map(({ status }) => status)).toEqual(requests.map(() => 'success'))
  return receipts
}

beforeAll(async () => {
  anvil = await startAnvil({ accounts: FIRST_USER + 8 })
  demo = await deployDemo({ rpcUrl: anvil.url, users: 8, mine })
  sender = await createSender({ rpcUrl: anvil.url })
  const { LapsingPause } = await compileContracts(
    fileURLToPath(new URL('contracts', import.meta.url)),
  )
  if (!LapsingPause) throw new Error('no LapsingPause')
  const [receipt] = await block([creation(demo.actors.deployer.address, LapsingPause)])
  if (!receipt?.contractAddress) throw new Error('not deployed')
  lapsing = { address: receipt.contractAddress, abi: LapsingPause.abi }
  snapshot = await anvil.rpc('evm_snapshot')
})
afterAll(() => anvil?.stop())
beforeEach(async () => {
  await anvil.rpc('evm_revert', [snapshot])
  snapshot = await anvil.rpc('evm_snapshot')
  sender = await createSender({ rpcUrl: anvil.url })
  start = Number(await anvil.rpc<string>('eth_blockNumber')) + 1
  await mine()
})
const told = async () =>
  (
    await runBotOnAnvil(pauseWatch, anvil, {
      things: [
        { kind: 'vault', name: 'vault', address: demo.vault.address, protocol: 'demo' },
        { kind: 'contract', name: 'queue', address: lapsing.address, protocol: 'demo' },
        { kind: 'token', name: 'usd', address: demo.usd.address, protocol: 'demo' },
      ],
      from: start,
    })
  ).map(({ alertId, severity, thing, condition }) => [alertId, severity, thing, condition])
const passS = async (seconds: number): Promise<void> => {
  await anvil.rpc('evm_increaseTime', [seconds])
  await mine()
}

test("behavior: ordinary traffic and the demo's attack, in which nobody pauses, are silent", async () => {
  await playTraffic({ deployment: demo, seconds: 10, ratePerS: 10, seed: 3, mine })
  await runAttack({ deployment: demo, drains: 2, mine })
  expect(await told()).toEqual([])
})

test('behavior: the vault is paused, its sibling forgotten; the token without a pause is not asked for', async () => {
  await block([callOf(demo.actors.pauser.address, demo.vault, 'pause', [])])
  expect(await told()).toEqual([['PAUSED', 'Info', 'vault', 'holds']])
  for (let i = 0; i < 10; i++) await mine()
  expect(await told()).toEqual([
    ['PAUSED', 'Info', 'vault', 'holds'],
    ['PAUSE-MISSING', 'Medium', 'queue', 'holds'],
  ])
})

test('behavior: a pause that lapses pages before, one without end does not', async () => {
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

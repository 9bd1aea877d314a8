import { type Anvil, runBotOnAnvil, startAnvil } from 'tocsin/testing'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { runAttack } from '../../demo/attack.ts'
import {
  callOf,
  createSender,
  type DemoDeployment,
  deployDemo,
  FIRST_USER,
  type Sender,
} from '../../demo/contracts/index.ts'
import { playTraffic } from '../../demo/traffic.ts'
import { silence } from './bot.ts'

let anvil: Anvil
let demo: DemoDeployment
let sender: Sender
let snapshot: unknown
let start = 0
const mine = (): Promise<unknown> => anvil.rpc('evm_mine')
const passS = async (seconds: number): Promise<void> => {
  await anvil.rpc('evm_increaseTime', [seconds])
  await mine()
}

beforeAll(async () => {
  anvil = await startAnvil({ accounts: FIRST_USER + 8 })
  demo = await deployDemo({ rpcUrl: anvil.url, users: 8, mine })
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
/** The vault emits something, in a block of its own after so long. */
const speak = async (afterS: number): Promise<void> => {
  await sender.send([
    callOf(demo.actors.whale.address, demo.vault, 'approve', [demo.actors.deployer.address, 1n]),
  ])
  await passS(afterS)
}
const told = async () =>
  (
    await runBotOnAnvil(silence, anvil, {
      things: [
        { kind: 'vault', name: 'vault', address: demo.vault.address, abi: demo.vault.abi },
        { kind: 'token', name: 'usd', address: demo.usd.address },
      ],
      from: start,
    })
  ).map(({ alertId, severity, thing, condition }) => [alertId, severity, thing, condition])

test("behavior: ordinary traffic and the demo's attack are silent", async () => {
  await playTraffic({ deployment: demo, seconds: 15, ratePerS: 10, seed: 9, mine })
  await runAttack({ deployment: demo, drains: 2, mine })
  expect(await told()).toEqual([])
})

test('behavior: a keeper that stops is told, and told to be back', async () => {
  for (let i = 0; i < 24; i++) await speak(600)
  for (let i = 0; i < 5; i++) await passS(600)
  expect(await told()).toEqual([])
  for (let i = 0; i < 4; i++) await passS(600)
  expect((await told()).at(-1)).toEqual(['SILENT', 'Low', 'vault', 'holds'])
  await speak(600)
  expect((await told()).at(-1)).toEqual(['SILENT', 'Info', 'vault', 'ended'])
})

test('behavior: full blocks, then empty ones; then no block for an hour', async () => {
  for (let i = 0; i < 45; i++) await speak(2)
  for (let i = 0; i < 9; i++) await passS(2)
  expect(await told()).toEqual([])
  await passS(2)
  await speak(2)
  await passS(3_600)
  expect(await told()).toEqual([
    ['EMPTY-BLOCKS', 'Low', null, 'holds'],
    ['EMPTY-BLOCKS', 'Info', null, 'ended'],
    ['STUCK-BLOCK', 'Low', null, null],
  ])
})

import { type Anvil, runBotOnAnvil, startAnvil } from 'tocsin/testing'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { runAttack } from '../../demo/attack.ts'
import {
  callOf,
  createSender,
  type DemoDeployment,
  deployDemo,
  FIRST_USER,
  type Sender,
  type SendRequest,
  USD,
} from '../../demo/contracts/index.ts'
import { playTraffic } from '../../demo/traffic.ts'
import { outflowCap } from './bot.ts'

const USERS = 8
let anvil: Anvil
let demo: DemoDeployment
let sender: Sender
let snapshot: unknown
let start = 0
const mine = (): Promise<unknown> => anvil.rpc('evm_mine')

beforeAll(async () => {
  anvil = await startAnvil({ accounts: FIRST_USER + USERS })
  demo = await deployDemo({ rpcUrl: anvil.url, users: USERS, mine })
  start = Number(await anvil.rpc<string>('eth_blockNumber')) + 1
  await playTraffic({ deployment: demo, seconds: 25, ratePerS: 12, seed: 5, mine })
  sender = await createSender({ rpcUrl: anvil.url })
  snapshot = await anvil.rpc('evm_snapshot')
})
afterAll(() => anvil?.stop())

const block = async (requests: readonly SendRequest[]) => {
  const hashes = await sender.send(requests)
  await mine()
  const receipts = await sender.wait(hashes)
  expect(receipts.map(({ status }) => status)).toEqual(requests.map(() => 'success'))
  return receipts
}
const run = () =>
  runBotOnAnvil(outflowCap, anvil, {
    things: [
      { kind: 'vault', name: 'vault', address: demo.vault.address, asset: demo.usd.address },
      { kind: 'pool', name: 'pair', address: demo.pair.address, variant: 'uniswap-v2' },
      { kind: 'pool', name: 'pool', address: demo.pool.address, variant: 'uniswap-v3' },
    ],
    parameters: { minSamples: 3, matureSamples: 3 },
    from: start,
  })

test('behavior: ordinary traffic and a whale that leaves never page; the drain does, in its first block', async () => {
  const { usd, vault, actors } = demo
  const whale = actors.whale.address
  const much = 2_000_000n * USD
  await block([
    callOf(whale, usd, 'approve', [vault.address, much]),
    callOf(whale, vault, 'deposit', [much, whale]),
  ])
  await block([callOf(whale, vault, 'redeem', [much, whale, whale])])
  const ordinary = await run()
  expect(ordinary.filter(({ severity }) => severity === 'High')).toEqual([])
  expect(ordinary.filter(({ metadata }) => metadata['matched'] !== 'yes')).toEqual([])

  await anvil.rpc('evm_revert', [snapshot])
  sender = await createSender({ rpcUrl: anvil.url })
  const before = await run()
  expect(before.filter(({ severity }) => severity === 'High')).toEqual([])
  const { steps } = await runAttack({ deployment: demo, mine })
  const first = steps.find(({ takenUnits }) => takenUnits > 0n)
  const found = (await run()).filter(({ metadata }) => metadata['matched'] === 'no')
  expect(found[0]).toMatchObject({
    alertId: 'OUTFLOW-ABOVE-CAP',
    thing: 'vault',
    blockNumber: first?.block,
    metadata: { recipientKind: 'account', firstTime: 'yes' },
  })
  expect(['Medium', 'High']).toContain(found[0]?.severity)
  expect(new Set(found.map(({ id }) => id)).size).toBe(found.length)
})

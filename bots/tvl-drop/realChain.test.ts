import { type Anvil, runBotOnAnvil, startAnvil } from 'tocsin/testing'
import { afterAll, beforeAll, expect, test } from 'vitest'
import {
  callOf,
  createSender,
  type DemoDeployment,
  deployDemo,
  FIRST_USER,
  USD,
} from '../../demo/contracts/index.ts'
import { tvlDrop } from './bot.ts'

const USERS = 30
const STEPS = 30
let anvil: Anvil
let demo: DemoDeployment
let start = 0
let snapshot: unknown
const mine = (): Promise<unknown> => anvil.rpc('evm_mine')
const wait = (seconds: number): Promise<unknown> => anvil.rpc('evm_increaseTime', [seconds])

beforeAll(async () => {
  anvil = await startAnvil({ accounts: FIRST_USER + USERS })
  demo = await deployDemo({ rpcUrl: anvil.url, users: USERS, mine })
  start = Number(await anvil.rpc<string>('eth_blockNumber')) + 1
  // Two days and more of calm.
  for (let hour = 0; hour < 17; hour++) {
    await wait(3 * 3_600)
    await mine()
  }
  snapshot = await anvil.rpc('evm_snapshot')
})
afterAll(() => anvil?.stop())

/** Seven thousandths of the treasury every forty minutes, to whom `to` says. */
const bleed = async (to: (step: number) => `0x${string}`) => {
  const sender = await createSender({ rpcUrl: anvil.url })
  const { usd, actors } = demo
  const treasury = actors.treasury.address
  const held = BigInt(
    await anvil.rpc<string>('eth_call', [callOf(treasury, usd, 'balanceOf', [treasury]), 'latest']),
  )
  expect(held).toBeGreaterThan(USD)
  for (let step = 0; step < STEPS; step++) {
    await wait(2_400)
    const hashes = await sender.send([
      callOf(treasury, usd, 'transfer', [to(step), (held * 7n) / 1_000n]),
    ])
    await mine()
    for (const { status } of await sender.wait(hashes)) expect(status).toBe('success')
  }
  return runBotOnAnvil(tvlDrop, anvil, {
    things: [{ kind: 'treasury', name: 'treasury', address: treasury, tokens: [usd.address] }],
    from: start,
  })
}

test('behavior: small payments to many never page; as many to one address are a slow drain', async () => {
  const many = await bleed((step) => demo.users[step]?.address ?? demo.actors.deployer.address)
  expect(many.filter(({ severity }) => severity !== 'Low')).toEqual([])

  await anvil.rpc('evm_revert', [snapshot])
  const thief = demo.actors.attacker.address
  const found = await bleed(() => thief)
  expect(found.map(({ alertId, severity }) => `${alertId} ${severity}`)).toEqual([
    'TVL-DRAIN-SLOW Medium',
    'TVL-DRAIN-SLOW High',
  ])
  expect(found[0]).toMatchObject({
    thing: 'treasury',
    condition: 'holds',
    metadata: { recipients: thief, concentrated: 'yes', recipientsNew: 'yes' },
  })
})

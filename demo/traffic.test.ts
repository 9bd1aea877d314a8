import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Anvil, startAnvil } from '../core/testing/index.ts'
import { type DemoDeployment, deployDemo, FIRST_USER } from './contracts/index.ts'
import { type PlannedTransaction, planTraffic } from './planTraffic.ts'
import { readChain } from './readChain.ts'
import { playTraffic } from './traffic.ts'

const USERS = 30
let anvil: Anvil
let deployment: DemoDeployment
const mine = (): Promise<unknown> => anvil.rpc('evm_mine')

beforeAll(async () => {
  anvil = await startAnvil({ accounts: FIRST_USER + USERS })
  deployment = await deployDemo({ rpcUrl: anvil.url, users: USERS, mine })
})
afterAll(() => anvil?.stop())

test('behavior: one seed always makes the same plan, another seed another', async () => {
  const plan = (seed: number): Promise<readonly PlannedTransaction[]> =>
    planTraffic(deployment, { seed, makerLiquidity: 10n ** 18n }).next(150)
  const first = await plan(7)
  expect(await plan(7)).toEqual(first)
  expect(await plan(8)).not.toEqual(first)
  const halves = planTraffic(deployment, { seed: 7, makerLiquidity: 10n ** 18n })
  expect([...(await halves.next(75)), ...(await halves.next(75))]).toEqual(first)
})

test('behavior: many users do many kinds of things, all of them succeed, the vault hardly moves', async () => {
  const chain = readChain(anvil.url)
  const before = await chain.vaultAssets(deployment)
  const plan = planTraffic(deployment, { seed: 3, makerLiquidity: 10n ** 18n })
  const senders = new Set((await plan.next(300)).map(({ request }) => request.from))
  expect(senders.size).toBeGreaterThanOrEqual(30)
  const result = await playTraffic({ deployment, seconds: 25, ratePerS: 12, seed: 3, mine })
  expect([result.sent, result.succeeded, result.reverted]).toEqual([300, 300, 0])
  expect(Object.keys(result.kinds).length).toBeGreaterThanOrEqual(11)
  const after = await chain.vaultAssets(deployment)
  expect(after).toBeGreaterThan((before * 97n) / 100n)
})

test('behavior: an abort ends it in order, with everything sent mined', async () => {
  const controller = new AbortController()
  const result = await playTraffic({
    deployment,
    seconds: 50,
    ratePerS: 5,
    seed: 9,
    mine,
    signal: controller.signal,
    onTick: ({ second }) => {
      if (second === 3) controller.abort()
    },
  })
  expect(result.sent).toBe(15)
  expect(result.succeeded + result.reverted).toBe(15)
})

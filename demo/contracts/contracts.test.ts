import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Anvil, startAnvil } from '../../core/testing/index.ts'
import { type AttackResult, pauseRequest, runAttack } from '../attack.ts'
import { readChain } from '../readChain.ts'
import {
  callOf,
  createSender,
  type DemoDeployment,
  deployDemo,
  FIRST_USER,
  type Sender,
  USD,
} from './index.ts'

const USERS = 6
let anvil: Anvil
let deployment: DemoDeployment
let sender: Sender
let start: unknown
const mine = (): Promise<unknown> => anvil.rpc('evm_mine')

beforeAll(async () => {
  anvil = await startAnvil({ accounts: FIRST_USER + USERS })
  deployment = await deployDemo({ rpcUrl: anvil.url, users: USERS, mine })
  sender = await createSender({ rpcUrl: anvil.url, mine })
  start = await anvil.rpc('evm_snapshot')
})
afterAll(() => anvil?.stop())

/** Back to the chain right after the deployment. */
const reset = async (): Promise<void> => {
  await anvil.rpc('evm_revert', [start])
  start = await anvil.rpc('evm_snapshot')
  sender = await createSender({ rpcUrl: anvil.url, mine })
}

test('behavior: a user deposits, moves shares and withdraws', async () => {
  await reset()
  const { vault, usd, users } = deployment
  const [a, b] = users.map((user) => user.address)
  if (a === undefined || b === undefined) throw new Error('no users')
  const chain = readChain(anvil.url)
  const before = await chain.vaultAssets(deployment)
  const receipts = await sender.wait(
    await sender.send([
      callOf(a, vault, 'deposit', [1_000n * USD, a]),
      callOf(a, vault, 'transfer', [b, 400n * USD]),
      callOf(a, vault, 'withdraw', [300n * USD, a, a]),
    ]),
  )
  expect(receipts.map((receipt) => receipt.status)).toEqual(['success', 'success', 'success'])
  expect(await chain.vaultAssets(deployment)).toBe(before + 700n * USD)
  expect(await chain.balanceOf(vault, b)).toBe(100_400n * USD)
  expect(await chain.balanceOf(usd, a)).toBe(400_000n * USD - 100_000n * USD - 700n * USD)
})

test('behavior: both pools hold liquidity around one price', async () => {
  await reset()
  const chain = readChain(anvil.url)
  const { pair, usd, weth, pool, tokenIds } = deployment
  expect(await chain.balanceOf(usd, pair.address)).toBe(2_000_000n * USD)
  expect(await chain.balanceOf(weth, pair.address)).toBe(1_000n * 10n ** 18n)
  expect(await chain.balanceOf(usd, pool.address)).toBeGreaterThan(1_500_000n * USD)
  const maker = await chain.positionLiquidity(deployment, tokenIds.marketMaker)
  const whale = await chain.positionLiquidity(deployment, tokenIds.whale)
  expect((whale * 100n) / (maker + whale)).toBeGreaterThan(15n)
})

test('behavior: only the pauser pauses, only the Safe could unpause, nothing moves while paused', async () => {
  await reset()
  const { actors, vault, users } = deployment
  const user = users[0]?.address
  if (user === undefined) throw new Error('no users')
  const stranger = await sender.wait(await sender.send([pauseRequest(deployment, user)]))
  expect(stranger[0]?.status).toBe('reverted')
  const pauser = actors.pauser.address
  const paused = await sender.wait(await sender.send([pauseRequest(deployment, pauser)]))
  expect(paused[0]?.status).toBe('success')
  const frozen = await sender.wait(
    await sender.send([
      callOf(user, vault, 'deposit', [USD, user]),
      callOf(user, vault, 'withdraw', [USD, user, user]),
      callOf(user, vault, 'transfer', [pauser, USD]),
      callOf(pauser, vault, 'unpause', []),
    ]),
  )
  expect(frozen.map((receipt) => receipt.status)).toEqual(Array(4).fill('reverted'))
})

test('behavior: unanswered, the attack takes most of the vault', async () => {
  await reset()
  const result = await runAttack({ deployment, mine, drains: 8 })
  expect(result.drains).toBe(8)
  expect(result.stopped).toBe(0)
  expect(result.stolenUnits).toBe(result.vaultBeforeUnits - result.vaultLeftUnits)
  expect(result.stolenUnits).toBeGreaterThan(result.vaultBeforeUnits / 2n)
})

test('behavior: a pause stops the drain, and what was taken and saved adds up', async () => {
  await reset()
  const chain = readChain(anvil.url)
  const attacker = deployment.actors.attacker.address
  const before = await chain.balanceOf(deployment.usd, attacker)
  const result: AttackResult = await runAttack({
    deployment,
    mine,
    drains: 5,
    beforeDrain: async (drain) => {
      if (drain !== 2) return
      await sender.wait(
        await sender.send([pauseRequest(deployment, deployment.actors.pauser.address)]),
      )
    },
  })
  expect([result.drains, result.stopped, result.isPaused]).toEqual([2, 3, true])
  expect(result.vaultLeftUnits).toBe(result.vaultBeforeUnits - result.stolenUnits)
  expect((await chain.balanceOf(deployment.usd, attacker)) - before).toBe(
    result.stolenUnits + result.pulled.usdUnits,
  )
  // Every step but the drains after the pause and the attempt to unpause did what the attacker wanted.
  const failed = result.steps.filter((step) => step.status === 'reverted').map((step) => step.what)
  expect(failed).toHaveLength(4)
  expect(failed.at(-1)).toBe('tries to unpause the vault')
})

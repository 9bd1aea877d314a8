import { fileURLToPath } from 'node:url'
import { type Anvil, runBotOnAnvil, startAnvil } from 'tocsin/testing'
import type { Abi } from 'viem'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { runAttack } from '../../demo/attack.ts'
import {
  callOf,
  compileContracts,
  createSender,
  deployDemo,
  FIRST_USER,
  type Sender,
  type SendRequest,
  USD,
} from '../../demo/contracts/index.ts'
import { playTraffic } from '../../demo/traffic.ts'
import { activity } from './bot.ts'

const DAY = 86_400
/** A Monday, noon UTC. */
const MONDAY = Date.UTC(2030, 0, 7, 12) / 1_000
let anvil: Anvil
let sender: Sender
let users: readonly `0x${string}`[] = []
let worker: { readonly address: `0x${string}`; readonly abi: Abi }
let snapshot: unknown
let start = 0

const at = async (timestampS: number, requests: readonly SendRequest[] = []) => {
  const hashes = await sender.send(requests)
  await anvil.rpc('evm_setNextBlockTimestamp', [timestampS])
  await anvil.rpc('evm_mine')
  return sender.wait(hashes)
}
const admin = (): `0x${string}` => users.at(-1) ?? '0x'
const work = (n: number): readonly SendRequest[] =>
  users.slice(0, n).map((user) => callOf(user, worker, 'work', [], { gas: 2_000_000n }))
const setBroken = (value: boolean): SendRequest => callOf(admin(), worker, 'setBroken', [value])
const run = () =>
  runBotOnAnvil(activity, anvil, {
    things: [{ kind: 'contract', name: 'worker', address: worker.address, abi: worker.abi }],
    from: start,
  })
const brief = (rows: readonly { alertId: string; severity: string; condition: string | null }[]) =>
  rows.map(({ alertId, severity, condition }) => [alertId, severity, condition])

beforeAll(async () => {
  anvil = await startAnvil({ accounts: 28, timestampS: MONDAY - DAY })
  users = (await anvil.rpc<readonly `0x${string}`[]>('eth_accounts')).map(
    (one) => one.toLowerCase() as `0x${string}`,
  )
  sender = await createSender({ rpcUrl: anvil.url })
  const { Worker } = await compileContracts(
    fileURLToPath(new URL('../gas-by-function/contracts', import.meta.url)),
  )
  if (!Worker) throw new Error('no Worker')
  const [made] = await at(MONDAY - DAY / 2, [
    { from: admin(), data: Worker.bytecode, gas: 2_000_000n },
  ])
  if (!made?.contractAddress) throw new Error('not deployed')
  worker = { address: made.contractAddress, abi: Worker.abi }
  start = made.blockNumber + 1
  snapshot = await anvil.rpc('evm_snapshot')
})
afterAll(() => anvil?.stop())
beforeEach(async () => {
  await anvil.rpc('evm_revert', [snapshot])
  snapshot = await anvil.rpc('evm_snapshot')
  sender = await createSender({ rpcUrl: anvil.url })
})

/** Fifteen calls a day. */
const playDays = async (days: number, from = 0): Promise<void> => {
  for (let day = from; day < from + days; day++) await at(MONDAY + day * DAY, work(15))
}

describe('of one contract', () => {
  test('behavior: a function that used to work and now fails is told in the block, and when it works again', async () => {
    await playDays(4)
    expect(await run()).toEqual([])
    await at(MONDAY + 4 * DAY, [setBroken(true)])
    await at(MONDAY + 4 * DAY + 12, work(4))
    expect(await run()).toEqual([])
    const receipts = await at(MONDAY + 4 * DAY + 24, work(8))
    expect(receipts.every(({ status }) => status === 'reverted')).toBe(true)
    const [found, ...more] = await run()
    expect(more).toEqual([])
    expect(found).toMatchObject({
      alertId: 'FUNCTION-FAILING',
      severity: 'Medium',
      blockNumber: receipts[0]?.blockNumber,
      metadata: { function: 'work()', paused: 'no', failingSenders: '8' },
    })
    await at(MONDAY + 4 * DAY + 36, [setBroken(false)])
    await at(MONDAY + 4 * DAY + 48, work(15))
    expect(brief(await run()).at(-1)).toEqual(['FUNCTION-FAILING', 'Info', 'ended'])
  })

  test('behavior: users who stay away for an hour are told at its end; two weeks with weekends are silent', async () => {
    const hours = async (day: number, counts: readonly number[]): Promise<void> => {
      for (const [hour, count] of counts.entries())
        await at(MONDAY + day * DAY + hour * 3_600, work(count))
    }
    for (let day = 0; day < 16; day++)
      await hours(day, day % 7 >= 5 ? [6, 7, 5, 6] : [24, 25, 26, 24])
    expect(await run()).toEqual([])
    await hours(16, [24, 3, 25, 24])
    const found = await run()
    expect(brief(found)).toEqual([
      ['ACTIVITY-DROP', 'Medium', 'holds'],
      ['ACTIVITY-DROP', 'Info', 'ended'],
    ])
    expect(found[0]?.metadata).toMatchObject({ users: '3' })
  })
})

describe('of the demo', () => {
  const USERS = 8
  let local: Anvil
  let demo: Awaited<ReturnType<typeof deployDemo>>
  let first = 0
  const mine = (): Promise<unknown> => local.rpc('evm_mine')
  const head = async (): Promise<number> => Number(await local.rpc<string>('eth_blockNumber'))
  const found = () =>
    runBotOnAnvil(activity, local, {
      things: [
        { kind: 'vault', name: 'vault', address: demo.vault.address, abi: demo.vault.abi },
        { kind: 'token', name: 'usd', address: demo.usd.address, abi: demo.usd.abi },
        { kind: 'pool', name: 'pair', address: demo.pair.address, variant: 'uniswap-v2' },
      ],
      from: first,
    })

  beforeAll(async () => {
    local = await startAnvil({ accounts: FIRST_USER + USERS })
    demo = await deployDemo({ rpcUrl: local.url, users: USERS, mine })
    first = (await head()) + 1
  })
  afterAll(() => local?.stop())

  test('behavior: ordinary traffic and an attack in the first minutes are silent; a pause is Low', async () => {
    await playTraffic({ deployment: demo, seconds: 10, ratePerS: 12, seed: 7, mine })
    const hands = await createSender({ rpcUrl: local.url })
    const block = async (requests: readonly SendRequest[], afterS: number) => {
      const hashes = await hands.send(requests)
      await local.rpc('evm_increaseTime', [afterS])
      await mine()
      return hands.wait(hashes)
    }
    const { vault, usd, actors } = demo
    await block(
      demo.users.map(({ address }) =>
        callOf(address, usd, 'approve', [vault.address, 1_000n * USD]),
      ),
      12,
    )
    const deposits = demo.users.map(({ address }) =>
      callOf(address, vault, 'deposit', [USD, address]),
    )
    for (let round = 0; round < 6; round++)
      for (const { status } of await block(deposits, 43_200)) expect(status).toBe('success')
    expect(await found()).toEqual([])
    await block([callOf(actors.pauser.address, vault, 'pause', [])], 12)
    for (const { status } of await block(deposits, 12)) expect(status).toBe('reverted')
    expect(await found()).toMatchObject([
      {
        alertId: 'FUNCTION-FAILING',
        severity: 'Low',
        thing: 'vault',
        metadata: { paused: 'yes', function: 'deposit(uint256,address)' },
      },
    ])
    await block([callOf(actors.deployer.address, vault, 'unpause', [])], 12)
    const told = (await found()).length
    await runAttack({ deployment: demo, drains: 2, mine })
    expect(await found()).toHaveLength(told)
  })
})

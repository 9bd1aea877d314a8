import { fileURLToPath } from 'node:url'
import { type Anvil, runBotOnAnvil, startAnvil } from 'tocsin/testing'
import type { Abi } from 'viem'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import {
  callOf,
  compileContracts,
  createSender,
  type Sender,
  type SendRequest,
} from '../../demo/contracts/index.ts'
import { gasByFunction } from './bot.ts'

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
const setRounds = (value: bigint): SendRequest => callOf(admin(), worker, 'setRounds', [value])
const run = () =>
  runBotOnAnvil(gasByFunction, anvil, {
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
  const { Worker } = await compileContracts(fileURLToPath(new URL('contracts', import.meta.url)))
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

test('behavior: work that grows threefold is told in the block that has it, ordinary days are silent', async () => {
  await playDays(9)
  expect(await run()).toEqual([])
  await at(MONDAY + 9 * DAY, [setRounds(8n)])
  const [call] = await at(MONDAY + 9 * DAY + 60, work(15))
  const found = await run()
  expect(brief(found)).toEqual([['GAS-SHIFT', 'Medium', 'holds']])
  expect(found[0]).toMatchObject({
    blockNumber: call?.blockNumber,
    metadata: { function: 'work()', senders: '15' },
  })
  await at(MONDAY + 9 * DAY + 120, [setRounds(1n)])
  await at(MONDAY + 9 * DAY + 180, work(15))
  expect(brief(await run()).at(-1)).toEqual(['GAS-SHIFT', 'Info', 'ended'])
})

test('behavior: one call with fifty times the work is a spike', async () => {
  await playDays(9)
  await at(MONDAY + 9 * DAY, [setRounds(50n), ...work(1), setRounds(1n)])
  await at(MONDAY + 9 * DAY + 60, work(15))
  const found = await run()
  expect(found).toMatchObject([
    { alertId: 'GAS-SPIKE', severity: 'Low', metadata: { caller: users[0], function: 'work()' } },
  ])
})

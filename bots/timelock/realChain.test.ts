import { type Anvil, runBotOnAnvil, startAnvil } from 'tocsin/testing'
import { encodeDeployData, encodeFunctionData, keccak256, toHex, zeroAddress } from 'viem'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { timelockAbi } from '../../abis/index.ts'
import {
  compileContracts,
  createSender,
  demoAccount,
  type Sender,
} from '../../demo/contracts/index.ts'
import { timelock } from './bot.ts'

const ZERO = `0x${'00'.repeat(32)}` as const
const PROPOSER = demoAccount(1).address
const THIEF = demoAccount(5).address
const DELAY_S = 600n

let anvil: Anvil
let sender: Sender
let snapshot: unknown
let start = 0
let lock: `0x${string}`
let token: `0x${string}`
let tokenAbi: Awaited<ReturnType<typeof compileContracts>>[string]['abi']
const mine = (): Promise<unknown> => anvil.rpc('evm_mine')

const send = async (to: `0x${string}` | undefined, data: `0x${string}`, from = PROPOSER) => {
  const hashes = await sender.send([{ from, data, gas: 5_000_000n, ...(to ? { to } : {}) }])
  await mine()
  const [receipt] = await sender.wait(hashes)
  expect(receipt?.status).toBe('success')
  return receipt?.contractAddress ?? zeroAddress
}

beforeAll(async () => {
  anvil = await startAnvil()
  sender = await createSender({ rpcUrl: anvil.url })
  const { DemoTimelock, DemoVoteToken } = await compileContracts()
  if (!DemoTimelock || !DemoVoteToken) throw new Error('contracts are missing')
  tokenAbi = DemoVoteToken.abi
  const args = [DELAY_S, [PROPOSER], [zeroAddress], zeroAddress]
  lock = await send(undefined, encodeDeployData({ ...DemoTimelock, args }))
  token = await send(undefined, encodeDeployData({ ...DemoVoteToken, args: [lock] }))
  snapshot = await anvil.rpc('evm_snapshot')
})
afterAll(() => anvil?.stop())
beforeEach(async () => {
  await anvil.rpc('evm_revert', [snapshot])
  snapshot = await anvil.rpc('evm_snapshot')
  sender = await createSender({ rpcUrl: anvil.url })
  start = Number(await anvil.rpc<string>('eth_blockNumber')) + 1
})

const operation = (
  step: 'schedule' | 'execute',
  target: `0x${string}`,
  data: `0x${string}`,
  delay = DELAY_S,
) =>
  encodeFunctionData({
    abi: timelockAbi,
    functionName: step,
    args: [target, 0n, data, ZERO, ZERO, ...(step === 'schedule' ? [delay] : [])],
  } as Parameters<typeof encodeFunctionData>[0])
const wait = async (seconds: bigint) => {
  await anvil.rpc('evm_increaseTime', [Number(seconds)])
  await mine()
}
const watch = () =>
  runBotOnAnvil(timelock, anvil, {
    things: [
      { kind: 'timelock', name: 'lock', address: lock },
      { kind: 'token', name: 'vote', address: token, abi: tokenAbi },
    ],
    from: start,
  })
const brief = (rows: Awaited<ReturnType<typeof watch>>) =>
  rows.map(({ alertId, severity, condition }) => [alertId, severity, condition])
const grant = (account: `0x${string}`) =>
  encodeFunctionData({
    abi: tokenAbi,
    functionName: 'grantRole',
    args: [keccak256(toHex('MINTER_ROLE')), account],
  })

describe('ordinary', () => {
  test('behavior: a role for a contract of the watchlist waits, runs, and wakes nobody', async () => {
    await send(lock, operation('schedule', token, grant(lock)))
    await wait(DELAY_S)
    await send(lock, operation('execute', token, grant(lock)))
    expect(brief(await watch())).toEqual([
      ['OPERATION-QUEUED', 'Low', null],
      ['OPERATION-EXECUTED', 'Info', null],
    ])
  })

  test('behavior: what was queued before the watch began is known to the chain', async () => {
    await send(lock, operation('schedule', token, grant(lock)))
    await wait(DELAY_S)
    start = Number(await anvil.rpc<string>('eth_blockNumber')) + 1
    await send(lock, operation('execute', token, grant(lock)))
    expect(brief(await watch())).toEqual([['OPERATION-EXECUTED', 'Low', null]])
  })
})

describe('attacks', () => {
  test("behavior: a stolen proposer's grant pages when it is queued, is due, and can be cancelled", async () => {
    await send(lock, operation('schedule', token, grant(THIEF)))
    await wait(DELAY_S / 2n)
    await mine()
    const id = await anvil.rpc<`0x${string}`>('eth_call', [
      {
        to: lock,
        data: encodeFunctionData({
          abi: timelockAbi,
          functionName: 'hashOperation',
          args: [token, 0n, grant(THIEF), ZERO, ZERO],
        }),
      },
      'latest',
    ])
    await send(lock, encodeFunctionData({ abi: timelockAbi, functionName: 'cancel', args: [id] }))
    const found = await watch()
    expect(brief(found)).toEqual([
      ['OPERATION-QUEUED', 'High', null],
      ['OPERATION-DUE', 'High', 'holds'],
      ['OPERATION-CANCELLED', 'Low', null],
      ['OPERATION-DUE', 'Info', 'ended'],
    ])
    expect(found[0]?.metadata).toMatchObject({ operation: id, delayS: '600', kinds: 'power' })
    expect(found[0]?.metadata['call.1']).toContain('vote (0x')
  })

  test('behavior: a delay cut to nothing, and then everything at once', async () => {
    const cut = encodeFunctionData({ abi: timelockAbi, functionName: 'updateDelay', args: [0n] })
    await send(lock, operation('schedule', lock, cut))
    await wait(DELAY_S)
    await send(lock, operation('execute', lock, cut))
    const both = await sender.send(
      (['schedule', 'execute'] as const).map((step) => ({
        from: PROPOSER,
        to: lock,
        gas: 500_000n,
        data: operation(step, token, grant(THIEF), 0n),
      })),
    )
    await mine()
    await sender.wait(both)
    const found = await watch()
    expect(found.at(0)).toMatchObject({ alertId: 'OPERATION-QUEUED', severity: 'High' })
    expect(found.at(-1)).toMatchObject({
      alertId: 'OPERATION-UNQUEUED',
      severity: 'Critical',
      metadata: { breach: 'at-once' },
    })
  })
})

import { type Anvil, runBotOnAnvil, startAnvil } from 'tocsin/testing'
import { encodeFunctionData, keccak256, parseAbi, toHex } from 'viem'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { accessControlAbi, safeAbi, timelockAbi } from '../../abis/index.ts'
import {
  type DemoDeployment,
  demoAccount,
  deployDemo,
  FIRST_USER,
} from '../../demo/contracts/index.ts'
import { adminCall } from './bot.ts'

type Hex = `0x${string}`
const ZERO_WORD = `0x${'0'.repeat(64)}` as const
const MODULE = demoAccount(6).address
const DELAY_S = 60
// Writes 1 to slot 4, which of a Safe is the threshold.
const WRITER = '0x00000000000000000000000000000000000000e1'
const moduleAbi = parseAbi([
  'function execTransactionFromModule(address to, uint256 value, bytes data, uint8 operation) returns (bool success)',
])

let anvil: Anvil
let demo: DemoDeployment
let snapshot: unknown
let start = 0

/** As anybody, contracts too, in a block of its own. */
const send = async (from: Hex, to: Hex, data: Hex): Promise<void> => {
  await anvil.rpc('anvil_impersonateAccount', [from])
  await anvil.rpc('anvil_setBalance', [from, toHex(10n ** 20n)])
  const hash = await anvil.rpc('eth_sendTransaction', [{ from, to, data, gas: '0x1e8480' }])
  await anvil.rpc('evm_mine')
  const receipt = await anvil.rpc<{ status: string }>('eth_getTransactionReceipt', [hash])
  expect(receipt.status).toBe('0x1')
}
const watch = () =>
  runBotOnAnvil(adminCall, anvil, {
    things: [
      { kind: 'timelock', name: 'timelock', address: demo.timelock.address },
      { kind: 'multisig', name: 'safe', address: demo.safe.address },
    ],
    from: start,
  })

beforeAll(async () => {
  anvil = await startAnvil({ accounts: FIRST_USER + 2 })
  const mine = () => anvil.rpc('evm_mine')
  demo = await deployDemo({ rpcUrl: anvil.url, users: 2, mine })
  await anvil.rpc('anvil_setCode', [WRITER, '0x600160045500'])
  const enable = encodeFunctionData({ abi: safeAbi, functionName: 'enableModule', args: [MODULE] })
  await send(demo.safe.address, demo.safe.address, enable)
  snapshot = await anvil.rpc('evm_snapshot')
}, 60_000)
afterAll(() => anvil?.stop())
beforeEach(async () => {
  await anvil.rpc('evm_revert', [snapshot])
  snapshot = await anvil.rpc('evm_snapshot')
  start = Number(await anvil.rpc<string>('eth_blockNumber')) + 1
})

const grant = encodeFunctionData({
  abi: accessControlAbi,
  functionName: 'grantRole',
  args: [keccak256(toHex('PROPOSER_ROLE')), MODULE],
})
const pass = (functionName: 'schedule' | 'execute') => {
  const { timelock, governor } = demo
  const own = [timelock.address, 0n, grant, ZERO_WORD, ZERO_WORD] as const
  const data =
    functionName === 'schedule'
      ? encodeFunctionData({ abi: timelockAbi, functionName, args: [...own, BigInt(DELAY_S)] })
      : encodeFunctionData({ abi: timelockAbi, functionName, args: own })
  return send(governor.address, timelock.address, data)
}

test('behavior: a role that the queue gives after its delay is announced; the same past the queue is Critical', async () => {
  await pass('schedule')
  await anvil.rpc('evm_increaseTime', [DELAY_S])
  await pass('execute')
  await send(
    demo.timelock.address,
    demo.timelock.address,
    encodeFunctionData({
      abi: accessControlAbi,
      functionName: 'grantRole',
      args: [keccak256(toHex('PROPOSER_ROLE')), WRITER],
    }),
  )
  const [announced, past, ...rest] = await watch()
  expect(rest).toEqual([])
  expect(announced).toMatchObject({
    alertId: 'ROLE-CHANGED',
    severity: 'Medium',
    metadata: { announcedBy: 'timelock', queuedInSight: 'yes' },
  })
  expect(past).toMatchObject({ alertId: 'ROLE-CHANGED', severity: 'Critical' })
})

test('behavior: what was queued before the watch began is known to the timelock', async () => {
  await pass('schedule')
  start += 1
  await anvil.rpc('evm_increaseTime', [DELAY_S])
  await pass('execute')
  expect(await watch()).toMatchObject([
    { alertId: 'ROLE-CHANGED', severity: 'Medium', metadata: { queuedInSight: 'no' } },
  ])
})

test('behavior: foreign code lowers the threshold of a Safe, and no event tells of it', async () => {
  const run = (to: Hex, operation: number) =>
    send(
      MODULE,
      demo.safe.address,
      encodeFunctionData({
        abi: moduleAbi,
        functionName: 'execTransactionFromModule',
        args: [to, 0n, '0x', operation],
      }),
    )
  await run(demoAccount(1).address, 0)
  expect(await watch()).toEqual([])
  await run(WRITER, 1)
  expect(await watch()).toMatchObject([
    {
      alertId: 'ADMIN-SLOT-CHANGED',
      severity: 'Critical',
      thing: 'safe',
      metadata: { what: 'threshold', before: '2', after: '1' },
    },
  ])
})

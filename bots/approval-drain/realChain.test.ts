import { type Anvil, runBotOnAnvil, startAnvil } from 'tocsin/testing'
import { afterAll, beforeAll, expect, test } from 'vitest'
import {
  callOf,
  createSender,
  type DemoDeployment,
  deployDemo,
  FIRST_USER,
  type SendRequest,
} from '../../demo/contracts/index.ts'
import { playTraffic } from '../../demo/traffic.ts'
import { approvalDrain } from './bot.ts'

const USERS = 11
let anvil: Anvil
let demo: DemoDeployment
const mine = (): Promise<unknown> => anvil.rpc('evm_mine')
const head = async (): Promise<number> => Number(await anvil.rpc<string>('eth_blockNumber'))

beforeAll(async () => {
  anvil = await startAnvil({ accounts: FIRST_USER + USERS })
  demo = await deployDemo({ rpcUrl: anvil.url, users: USERS, mine })
})
afterAll(() => anvil?.stop())

test('behavior: ordinary approvals are silent; eleven for a stranger are told, and so is what it takes', async () => {
  const start = (await head()) + 1
  const run = () =>
    runBotOnAnvil(approvalDrain, anvil, {
      things: [{ kind: 'token', name: 'usd', address: demo.usd.address }],
      from: start,
    })
  await playTraffic({ deployment: demo, seconds: 8, ratePerS: 12, seed: 3, mine })
  expect(await run()).toEqual([])

  const sender = await createSender({ rpcUrl: anvil.url })
  const block = async (requests: readonly SendRequest[]) => {
    const hashes = await sender.send(requests)
    await mine()
    for (const { status } of await sender.wait(hashes)) expect(status).toBe('success')
    return head()
  }
  const { usd, users, actors } = demo
  const thief = actors.attacker.address
  const approved = await block(
    users.map(({ address }) => callOf(address, usd, 'approve', [thief, 1_000n])),
  )
  const taken = await block(
    users.map(({ address }) => callOf(thief, usd, 'transferFrom', [address, thief, 1_000n])),
  )
  expect(await run()).toMatchObject([
    {
      alertId: 'MANY-APPROVALS',
      severity: 'Medium',
      thing: 'usd',
      blockNumber: approved,
      metadata: { spender: thief, spenderKind: 'account' },
    },
    {
      alertId: 'APPROVALS-DRAINED',
      severity: 'High',
      blockNumber: taken,
      metadata: { spender: thief, caller: thief, recipients: thief },
    },
  ])
})

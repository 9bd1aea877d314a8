import { runBotOnAnvil } from 'tocsin/testing'
import { expect, test } from 'vitest'
import { callOf, createSender, type SendRequest } from '../../demo/contracts/index.ts'
import { playTraffic } from '../../demo/traffic.ts'
import { useDemoScene } from '../../test/support/demoScene.ts'
import { approvalDrain } from './bot.ts'

const scene = useDemoScene(11)

test('behavior: ordinary approvals are silent; eleven for a stranger are told, and so is what it takes', async () => {
  const { anvil, demo, mine, head } = scene()
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

import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { createSignerFixture, type SignerFixture } from '../../test/support/signerFixture.ts'
import { verifyExecutionLog } from './executionLog.ts'

let f: SignerFixture
beforeAll(async () => {
  f = await createSignerFixture()
}, 240_000)
afterAll(() => f?.stop())
beforeEach(() => f.reset())

test('default: a finding becomes an intent, a pause on chain, and a proven effect', async () => {
  await f.writePolicy()
  await f.start()
  const { executions } = await f.find()
  const id = executions[0] ?? ''
  const sent = await f.until(id, ({ status }) => status === 'sent')
  expect(await f.isPaused()).toBe(false)
  expect(sent.simulation).toMatchObject({ outcome: 'passed', method: 'eth_simulateV1' })
  console.info('notify to broadcast', (sent.broadcastAt?.getTime() ?? 0) - sent.requestedAt.getTime())
  await f.mine()
  const done = await f.until(id, ({ status }) => status === 'succeeded')
  expect(await f.isPaused()).toBe(true)
  expect(done.txHashes).toContain(done.minedTxHash)
  await f.mine(3)
  await f.until(id, ({ confirmedAt }) => confirmedAt !== null)
  expect(await f.events(id)).toEqual(['sending', 'sent', 'succeeded', 'confirmed'])
  expect((await verifyExecutionLog(f.database.db)).ok).toBe(true)
})

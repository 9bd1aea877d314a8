import { rm } from 'node:fs/promises'
import { eq } from 'drizzle-orm'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { approve } from '../../test/support/approve.ts'
import {
  createSignerFixture,
  type ExecutionRow,
  type SignerFixture,
} from '../../test/support/signerFixture.ts'
import { sleep } from '../base/index.ts'
import { tables } from '../store/index.ts'
import { ledgerFile } from './ledger.ts'
import { loadPolicies } from './loadPolicies.ts'
import { nameIntent } from './requestExecutions.ts'

let f: SignerFixture
beforeAll(async () => {
  f = await createSignerFixture()
}, 240_000)
afterAll(() => f?.stop())
beforeEach(() => f.reset())

const OPEN_LIMITS = {
  cooldownS: 0,
  limits: { maxPerWindow: 3, windowS: 3_600, maxLifetime: 100 },
}

const sentCount = async (): Promise<number> =>
  Number(await f.anvil.rpc<string>('eth_getTransactionCount', [f.signer, 'pending']))

/** What a thief who owns the database writes, and the call that wakes the signer. */
const rewrite = async (id: string, patch: Partial<ExecutionRow>): Promise<void> => {
  await f.database.db.update(tables.execution).set(patch).where(eq(tables.execution.id, id))
  await f.database.pool.query('notify tocsin_execution')
}

const FRESH = {
  confirmedAt: null,
  finalAt: null,
  minedTxHash: null,
  minedBlock: null,
  minedBlockHash: null,
} as const

/** Back to the beginning, as if nothing had ever been signed for it. */
const UNSIGNED = {
  ...FRESH,
  nonce: null,
  attempts: [],
  txHashes: [],
  sendingAt: null,
  broadcastAt: null,
  signerAddress: null,
  warrant: null,
  feeWei: null,
} satisfies Partial<ExecutionRow>

/** Pauses, and people lift it again: what follows must not happen twice. */
const runOnce = async (id: string): Promise<ExecutionRow> => {
  await f.until(id, ({ status }) => status === 'sent')
  await f.mine()
  const done = await f.until(id, ({ status }) => status === 'succeeded')
  await f.mine(3)
  await f.until(id, ({ confirmedAt }) => confirmedAt !== null)
  await f.asAdmin('unpause')
  return done
}

const isEnded = ({ status }: ExecutionRow): boolean => status === 'refused' || status === 'failed'

/** Ended by the signer with this code, and nothing was sent. */
const expectUnused = async (id: string, code: string, before: number): Promise<void> => {
  const row = await f.until(id, isEnded)
  expect(row.reasonCode).toBe(code)
  await f.mine()
  expect(await sentCount()).toBe(before)
  expect(await f.isPaused()).toBe(false)
}

test('error: a row that ran, set back to requested, proposed or in flight, runs no second time', async () => {
  await f.writePolicy(OPEN_LIMITS)
  await f.start()
  const id = (await f.find()).executions[0] ?? ''
  const done = await runOnce(id)
  const before = await sentCount()
  const backs: readonly Partial<ExecutionRow>[] = [
    { ...UNSIGNED, status: 'requested' },
    { ...UNSIGNED, status: 'proposed', approvedBy: 'Ada' },
    { ...done, ...FRESH, status: 'sent', sendingAt: new Date() },
    { ...done, ...FRESH, status: 'sending', sendingAt: new Date(), txHashes: [] },
  ]
  for (const back of backs) {
    await rewrite(id, back)
    await expectUnused(id, 'used', before)
  }
})

test('error: an approval that was used, and one of a proposal that ended, release nothing', async () => {
  await f.writePolicy({ ...OPEN_LIMITS, mode: 'propose' })
  await f.start()
  const used = (await f.find()).executions[0] ?? ''
  await f.until(used, ({ status }) => status === 'proposed')
  await approve(f, used, 'Ada')
  await runOnce(used)
  const before = await sentCount()
  await rewrite(used, { ...UNSIGNED, status: 'requested' })
  await expectUnused(used, 'used', before)
  const denied = (await f.find()).executions[0] ?? ''
  await f.until(denied, ({ status }) => status === 'proposed')
  await approve(f, denied, 'Grace', 'deny')
  await expectUnused(denied, 'denied', before)
  // The denial is taken away, and the answers of another are put in its place.
  await f.database.db.delete(tables.executionApproval)
  await rewrite(denied, { ...UNSIGNED, status: 'proposed', approvedBy: 'Ada' })
  await expectUnused(denied, 'used', before)
})

test('error: a proposal whose time ran out is not acted upon later by a row that was set back', async () => {
  await f.writePolicy({
    ...OPEN_LIMITS,
    mode: 'propose',
    approval: { timeoutS: 1, onTimeout: 'execute' },
  })
  await f.start()
  const id = (await f.find()).executions[0] ?? ''
  await runOnce(id)
  const before = await sentCount()
  await rewrite(id, { ...UNSIGNED, status: 'proposed', approvedBy: 'x' })
  await expectUnused(id, 'used', before)
  const other = await f.find({ status: 'retracted' })
  await rewrite(id, { ...UNSIGNED, status: 'proposed', findingId: other.finding.id })
  await expectUnused(id, 'forged', before)
})

test('error: the same finding is answered once, whatever epoch an intent claims', async () => {
  await f.writePolicy(OPEN_LIMITS)
  await f.start()
  const { executions, finding } = await f.find()
  const done = await runOnce(executions[0] ?? '')
  const before = await sentCount()
  const [policy] = await loadPolicies(f.actionsDir)
  if (!policy) throw new Error('no policy')
  const name = nameIntent(policy, 7, finding.id)
  await f.database.db
    .insert(tables.execution)
    .values({ ...done, ...UNSIGNED, ...name, epoch: 7, status: 'requested' })
  await f.database.pool.query('notify tocsin_execution')
  await expectUnused(name.id, 'used', before)
})

test("error: a signer without the other's book signs nothing beside genuine bytes that are swapped", async () => {
  await f.writePolicy(OPEN_LIMITS)
  await f.start()
  const id = (await f.find()).executions[0] ?? ''
  const done = await runOnce(id)
  await f.stopSigners()
  await rm(ledgerFile(f.dataDir))
  const before = await sentCount()
  const inFlight = { ...FRESH, status: 'sent' as const, sendingAt: new Date() }
  await rewrite(id, { ...inFlight, attempts: done.attempts, nonce: done.nonce })
  await f.start()
  await sleep(1_000)
  expect((await f.row(id)).status).toBe('sent')
  const [genuine] = done.attempts as { hash: string; raw: string }[]
  const fake = { maxFeePerGasWei: '1', maxPriorityFeePerGasWei: '1', atBlock: 0 }
  const swaps = [
    [{ ...fake, hash: `0x${'00'.repeat(32)}`, raw: '0x00' }],
    [{ ...fake, hash: `0x${'00'.repeat(32)}`, raw: genuine?.raw ?? '' }],
  ]
  for (const attempts of swaps) {
    await rewrite(id, { ...inFlight, attempts, nonce: (done.nonce ?? 0) + 1 })
    await expectUnused(id, 'forged', before)
    await rewrite(id, { ...inFlight, attempts, nonce: done.nonce })
    await expectUnused(id, 'forged', before)
  }
})

test('error: amounts that are no amounts make no room for more spending', async () => {
  await f.writePolicy({
    ...OPEN_LIMITS,
    gasLimit: 200_000,
    maxFeePerGasWei: '500 gwei',
    maxSpendWeiPer24h: '0.1 ether',
  })
  const { executions } = await f.find()
  const row = await f.row(executions[0] ?? '')
  const spent = { ...row, status: 'failed' as const, sendingAt: new Date(), triggeredAtS: 1 }
  await f.database.db.insert(tables.execution).values([
    { ...spent, id: 'x_a', idempotencyKey: 'a', feeWei: '100000000000000000' },
    { ...spent, id: 'x_b', idempotencyKey: 'b', feeWei: `-1${'0'.repeat(30)}` },
  ])
  await f.database.pool.query(
    `insert into tocsin.execution select (jsonb_populate_record(e, '{"id":"x_c","idempotency_key":"c","fee_wei":"NaN"}')).* from tocsin.execution e where id = 'x_a'`,
  )
  const before = await sentCount()
  await f.start()
  await expectUnused(row.id, 'limit', before)
  await f.database.db.delete(tables.execution).where(eq(tables.execution.id, 'x_c'))
  const next = (await f.find()).executions[0] ?? ''
  await expectUnused(next, 'spend', before)
})

import { writeFile } from 'node:fs/promises'
import { eq } from 'drizzle-orm'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { approve } from '../../test/support/approve.ts'
import { createSignerFixture, type SignerFixture } from '../../test/support/signerFixture.ts'
import { tables } from '../store/index.ts'
import { verifyExecutionLog } from './executionLog.ts'
import { loadPolicies } from './loadPolicies.ts'
import { killSwitchFile } from './people/killSwitch.ts'
import { nameIntent } from './requestExecutions.ts'

let f: SignerFixture
beforeAll(async () => {
  f = await createSignerFixture()
}, 240_000)
afterAll(() => f?.stop())
beforeEach(() => f.reset())

const sentCount = async (): Promise<number> =>
  Number(await f.anvil.rpc<string>('eth_getTransactionCount', [f.signer, 'pending']))

/** Requests, starts a signer, and returns the row as the signer left it; checks that nothing was sent. */
const settleUnsent = async (changes: Parameters<SignerFixture['find']>[0] = {}) => {
  const before = await sentCount()
  const { executions } = await f.find(changes)
  await f.start()
  const row = await f.until(executions[0] ?? '', ({ status }) => status !== 'requested')
  expect(await sentCount()).toBe(before)
  expect(row.txHashes).toEqual([])
  return row
}

test('default: a finding becomes an intent, a pause on chain, and a proven effect', async () => {
  await f.writePolicy()
  const signer = await f.start()
  const { executions } = await f.find()
  const id = executions[0] ?? ''
  const sent = await f.until(id, ({ status }) => status === 'sent')
  expect(await f.isPaused()).toBe(false)
  expect(sent.simulation).toMatchObject({ outcome: 'passed', method: 'eth_simulateV1' })
  await f.mine()
  const done = await f.until(id, ({ status }) => status === 'succeeded')
  expect(await f.isPaused()).toBe(true)
  expect(done.txHashes).toContain(done.minedTxHash)
  expect(BigInt(done.feeWei ?? 0)).toBeGreaterThan(0n)
  await f.mine(3)
  await f.until(id, ({ confirmedAt }) => confirmedAt !== null)
  expect(await f.events(id)).toEqual(['sending', 'sent', 'succeeded', 'confirmed'])
  expect((await verifyExecutionLog(f.database.db)).ok).toBe(true)
  await expect
    .poll(() => signer.report(), { timeout: 5_000 })
    .toMatchObject({ status: 'ok', detail: { address: f.signer } })
})

test('behavior: mode observe writes down what would be done', async () => {
  await f.writePolicy({ mode: 'observe' })
  const row = await settleUnsent()
  expect(row.status).toBe('observed')
  expect(row.simulation).toMatchObject({ outcome: 'passed' })
})

test('behavior: mode propose waits for a person, whose name is kept', async () => {
  await f.writePolicy({ mode: 'propose' })
  const row = await settleUnsent()
  expect(row.status).toBe('proposed')
  await expect(approve(f, 'x_none', 'Ada')).rejects.toMatchObject({
    code: 'execution.unknown',
  })
  await approve(f, row.id, 'Ada\u0000 Lovelace')
  await f.until(row.id, ({ status }) => status === 'sent')
  await f.mine()
  const done = await f.until(row.id, ({ status }) => status === 'succeeded')
  expect(done.approvedBy).toBe('Ada Lovelace')
  expect(await f.events(row.id)).toEqual(['proposed', 'approved', 'sending', 'sent', 'succeeded'])
})

test('behavior: a proposal that nobody approves ends', async () => {
  await f.writePolicy({ mode: 'propose', approval: { timeoutS: 1 } })
  const { id } = await settleUnsent()
  const row = await f.until(id, ({ status }) => status === 'refused')
  expect(row.reasonCode).toBe('approval_timeout')
  await expect(approve(f, id, 'Ada')).rejects.toMatchObject({
    code: 'execution.not_proposed',
  })
})

test('behavior: what is paused already needs nothing', async () => {
  await f.writePolicy()
  await f.anvil.rpc('anvil_impersonateAccount', [f.signer])
  await f.anvil.rpc('eth_sendTransaction', [
    { from: f.signer, to: f.vault, data: '0x8456cb59', gas: '0x30d40' },
  ])
  await f.mine()
  await f.anvil.rpc('anvil_stopImpersonatingAccount', [f.signer])
  expect((await settleUnsent()).status).toBe('not_needed')
})

const refusals: readonly (readonly [
  string,
  string,
  Record<string, unknown>,
  Parameters<SignerFixture['find']>[0],
])[] = [
  [
    'an expired policy',
    'expired',
    { approvedAt: '2020-01-01T00:00:00Z', expiresAt: '2020-01-02T00:00:00Z' },
    {},
  ],
  [
    'a policy approved from tomorrow on',
    'not_yet_approved',
    { approvedAt: '2098-01-01T00:00:00Z' },
    {},
  ],
  ['a finding of another alert', 'trigger', {}, { alertId: 'OTHER' }],
  ['a finding of another thing', 'trigger', {}, { thing: 'elsewhere' }],
  [
    'a finding too mild for the policy',
    'trigger',
    { triggers: [{ bot: 'tvl-drop', minSeverity: 'Critical' }] },
    { severity: 'High' },
  ],
  ['a finding that was retracted', 'finding_retracted', {}, { status: 'retracted' }],
  ['a finding too old in seconds', 'stale', {}, { blockTimestampS: 1_600_000_000 }],
  ['a finding from the future', 'stale', {}, { blockTimestampS: 4_000_000_000 }],
  ['a target whose code changed', 'code', { codeHash: `0x${'00'.repeat(32)}` }, {}],
  ['a target whose implementation changed', 'code', { implementation: `0x${'11'.repeat(20)}` }, {}],
  [
    'a proxy approved without its implementation is not another matter: code still counts',
    'code',
    { implementation: undefined, codeHash: `0x${'22'.repeat(32)}` },
    {},
  ],
]
test.each(refusals)('behavior: %s is refused (%s)', async (_, code, policy, finding) => {
  await f.writePolicy(policy)
  const row = await settleUnsent(finding)
  expect([row.status, row.reasonCode]).toEqual(['refused', code])
  expect(await f.events(row.id)).toEqual(['refused'])
})

test('behavior: a finding too old in blocks is refused', async () => {
  await f.writePolicy({ freshness: { blocks: 2, seconds: 600 } })
  const { executions } = await f.find()
  await f.mine(3)
  await f.start()
  expect(
    (await f.until(executions[0] ?? '', ({ status }) => status === 'refused')).reasonCode,
  ).toBe('stale')
})

test.each([
  ['has not seen', { blockNumber: 1_000_000 }],
  ['has another of', { blockHash: `0x${'ab'.repeat(32)}` }],
] as const)(
  'behavior: a finding of a block that the signer %s is put off until it is stale',
  async (_, finding) => {
    const head = await f.anvil.rpc<{ timestamp: string }>('eth_getBlockByNumber', ['latest', false])
    const ageS = Math.ceil(Date.now() / 1000 - Number(head.timestamp))
    await f.writePolicy({ freshness: { blocks: 50, seconds: ageS + 2 } })
    const { executions } = await f.find(finding)
    await f.start()
    await new Promise((resolve) => setTimeout(resolve, 700))
    expect((await f.row(executions[0] ?? '')).status).toBe('requested')
    const row = await f.until(executions[0] ?? '', ({ status }) => status === 'refused')
    expect([row.reasonCode, row.txHashes]).toEqual(['stale', []])
  },
)

test('behavior: a retraction before the signer looks is honoured', async () => {
  await f.writePolicy()
  const { finding, executions } = await f.find()
  await f.database.db
    .update(tables.finding)
    .set({ status: 'retracted' })
    .where(eq(tables.finding.id, finding.id))
  await f.start()
  expect(
    (await f.until(executions[0] ?? '', ({ status }) => status === 'refused')).reasonCode,
  ).toBe('finding_retracted')
})

test('behavior: the kill switch stops everything', async () => {
  await f.writePolicy()
  await writeFile(killSwitchFile(f.dataDir), '')
  const row = await settleUnsent()
  expect(row.reasonCode).toBe('halted')
})

test('behavior: a pause that would revert is refused and says so', async () => {
  await f.writePolicy()
  const role = '0x65d7a28e3265b37a6474929f336521b332c1681b933f6cb9f3376673440d862a'
  await f.asAdmin('revokeRole', [role, f.signer])
  const row = await settleUnsent()
  await f.stopSigners()
  expect(row.reasonCode).toBe('simulation_reverted')
  const signer = await f.start()
  await expect
    .poll(async () => JSON.stringify(await signer.report()), { timeout: 5_000 })
    .toContain('neither holds the pauser role')
  expect((await signer.report()).status).toBe('degraded')
  await f.asAdmin('grantRole', [role, f.signer])
})

test('behavior: limits of the window, spending and cooldown hold', async () => {
  await f.writePolicy({
    cooldownS: 0,
    limits: { maxPerWindow: 1, windowS: 3_600, maxLifetime: 100 },
  })
  const first = await f.find()
  await f.start()
  await f.until(first.executions[0] ?? '', ({ status }) => status === 'sent')
  await f.mine()
  await f.until(first.executions[0] ?? '', ({ status }) => status === 'succeeded')
  await f.mine(3)
  await f.until(first.executions[0] ?? '', ({ confirmedAt }) => confirmedAt !== null)
  await f.asAdmin('unpause')
  const second = await f.find()
  expect(
    (await f.until(second.executions[0] ?? '', ({ status }) => status === 'refused')).reasonCode,
  ).toBe('limit')
  // A watcher that forgets the cooldown gains nothing.
  const old = await f.row(first.executions[0] ?? '')
  await f.writePolicy({ cooldownS: 3_000 })
  const [policy] = await loadPolicies(f.actionsDir)
  if (!policy) throw new Error('no policy')
  const name = nameIntent(policy, 99, second.finding.id)
  await f.database.db.insert(tables.execution).values({
    ...old,
    ...name,
    policyHash: policy.hash,
    epoch: 99,
    status: 'requested',
    findingId: second.finding.id,
    sendingAt: null,
    confirmedAt: null,
    attempts: [],
  })
  await f.database.pool.query('notify tocsin_execution')
  // The finding that the limit refused is asked about once more, under a name of its own.
  expect((await f.until(name.id, ({ status }) => status === 'refused')).reasonCode).toBe('cooldown')
})

test('behavior: spending of 24 hours is bounded', async () => {
  await f.writePolicy({
    cooldownS: 0,
    gasLimit: 200_000,
    maxFeePerGasWei: '500 gwei',
    maxSpendWeiPer24h: '0.1 ether',
  })
  const { executions } = await f.find()
  const row = await f.row(executions[0] ?? '')
  await f.database.db.insert(tables.execution).values({
    ...row,
    id: 'x_before',
    idempotencyKey: 'before',
    epoch: -1,
    status: 'failed',
    sendingAt: new Date(),
    feeWei: '100000000000000000',
    triggeredAtS: 1,
  })
  await f.start()
  expect((await f.until(row.id, ({ status }) => status === 'refused')).reasonCode).toBe('spend')
})

test("behavior: columns that a thief rewrote are ignored, the signer's file rules", async () => {
  await f.writePolicy()
  const { executions } = await f.find()
  const id = executions[0] ?? ''
  const thief = `0x${'66'.repeat(20)}`
  await f.database.db
    .update(tables.execution)
    .set({ target: thief, calldata: '0x3f4ba83a', mode: 'auto' })
    .where(eq(tables.execution.id, id))
  await f.start()
  const sent = await f.until(id, ({ status }) => status === 'sent')
  expect([sent.target, sent.calldata]).toEqual([f.vault.toLowerCase(), '0x8456cb59'])
  await f.mine()
  await f.until(id, ({ status }) => status === 'succeeded')
  expect(await f.isPaused()).toBe(true)
})

test('behavior: forged rows are refused, whatever status they claim', async () => {
  await f.writePolicy()
  const { executions } = await f.find()
  const before = await sentCount()
  const row = await f.row(executions[0] ?? '')
  const { db } = f.database
  await db
    .update(tables.execution)
    .set({ policyHash: 'f'.repeat(64) })
    .where(eq(tables.execution.id, row.id))
  await db.insert(tables.execution).values([
    { ...row, id: 'x_key', idempotencyKey: 'made-up' },
    { ...row, id: 'x_none', idempotencyKey: 'none', actionId: 'unpause-vault' },
    {
      ...row,
      id: 'x_flying',
      idempotencyKey: 'flying',
      status: 'sent',
      signerAddress: f.signer,
      nonce: 0,
      attempts: [
        {
          hash: '0x01',
          raw: '0x02f8',
          maxFeePerGasWei: '1',
          maxPriorityFeePerGasWei: '1',
          atBlock: 1,
        },
      ],
    },
    { ...row, id: 'x_bare', idempotencyKey: 'bare', status: 'sending' },
  ])
  await f.start()
  const codes = {
    [row.id]: 'policy_mismatch',
    x_key: 'forged',
    x_none: 'policy_missing',
    x_flying: 'forged',
    x_bare: 'forged',
  }
  for (const [id, code] of Object.entries(codes))
    expect(
      (await f.until(id, ({ status }) => status === 'refused' || status === 'failed')).reasonCode,
    ).toBe(code)
  expect(await sentCount()).toBe(before)
})

test('behavior: an intent for a chain without an endpoint of the signer is refused', async () => {
  await f.writePolicy({ chain: 5 })
  const { executions } = await f.find({ chainId: 5 })
  await f.start()
  expect(
    (await f.until(executions[0] ?? '', ({ status }) => status === 'refused')).reasonCode,
  ).toBe('chain_unserved')
})

test('behavior: an edited policy file counts from the next intent on', async () => {
  await f.writePolicy({ mode: 'auto' })
  await f.start()
  await f.writePolicy({ mode: 'observe' })
  const { executions } = await f.find()
  await f.until(executions[0] ?? '', ({ status }) => status === 'observed')
})

test('error: a signer without its part of the watchlist, its keystore or its password does not start', async () => {
  const { config } = f
  const signer = config.signer
  if (!signer) throw new Error('no signer')
  const start = (changed: object) =>
    f.start({ config: { ...config, signer: { ...signer, ...changed } } })
  await expect(f.start({ config: { ...config, signer: undefined } })).rejects.toMatchObject({
    code: 'signer.not_configured',
  })
  await expect(start({ keystore: '/nowhere' })).rejects.toMatchObject({ code: 'keystore.missing' })
  await expect(start({ password: 'wrong' })).rejects.toMatchObject({ code: 'keystore.password' })
  await expect(start({ rpc: { mars: ['http://127.0.0.1:1'] } })).rejects.toMatchObject({
    code: 'signer.chain_unknown',
  })
})

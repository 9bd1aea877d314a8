import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { eq } from 'drizzle-orm'
import { privateKeyToAccount } from 'viem/accounts'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { answerByLink, approve } from '../../test/support/approve.ts'
import { type FaultProxy, startFaultProxy } from '../../test/support/faultProxy.ts'
import {
  createSignerFixture,
  type ExecutionRow,
  type FindingRow,
  type SignerFixture,
} from '../../test/support/signerFixture.ts'
import type { Config } from '../config/types.ts'
import { tables } from '../store/index.ts'
import { ledgerFile } from './ledger.ts'
import { loadPolicies } from './loadPolicies.ts'
import { policyTypedData } from './policySignature.ts'
import { nameIntent } from './requestExecutions.ts'
import { writeSignature } from './writeSignature.ts'

const ADA = privateKeyToAccount(`0x${'a1'.repeat(32)}`)
const GRACE = privateKeyToAccount(`0x${'b2'.repeat(32)}`)
const MALLORY = privateKeyToAccount(`0x${'c3'.repeat(32)}`)
const TWO_BOTS = {
  triggers: [
    { bot: 'tvl-drop', minSeverity: 'High', things: ['vault'] },
    { bot: 'large-transfer', minSeverity: 'High' },
    { bot: 'external-webhook', minSeverity: 'High' },
  ],
  quorum: { bots: 2, endpoints: 1 },
}

let f: SignerFixture
let lagging: FaultProxy
beforeAll(async () => {
  f = await createSignerFixture()
  lagging = await startFaultProxy({ url: f.anvil.url, wsUrl: f.anvil.url.replace('http', 'ws') })
}, 240_000)
afterAll(async () => {
  await lagging?.stop()
  await f?.stop()
})
beforeEach(async () => {
  lagging.clearFaults()
  await f.reset()
})

const isDecided = ({ status }: ExecutionRow): boolean => status !== 'requested'
const settle = (id: string | undefined): Promise<ExecutionRow> => f.until(id ?? '', isDecided)
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

const withApprovers = (approvers: readonly object[], approvalsRequired?: number): Config =>
  ({
    ...f.config,
    signer: { ...f.config.signer, approvers, approvalsRequired },
  }) as unknown as Config

/** Writes an intent as a watcher would, whatever it thinks of limits. */
const ask = async (policyId: string, finding: FindingRow, epoch = 1): Promise<string> => {
  const policy = (await loadPolicies(f.actionsDir)).find(({ id }) => id === policyId)
  if (!policy) throw new Error('no policy')
  const { id, idempotencyKey } = nameIntent(policy, epoch, finding.id)
  await f.database.db.insert(tables.execution).values({
    id,
    idempotencyKey,
    actionId: policy.id,
    policyHash: policy.hash,
    chainId: policy.chain,
    findingId: finding.id,
    status: 'requested',
    epoch,
    triggeredAtS: finding.blockTimestampS,
  })
  await f.database.pool.query('notify tocsin_execution')
  return id
}

/** Pauses once and lifts it again, so that another answer is called for. */
const pauseOnce = async (id: string | undefined): Promise<void> => {
  await f.until(id ?? '', ({ status }) => status === 'sent')
  await f.mine()
  await f.until(id ?? '', ({ status }) => status === 'succeeded')
  await f.mine(3)
  await f.until(id ?? '', ({ confirmedAt }) => confirmedAt !== null)
  await f.asAdmin('unpause')
}

const secondsSinceHead = async (): Promise<number> => {
  const head = await f.anvil.rpc<{ timestamp: string }>('eth_getBlockByNumber', ['latest', false])
  return Math.ceil(Date.now() / 1000 - Number(head.timestamp))
}

test('behavior: two bots must agree; a second finding of the same bot is not a second bot', async () => {
  await f.writePolicy(TWO_BOTS)
  const { executions, finding } = await f.find()
  await f.start()
  await f.find({ uniqueKey: 'again' })
  await pause(600)
  expect((await f.row(executions[0] ?? '')).status).toBe('requested')
  const other = await f.find({ botId: 'large-transfer', alertId: 'LARGE' })
  await f.until(executions[0] ?? '', ({ status }) => status === 'sent')
  const [entry] = await f.database.db
    .select()
    .from(tables.executionLog)
    .where(eq(tables.executionLog.event, 'sending'))
  expect(entry?.detail).toMatchObject({ quorum: [finding.id, other.finding.id] })
})

const strangers: Readonly<Record<string, Partial<FindingRow>>> = {
  'of another thing': { thing: 'elsewhere' },
  'that was retracted': { status: 'retracted' },
  'too mild': { severity: 'Medium' },
  'of another chain': { chainId: 5 },
  'of a block that is not on chain': { blockHash: `0x${'ab'.repeat(32)}` },
  'that tells another time than its block has': { blockTimestampS: 2_000_000_000 },
  'of a bot that the policy does not name': { botId: 'rumour' },
  'of a condition that ended': { condition: 'ended' },
}
test(`behavior: no finding ${Object.keys(strangers).join(', or ')} is a second voice`, async () => {
  await f.writePolicy(TWO_BOTS)
  for (const [uniqueKey, changes] of Object.entries(strangers))
    await f.find({ botId: 'large-transfer', uniqueKey, ...changes })
  const ageS = await secondsSinceHead()
  await f.writePolicy({ ...TWO_BOTS, freshness: { blocks: 50, seconds: ageS + 2 } })
  const { executions, finding } = await f.find()
  await f.start()
  const row = await settle(executions[0])
  const heard = await f.database.db
    .select({ id: tables.finding.id, what: tables.finding.uniqueKey })
    .from(tables.finding)
  const [entry] = await f.database.db
    .select()
    .from(tables.executionLog)
    .where(eq(tables.executionLog.event, 'sending'))
  // Whoever was taken for one is named.
  const voices = (entry?.detail as { quorum?: readonly string[] } | undefined)?.quorum ?? []
  expect(heard.filter(({ id }) => voices.includes(id) && id !== finding.id)).toEqual([])
  expect([row.status, row.reasonCode]).toEqual(['refused', 'quorum'])
  expect(row.reason).toContain('1 of 2 bots')
})

test('behavior: findings that share an address speak of the same', async () => {
  await f.writePolicy(TWO_BOTS)
  await f.find({ botId: 'large-transfer', thing: null, addresses: [f.vault.toUpperCase()] })
  const { executions } = await f.find()
  await f.start()
  await f.until(executions[0] ?? '', ({ status }) => status === 'sent')
})

test('behavior: what was only told from outside is never enough, and one of our own bots makes it so', async () => {
  await f.writePolicy({ ...TWO_BOTS, quorum: { bots: 1, endpoints: 1 } })
  const told = await f.find({ botId: 'external-webhook' })
  const id = await ask('pause-vault', told.finding)
  await f.start()
  await pause(500)
  expect((await f.row(id)).status).toBe('requested')
  await f.find({ botId: 'large-transfer' })
  await f.until(id, ({ status }) => status === 'sent')
})

test('behavior: what asks from outside tells another time than the block, waits, and steps back for a bot that found it', async () => {
  await f.writePolicy({ ...TWO_BOTS, quorum: { bots: 1, endpoints: 1 } })
  const nowS = Math.floor(Date.now() / 1_000)
  const told = await f.find({ botId: 'external-webhook', blockTimestampS: nowS })
  const id = await ask('pause-vault', told.finding)
  await f.start()
  await pause(500)
  expect((await f.row(id)).status).toBe('requested')
  const { executions } = await f.find()
  await f.until(executions[0] ?? '', ({ status }) => status === 'sent')
  expect((await settle(id)).reasonCode).toBe('superseded')
  const pages = await f.database.db
    .select()
    .from(tables.finding)
    .where(eq(tables.finding.alertId, 'EXECUTION-REFUSED'))
  expect(pages).toEqual([])
})

test('behavior: however many tell from outside, they are one voice, and the time they tell does not matter', async () => {
  const triggers = [...TWO_BOTS.triggers, { bot: 'external-feed', minSeverity: 'High' as const }]
  await f.writePolicy({ triggers, quorum: { bots: 3, endpoints: 1 } })
  const told = { blockTimestampS: Math.floor(Date.now() / 1_000) }
  await f.find({ botId: 'external-webhook', ...told })
  await f.find({ botId: 'external-feed', ...told })
  const { executions } = await f.find()
  const id = executions[0] ?? ''
  await f.start()
  await pause(500)
  expect((await f.row(id)).status).toBe('requested')
  await f.find({ botId: 'large-transfer' })
  await f.until(id, ({ status }) => status === 'sent')
})

test('behavior: two that tell from outside never satisfy a quorum of two, also in the open', async () => {
  const triggers = [
    { bot: 'external-webhook', minSeverity: 'High' as const },
    { bot: 'external-feed', minSeverity: 'High' as const },
  ]
  await f.writePolicy({ triggers, quorum: { bots: 2, endpoints: 1 } })
  await f.find({ botId: 'external-feed' })
  const told = await f.find({ botId: 'external-webhook' })
  const id = await ask('pause-vault', told.finding)
  await f.start()
  await pause(500)
  expect((await f.row(id)).status).toBe('requested')
})

test('behavior: as many endpoints as the policy asks for must have the block', async () => {
  await f.writePolicy({ quorum: { bots: 1, endpoints: 2 } })
  const behind = lagging.addFault({
    method: 'eth_getBlockByNumber',
    when: ({ params }) => params[0] !== 'latest',
    fault: { kind: 'null' },
  })
  const { executions } = await f.find()
  await f.start({ rpc: [f.anvil.url, lagging.url] })
  await pause(600)
  expect((await f.row(executions[0] ?? '')).status).toBe('requested')
  expect(behind.struck()).toBeGreaterThan(0)
  behind.remove()
  await f.until(executions[0] ?? '', ({ status }) => status === 'sent')
})

test('error: a policy that asks for more endpoints than the signer has is refused', async () => {
  await f.writePolicy({ quorum: { bots: 1, endpoints: 2 } })
  const { executions } = await f.find()
  await f.start()
  expect((await settle(executions[0])).reasonCode).toBe('quorum')
})

test('behavior: a finding that tells another time than its block has is forged: the cooldown counts by it', async () => {
  await f.writePolicy()
  const head = await f.anvil.rpc<{ timestamp: string }>('eth_getBlockByNumber', ['latest', false])
  const { executions } = await f.find({ blockTimestampS: Number(head.timestamp) + 30 })
  await f.start()
  expect((await settle(executions[0])).reasonCode).toBe('forged')
})

test('behavior: another answer on the same target is excluded within the cooldown of the first, unless it may join', async () => {
  await f.writePolicy()
  await f.writePolicy({ id: 'pause-too' })
  await f.writePolicy({ id: 'pause-beside', exclusive: false })
  const first = await f.find()
  await f.start()
  await pauseOnce(first.executions[0])
  const { finding } = await f.find()
  const row = await settle(await ask('pause-too', finding))
  expect([row.status, row.reasonCode]).toEqual(['refused', 'excluded'])
  const beside = await settle(await ask('pause-beside', finding))
  expect(beside.status).not.toBe('refused')
})

test('behavior: the brake stops a watcher that wants to pause everything', async () => {
  await f.writePolicy({ brake: { maxTargets: 2, windowS: 3_600 } })
  const { executions, finding } = await f.find()
  const row = await f.row(executions[0] ?? '')
  const others = [1, 2].map((each) => ({
    ...row,
    id: `x_other${each}`,
    idempotencyKey: `other${each}`,
    actionId: `pause-other-${each}`,
    target: `0x${String(each).repeat(40)}`,
    status: 'succeeded' as const,
    triggeredAtS: finding.blockTimestampS,
    sendingAt: new Date(),
    confirmedAt: new Date(),
    finalAt: new Date(),
  }))
  await f.database.db.insert(tables.execution).values(others)
  await f.start()
  expect((await settle(row.id)).reasonCode).toBe('brake')
})

test('behavior: limits hold although somebody deletes what the database knows of earlier runs', async () => {
  await f.writePolicy({ cooldownS: 0, limits: { maxPerWindow: 1, windowS: 3_600, maxLifetime: 9 } })
  const first = await f.find()
  const signer = await f.start()
  await pauseOnce(first.executions[0])
  await f.database.db.delete(tables.execution)
  await f.database.db.delete(tables.executionLog)
  const second = await f.find()
  expect((await settle(second.executions[0])).reasonCode).toBe('limit')
  await signer.stop()
  await f.database.db.delete(tables.execution)
  const third = await f.find()
  await f.start()
  expect((await settle(third.executions[0])).reasonCode).toBe('limit')
})

test('behavior: the cooldown holds although somebody rewrites when the last run was', async () => {
  await f.writePolicy({ cooldownS: 3_000 })
  const first = await f.find()
  await f.start()
  await pauseOnce(first.executions[0])
  await f.database.db
    .update(tables.execution)
    .set({ triggeredAtS: 1, sendingAt: new Date(0), feeWei: '0', actionId: 'gone' })
  const { finding } = await f.find()
  expect((await settle(await ask('pause-vault', finding, 7))).reasonCode).toBe('cooldown')
})

test('error: a ledger that cannot be read is not taken for an empty one; a cut-off end is', async () => {
  await f.writePolicy()
  await writeFile(ledgerFile(f.dataDir), '{"kind":"claimed"\n')
  await expect(f.start()).rejects.toMatchObject({ code: 'ledger.broken' })
  await writeFile(ledgerFile(f.dataDir), '{"kind":"claimed","exec')
  const { executions } = await f.find()
  await f.start()
  await f.until(executions[0] ?? '', ({ status }) => status === 'sent')
})

test('behavior: two people must release it; one person twice is one', async () => {
  await f.writePolicy({ mode: 'propose', approval: { timeoutS: 600, required: 2 } })
  const { executions } = await f.find()
  const id = executions[0] ?? ''
  await f.start()
  await f.until(id, ({ status }) => status === 'proposed')
  await answerByLink(f, id, 'Ada')
  await expect(answerByLink(f, id, 'ada ')).resolves.toBeDefined()
  await pause(1_500)
  expect((await f.row(id)).status).toBe('proposed')
  await answerByLink(f, id, 'Grace')
  const sent = await f.until(id, ({ status }) => status === 'sent')
  expect(sent.approvedBy?.toLowerCase()).toBe('ada, grace')
})

test('behavior: only people of the roles count, and a denial ends it', async () => {
  await f.writePolicy({ mode: 'propose', approval: { timeoutS: 600, roles: ['guardian'] } })
  const config = withApprovers([
    { name: 'Ada', role: 'reader' },
    { name: 'Grace', role: 'guardian' },
  ])
  const { executions } = await f.find()
  const id = executions[0] ?? ''
  await f.start({ config })
  await f.until(id, ({ status }) => status === 'proposed')
  await answerByLink(f, id, 'Ada', { role: 'guardian' })
  await answerByLink(f, id, 'Mallory', { role: 'guardian' })
  await pause(1_500)
  expect((await f.row(id)).status).toBe('proposed')
  await answerByLink(f, id, 'Grace', { decision: 'deny' })
  const row = await f.until(id, ({ status }) => status === 'refused')
  expect([row.reasonCode, row.txHashes]).toEqual(['denied', []])
})

test('behavior: an approval that nobody proves releases nothing', async () => {
  await f.writePolicy({ mode: 'propose' })
  const { executions } = await f.find()
  const id = executions[0] ?? ''
  await f.start()
  await f.until(id, ({ status }) => status === 'proposed')
  await f.database.db
    .update(tables.execution)
    .set({ approvedBy: 'Ada, Grace', approvedAt: new Date() })
    .where(eq(tables.execution.id, id))
  await f.database.pool.query('notify tocsin_execution')
  await f.until(id, ({ approvedBy }) => approvedBy === null)
  expect(await f.events(id)).toEqual(['proposed', 'unproven'])
  await approve(f, id, 'Ada')
  await f.until(id, ({ status }) => status === 'sent')
})

test('behavior: where the policy says so, time releases a proposal that nobody answered; but only one of this signer', async () => {
  await f.writePolicy({ mode: 'propose', approval: { timeoutS: 2, onTimeout: 'execute' } })
  const { executions, finding } = await f.find()
  const id = executions[0] ?? ''
  const row = await f.row(id)
  await f.database.db
    .update(tables.execution)
    .set({ status: 'proposed', proposedAt: new Date(0) })
    .where(eq(tables.execution.id, id))
  await f.start()
  const forged = await f.until(id, ({ status }) => status === 'refused')
  expect([forged.reasonCode, row.findingId]).toEqual(['approval_timeout', finding.id])
  const again = await ask('pause-vault', finding, 2)
  await f.until(again, ({ status }) => status === 'proposed')
  await f.database.db
    .update(tables.execution)
    .set({ proposedAt: new Date(0) })
    .where(eq(tables.execution.id, again))
  await pause(800)
  expect((await f.row(again)).status).toBe('proposed')
  const sent = await f.until(again, ({ status }) => status === 'sent')
  expect(sent.approvedBy).toContain('nobody')
})

test('behavior: under a ceiling of propose, time releases nothing', async () => {
  await f.writePolicy({ mode: 'propose', approval: { timeoutS: 1, onTimeout: 'execute' } })
  const { executions } = await f.find()
  const signer = f.config.signer
  if (!signer) throw new Error('no signer')
  await f.start({ config: { ...f.config, signer: { ...signer, mode: 'propose' } } })
  const row = await f.until(executions[0] ?? '', ({ status }) => status === 'refused')
  expect(row.reasonCode).toBe('approval_timeout')
})

const sign = async (account: typeof ADA, policyId = 'pause-vault') => {
  const policy = (await loadPolicies(f.actionsDir)).find(({ id }) => id === policyId)
  if (!policy) throw new Error('no policy')
  const approvers = [ADA, GRACE, MALLORY].map(({ address }) => ({ name: address, address }))
  return writeSignature(
    policy,
    {
      address: account.address.toLowerCase() as `0x${string}`,
      signature: await account.signTypedData(policyTypedData(policy)),
    },
    { approvers },
  )
}

test('behavior: a policy acts only with the signatures of enough approvers over just this content', async () => {
  const config = withApprovers(
    [
      { name: 'Ada', address: ADA.address },
      { name: 'Grace', address: GRACE.address },
    ],
    2,
  )
  await f.writePolicy()
  await sign(ADA)
  await sign(MALLORY)
  const { executions, finding } = await f.find()
  await f.start({ config })
  const unsigned = await settle(executions[0])
  expect([unsigned.reasonCode, unsigned.reason]).toEqual([
    'unsigned',
    'The policy needs the signatures of 2 approvers and has 1 (Ada).',
  ])
  await sign(GRACE)
  await f.writePolicy({ cooldownS: 61 })
  expect((await settle(await ask('pause-vault', finding, 2))).reasonCode).toBe('unsigned')
  await sign(ADA)
  await sign(GRACE)
  const id = await ask('pause-vault', finding, 3)
  await f.until(id, ({ status }) => status === 'sent')
})

test('behavior: signatures in a folder beside the policy count too; taken away, nothing is sent', async () => {
  const config = withApprovers([{ name: 'Ada', address: ADA.address }])
  const folder = join(f.actionsDir, 'pause-vault')
  await mkdir(folder)
  await f.writePolicy()
  const { rename } = await import('node:fs/promises')
  await rename(join(f.actionsDir, 'pause-vault.yaml'), join(folder, 'policy.yaml'))
  const { file } = await sign(ADA)
  expect(file).toContain(join('pause-vault', 'signatures'))
  const { executions, finding } = await f.find()
  await f.start({ config })
  await f.until(executions[0] ?? '', ({ status }) => status === 'sent')
  await f.mine()
  await f.until(executions[0] ?? '', ({ status }) => status === 'succeeded')
  await rm(file)
  expect((await settle(await ask('pause-vault', finding, 9))).reasonCode).toBe('unsigned')
})

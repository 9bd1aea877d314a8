import { randomBytes } from 'node:crypto'
import { eq } from 'drizzle-orm'
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { answerByLink, approve } from '../../../test/support/approve.ts'
import { createSignerFixture, type SignerFixture } from '../../../test/support/signerFixture.ts'
import type { Config } from '../../config/types.ts'
import { tables } from '../../store/index.ts'
import { verifyExecutionLog } from '../executionLog.ts'
import { loadPolicies } from '../loadPolicies.ts'
import { addLinks } from './addLinks.ts'
import { answerProposal, createNonce } from './answerProposal.ts'
import { decodeToken } from './approvalClaims.ts'
import { liftHalt, recordHalt } from './killSwitch.ts'
import { encodeOrder, type Order, orderTypedData, signOrder } from './order.ts'
import { orderPauses } from './orderPauses.ts'
import { loadPeopleSecret } from './peopleSecret.ts'

const ada = privateKeyToAccount(generatePrivateKey())
let f: SignerFixture
beforeAll(async () => {
  f = await createSignerFixture()
}, 240_000)
afterAll(() => f?.stop())
beforeEach(() => f.reset())

const sentCount = async (): Promise<number> =>
  Number(await f.anvil.rpc<string>('eth_getTransactionCount', [f.signer, 'pending']))
const withApprovers = (approvers: readonly object[]): Config =>
  ({ ...f.config, signer: { ...f.config.signer, approvers, approvalsRequired: 0 } }) as Config

const propose = async (approval: object = {}): Promise<string> => {
  await f.writePolicy({ mode: 'propose', approval: { timeoutS: 600, ...approval } })
  await f.start()
  const { executions } = await f.find()
  const id = executions[0] ?? ''
  await f.until(id, ({ status }) => status === 'proposed')
  return id
}
/** Long enough for a signer that would act. */
const stays = async (id: string, status: string): Promise<void> => {
  const before = await sentCount()
  await new Promise((resolve) => setTimeout(resolve, 1_800))
  expect((await f.row(id)).status).toBe(status)
  expect(await sentCount()).toBe(before)
}

test('behavior: two people are two; one of them twice, or rows that somebody wrote, are not', async () => {
  const id = await propose({ required: 2 })
  await answerByLink(f, id, 'Ada')
  await answerByLink(f, id, 'Ada')
  await f.database.db.insert(tables.executionApproval).values({
    id: 'p_forged',
    executionId: id,
    who: 'Grace',
    role: '',
    decision: 'approve',
    bytesHash: '0'.repeat(64),
    via: 'link',
    nonce: 'n',
    expiresAt: new Date(Date.now() + 1e6),
    proof: '0'.repeat(64),
  })
  await f.database.db.update(tables.execution).set({ approvedBy: 'Ada, Grace' })
  await stays(id, 'proposed')
  await f.database.db.update(tables.execution).set({ approvedBy: null })
  await answerByLink(f, id, 'Edith')
  await f.until(id, ({ status }) => status === 'sent')
  await f.mine()
  await f.until(id, ({ status }) => status === 'succeeded')
  expect(await f.isPaused()).toBe(true)
  expect((await verifyExecutionLog(f.database.db)).ok).toBe(true)
})

test('behavior: each person is told once, and the link that their channel brings releases it', async () => {
  const people = {
    url: 'https://tocsin.example',
    channels: { Ada: 'ada-hook', Grace: 'grace-hook', Mallory: 'other' },
  }
  const approvers = [
    { name: 'Ada', role: 'guardian' },
    { name: 'Grace', role: 'guest' },
  ]
  await f.writePolicy({
    mode: 'propose',
    approval: { timeoutS: 600, required: 1, roles: ['guardian'] },
  })
  await f.database.db.delete(tables.outbox)
  const config = { ...withApprovers(approvers), people } as unknown as Config
  await f.start({ config })
  const { executions } = await f.find()
  const id = executions[0] ?? ''
  const outbox = () => f.database.db.select().from(tables.outbox).orderBy(tables.outbox.channel)
  await expect.poll(async () => (await outbox()).length, { timeout: 5_000 }).toBe(2)
  const [toAda, toGrace] = await outbox()
  expect(toAda).toMatchObject({ channel: 'ada-hook', severity: 'SEV1' })
  expect(toAda?.payload).toMatchObject({
    summary: expect.stringContaining(`tocsin actions approve ${id} --by "Ada"`),
  })
  expect(JSON.stringify(toAda?.payload)).not.toContain('answer?t=')
  const secret = await loadPeopleSecret(f.config)
  const message = toAda?.payload as { readonly ask: object; readonly evidence: object }
  expect(message.evidence).toMatchObject({ target: f.vault, calldata: '0x8456cb59', people: '1' })
  const sent = addLinks({ secret, people }, message, 'ada-hook')
  expect(sent).not.toHaveProperty('ask')
  // A row that somebody wrote brings nobody the link of another.
  expect(addLinks({ secret, people }, message, 'grace-hook').links).toBeUndefined()
  const forged = { ...message, ask: { ...message.ask, who: 'Grace' } }
  expect(addLinks({ secret, people }, forged, 'ada-hook').links).toBeUndefined()
  const answer = async (row: object, channel: string): Promise<void> => {
    const { links } = addLinks({ secret, people }, row, channel)
    const token = new URL(links?.approve ?? '').searchParams.get('t') ?? ''
    const { claims, proof } = decodeToken(secret, token)
    await answerProposal(f.database.db, claims, proof)
  }
  await answer(toGrace?.payload as object, 'grace-hook')
  await stays(id, 'proposed')
  await answer(message, 'ada-hook')
  await f.until(id, ({ status }) => status === 'sent')
  const findings = await f.database.db
    .select()
    .from(tables.finding)
    .where(eq(tables.finding.alertId, 'PROPOSAL'))
  expect(findings).toHaveLength(1)
  expect(await outbox()).toHaveLength(2)
})

test('behavior: a denial ends the proposal', async () => {
  const id = await propose()
  await approve(f, id, 'Grace', 'deny')
  const row = await f.until(id, ({ status }) => status === 'refused')
  expect(row).toMatchObject({ reasonCode: 'denied', reason: 'Denied by Grace.' })
})

test('behavior: a stop in the database alone refuses what comes, and what people approved', async () => {
  const id = await propose()
  await recordHalt(f.database.db, { who: 'Ada', via: 'api', reason: 'a drill' })
  await approve(f, id, 'Ada')
  const row = await f.until(id, ({ status }) => status === 'refused')
  expect(row.reasonCode).toBe('halted')
  await liftHalt(f.database.db, f.dataDir, 'Ada')
})

const order = async (
  changes: Partial<Order> & { readonly key?: typeof ada; readonly proof?: string } = {},
): Promise<string> => {
  const { key, proof, ...rest } = changes
  const whole: Order = {
    by: 'Ada',
    chain: f.anvil.chainId,
    actions: '*',
    nonce: createNonce(),
    expiresS: Math.floor(Date.now() / 1000) + 600,
    via: key ? 'key' : 'cli',
    ...rest,
  }
  const block = await f.anvil.rpc<{ number: string; hash: `0x${string}`; timestamp: string }>(
    'eth_getBlockByNumber',
    ['latest', false],
  )
  const created = await orderPauses(f.database.db, {
    order: whole,
    proof:
      proof ??
      (key
        ? await key.signTypedData(orderTypedData(whole))
        : signOrder(await loadPeopleSecret(f.config), whole)),
    reason: 'a drain',
    block: {
      number: Number(block.number),
      hash: block.hash,
      timestampS: Number(block.timestamp),
    },
    policies: await loadPolicies(f.actionsDir),
  })
  return created['pause-vault'] ?? ''
}

test("behavior: an order by an approver's key pauses at once, with no bot and no second bot", async () => {
  await f.writePolicy({
    mode: 'propose',
    quorum: { bots: 2, endpoints: 1 },
    triggers: ['tvl-drop', 'reentrancy'].map((bot) => ({ bot, minSeverity: 'High' })),
  })
  const approvers = [{ name: 'Ada', address: ada.address }]
  await f.start({ config: withApprovers(approvers) })
  const id = await order({ key: ada })
  await f.until(id, ({ status }) => status === 'sent')
  await f.mine()
  await f.until(id, ({ status }) => status === 'succeeded')
  expect(await f.isPaused()).toBe(true)
})

test('behavior: an order for what needs two people is a proposal', async () => {
  await f.writePolicy({ mode: 'propose', approval: { timeoutS: 600, required: 2 } })
  await f.start()
  const id = await order()
  await f.until(id, ({ status }) => status === 'proposed')
})

test('behavior: without approvers the secret of the machine proves an order; an order is for once', async () => {
  await f.writePolicy()
  await f.start()
  const id = await order()
  await f.until(id, ({ status }) => status === 'sent')
  expect(await order()).toBe('')
  await f.mine()
  await f.until(id, ({ status }) => status === 'succeeded')
})

const stranger = privateKeyToAccount(generatePrivateKey())
const forgeries: readonly (readonly [string, string, () => Promise<string>])[] = [
  ['by a key that is no approver', 'forged', () => order({ key: stranger })],
  ['in the name of somebody unknown', 'forged', () => order({ by: 'Mallory', key: stranger })],
  ['by the secret, where approvers have keys', 'forged', () => order()],
  [
    'with a made-up proof',
    'forged',
    () => order({ via: 'key', proof: `0x${randomBytes(65).toString('hex')}` }),
  ],
  ['for another chain', 'forged', () => order({ chain: 1, key: ada })],
  ['for other actions', 'forged', () => order({ actions: 'pause-other', key: ada })],
  ['that expired', 'order_expired', () => order({ expiresS: 1_700_000_000, key: ada })],
  ['that never ends', 'forged', () => order({ expiresS: 4_000_000_000, key: ada })],
]
test('error: orders that nobody who may has signed are refused, logged and never sent', async () => {
  await f.writePolicy()
  await f.start({ config: withApprovers([{ name: 'Ada', address: ada.address }]) })
  const before = await sentCount()
  for (const [what, code, make] of forgeries) {
    const id = await make()
    const row = await f.until(id, ({ status }) => status !== 'requested')
    expect([what, row.status, row.reasonCode]).toEqual([what, 'refused', code])
  }
  expect(await sentCount()).toBe(before)
})

test('error: the proof of one order does not carry another finding', async () => {
  await f.writePolicy()
  const real: Order = {
    by: 'Ada',
    chain: f.anvil.chainId,
    actions: '*',
    nonce: createNonce(),
    expiresS: Math.floor(Date.now() / 1000) + 600,
    via: 'key',
  }
  const proof = await ada.signTypedData(orderTypedData(real))
  const { finding, executions } = await f.find({ metadata: encodeOrder(real, proof) })
  await f.database.db
    .update(tables.finding)
    .set({ botId: 'manual' })
    .where(eq(tables.finding.id, finding.id))
  await f.start({ config: withApprovers([{ name: 'Ada', address: ada.address }]) })
  const row = await f.until(executions[0] ?? '', ({ status }) => status !== 'requested')
  expect(row).toMatchObject({ status: 'refused', reasonCode: 'forged' })
})

import { eq } from 'drizzle-orm'
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../../test/support/database.ts'
import { tables } from '../../store/index.ts'
import type { LoadedPolicy } from '../types.ts'
import { answerProposal, createClaims } from './answerProposal.ts'
import {
  type ApprovalClaims,
  approvalTypedData,
  decodeToken,
  encodeToken,
  signClaims,
} from './approvalClaims.ts'
import { createPeopleSecret } from './peopleSecret.ts'
import { type Approver, readApprovals } from './readApprovals.ts'

const secret = createPeopleSecret('s'.repeat(40))
const account = privateKeyToAccount(generatePrivateKey())
const policy = {
  id: 'pause-vault',
  hash: 'f'.repeat(64),
  chain: 31_337,
  target: `0x${'11'.repeat(20)}`,
  calldata: '0x8456cb59',
  approval: { timeoutS: 600, required: 2, roles: [], onTimeout: 'drop' },
} as unknown as LoadedPolicy
const X = { id: 'x_1' }

let database: TestDatabase
beforeAll(async () => {
  database = await createTestDatabase()
})
afterAll(() => database?.drop())
beforeEach(async () => {
  await database.db.delete(tables.executionApproval)
  await database.db.delete(tables.execution)
  await database.db.insert(tables.execution).values({
    id: X.id,
    idempotencyKey: 'k',
    actionId: policy.id,
    policyHash: policy.hash,
    chainId: policy.chain,
    findingId: 'f',
    status: 'proposed',
  })
})

const answer = async (who: string, changes: Partial<ApprovalClaims> = {}): Promise<void> => {
  const claims = createClaims(X, policy, { who, decision: 'approve', via: 'link', ...changes })
  const whole = { ...claims, ...changes }
  await answerProposal(database.db, whole, signClaims(secret, whole))
}
const read = (approvers: readonly Approver[] = [], of = policy) =>
  readApprovals(database.db, { secret, approvers }, X, of)

test('default: different people are counted in the order they came', async () => {
  await answer('Ada')
  await answer('Grace')
  expect(await read()).toEqual({ approvedBy: ['Ada', 'Grace'], deniedBy: [] })
})

test('behavior: the same person twice is one person', async () => {
  await answer('Ada')
  await answer(' ada ')
  await answer('Ada')
  expect((await read()).approvedBy).toHaveLength(1)
})

test('behavior: whoever sits at the machine is one person, whatever names are given', async () => {
  await answer('Ada', { via: 'cli' })
  await answer('Grace', { via: 'cli' })
  expect((await read()).approvedBy).toEqual(['Ada'])
  await answer('Edith')
  expect((await read()).approvedBy).toEqual(['Ada', 'Edith'])
})

test('behavior: with approvers named, nobody else counts, and the role is the one of the watchlist', async () => {
  await answer('Ada', { role: 'guardian' })
  await answer('Mallory', { role: 'guardian' })
  const approvers = [{ name: 'Ada', role: 'guest' }]
  expect((await read(approvers)).approvedBy).toEqual(['Ada'])
  const guarded = { ...policy, approval: { ...policy.approval, roles: ['guardian'] } }
  expect((await read(approvers, guarded)).approvedBy).toEqual([])
  expect((await read([{ name: 'Ada', role: 'guardian' }], guarded)).approvedBy).toEqual(['Ada'])
})

test("behavior: an approver's own key proves who answers; another's does not", async () => {
  const claims = createClaims(X, policy, { who: 'Ada', decision: 'approve', via: 'key' })
  const signature = await account.signTypedData(approvalTypedData(claims, policy.chain))
  await answerProposal(database.db, claims, signature)
  const other = privateKeyToAccount(generatePrivateKey())
  expect((await read([{ name: 'Ada', address: account.address }])).approvedBy).toEqual(['Ada'])
  expect((await read([{ name: 'Ada', address: other.address }])).approvedBy).toEqual([])
  expect((await read([{ name: 'Ada' }])).approvedBy).toEqual([])
})

const rewrites: readonly (readonly [
  string,
  Partial<typeof tables.executionApproval.$inferInsert>,
])[] = [
  ['another name', { who: 'Grace' }],
  ['a role', { role: 'guardian' }],
  ['approval in place of denial', { decision: 'approve' }],
  ['another hash', { bytesHash: '0'.repeat(64) }],
  ['another nonce', { nonce: '0'.repeat(32) }],
  ['a later end', { expiresAt: new Date(Date.now() + 9e6) }],
  ['another way', { via: 'console' }],
  ['a proof of zeros', { proof: '0'.repeat(64) }],
  ['rubbish for a proof', { proof: 'yes' }],
]
test.each(rewrites)('error: a row to which somebody gave %s counts for nothing', async (_, set) => {
  await answer('Ada', { decision: 'deny' })
  expect((await read()).deniedBy).toEqual(['Ada'])
  await database.db.update(tables.executionApproval).set(set)
  expect(await read()).toEqual({ approvedBy: [], deniedBy: [] })
})

test('error: an answer to other bytes, another policy or another execution counts for nothing', async () => {
  await answer('Ada')
  for (const change of [
    { hash: 'e'.repeat(64) },
    { calldata: '0x3f4ba83a' as const },
    { chain: 1 },
    { target: `0x${'22'.repeat(20)}` as const },
  ])
    expect((await read([], { ...policy, ...change })).approvedBy).toEqual([])
  await database.db.update(tables.executionApproval).set({ executionId: 'x_2' })
  expect(
    (await readApprovals(database.db, { secret, approvers: [] }, { id: 'x_2' }, policy)).approvedBy,
  ).toEqual([])
})

test('error: a link works once, for either answer, and only while the proposal stands', async () => {
  const nonce = 'a'.repeat(32)
  await answer('Ada', { nonce, decision: 'deny' })
  await expect(answer('Ada', { nonce })).rejects.toMatchObject({ code: 'approval.used' })
  await database.db
    .update(tables.execution)
    .set({ status: 'refused' })
    .where(eq(tables.execution.id, X.id))
  await expect(answer('Grace')).rejects.toMatchObject({ code: 'execution.not_proposed' })
})

test('behavior: a row that somebody put in the place of a person gives way to theirs', async () => {
  await database.db.insert(tables.executionApproval).values({
    id: 'p_forged',
    executionId: X.id,
    who: 'Ada',
    role: '',
    decision: 'approve',
    bytesHash: '0',
    via: 'link',
    nonce: 'n',
    expiresAt: new Date(),
    proof: '',
  })
  await answer('Ada')
  expect((await read()).approvedBy).toEqual(['Ada'])
})

test('error: a link that was changed, cut or made by another secret is none; an old one has expired', () => {
  const claims = createClaims(X, policy, { who: 'Ada', decision: 'approve', via: 'link' })
  const token = encodeToken(secret, claims)
  expect(decodeToken(secret, token).claims).toEqual(claims)
  const [body, code] = token.split('.')
  const flipped = Buffer.from(
    Buffer.from(body ?? '', 'base64url')
      .toString()
      .replace('approve', 'deny'),
  ).toString('base64url')
  for (const bad of [
    '',
    'x',
    `${body}.`,
    `${flipped}.${code}`,
    `${body}.${'0'.repeat(64)}`,
    encodeToken(createPeopleSecret('t'.repeat(40)), claims),
  ])
    expect(() => decodeToken(secret, bad)).toThrow(
      expect.objectContaining({ code: 'approval.bad_link' }),
    )
  expect(() => decodeToken(secret, encodeToken(secret, { ...claims, expiresS: 1 }))).toThrow(
    expect.objectContaining({ code: 'approval.expired' }),
  )
})

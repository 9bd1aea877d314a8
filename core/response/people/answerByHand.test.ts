import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../../test/support/database.ts'
import { tables } from '../../store/index.ts'
import type { LoadedPolicy } from '../types.ts'
import { answerByHand } from './answerByHand.ts'
import { createPeopleSecret } from './peopleSecret.ts'
import { type Approver, readApprovals } from './readApprovals.ts'

const secret = createPeopleSecret('s'.repeat(40))
const ada = privateKeyToAccount(generatePrivateKey())
const stranger = privateKeyToAccount(generatePrivateKey())
const X = { id: 'x_1' }
const policyOf = (roles: readonly string[] = []): LoadedPolicy =>
  ({
    id: 'pause-vault',
    hash: 'f'.repeat(64),
    chain: 31_337,
    target: `0x${'11'.repeat(20)}`,
    calldata: '0x8456cb59',
    approval: { timeoutS: 600, required: 2, roles, onTimeout: 'drop' },
  }) as unknown as LoadedPolicy

let database: TestDatabase
beforeAll(async () => {
  database = await createTestDatabase()
})
afterAll(() => database?.drop())
beforeEach(async () => {
  await database.db.delete(tables.executionApproval)
  await database.db.delete(tables.executionLog)
  await database.db.delete(tables.execution)
  const { id: actionId, hash: policyHash, chain: chainId } = policyOf()
  await database.db.insert(tables.execution).values({
    id: X.id,
    idempotencyKey: 'k',
    actionId,
    policyHash,
    chainId,
    findingId: 'f',
    status: 'proposed',
  })
})

type Asked = {
  readonly who?: string
  readonly role?: string
  readonly key?: typeof ada
  readonly approvers?: readonly Approver[]
  readonly roles?: readonly string[]
  readonly decision?: 'approve' | 'deny'
}
const answer = ({ roles, key, decision = 'approve', ...rest }: Asked) =>
  answerByHand({
    db: database.db,
    secret,
    policies: [policyOf(roles)],
    id: X.id,
    decision,
    ...rest,
    key: key && { address: key.address, signTypedData: (data) => key.signTypedData(data) },
  })
const counted = (approvers: readonly Approver[] = [], roles: readonly string[] = []) =>
  readApprovals(database.db, { secret, approvers }, X, policyOf(roles))
const written = async (): Promise<number> =>
  (await database.db.select().from(tables.executionApproval)).length +
  (await database.db.select().from(tables.executionLog)).length

const ADA: Approver = { name: 'Ada', role: 'guardian', address: ada.address }
const GRACE: Approver = { name: 'Grace', role: 'guest' }
const EDITH: Approver = { name: 'Edith', role: 'guardian' }
const SAFE: Approver = { name: 'Safe', address: `0x${'22'.repeat(20)}`, chain: 'mainnet' }

test('default: an approval that the tool reports is one that the signer counts', async () => {
  const approvers = [ADA, GRACE, EDITH, SAFE]
  // Whoever gives a key need not say whose it is.
  expect(await answer({ key: ada, approvers, roles: ['guardian'] })).toMatchObject({
    who: 'Ada',
    via: 'key',
  })
  await answer({ who: ' edith ', approvers, roles: ['guardian'] })
  expect(await counted(approvers, ['guardian'])).toEqual({
    approvedBy: ['Ada', 'Edith'],
    deniedBy: [],
  })
})

test('behavior: without approvers anybody at the machine is one person, with the role that they say', async () => {
  await answer({ who: 'Ada', role: 'guardian', roles: ['guardian'] })
  await answer({ who: 'Ada', role: 'guardian', roles: ['guardian'] })
  expect((await counted([], ['guardian'])).approvedBy).toEqual(['Ada'])
})

test('behavior: a denial needs no key, so that a lost one stops nobody from stopping', async () => {
  await answer({ who: 'Ada', decision: 'deny', approvers: [ADA] })
  expect((await counted([ADA])).deniedBy).toEqual(['Ada'])
})

const refused: readonly (readonly [string, Asked, RegExp])[] = [
  [
    'a name that is no approver',
    { who: 'root', approvers: [ADA, GRACE] },
    /Ada \(guardian, by key\), Grace \(guest\)/,
  ],
  ['a denial of a stranger', { who: 'root', approvers: [ADA], decision: 'deny' }, /has: Ada/],
  [
    'a role that the policy does not take',
    { who: 'Grace', approvers: [EDITH, GRACE], roles: ['guardian'] },
    /may: Edith/,
  ],
  ['no role where one is needed', { who: 'Ada', roles: ['guardian'] }, /--role guardian/],
  ['an approver with a key without it', { who: 'Ada', approvers: [ADA] }, /--keystore/],
  ['the key of somebody else', { who: 'Ada', key: stranger, approvers: [ADA] }, /Ada/],
  ['a key of nobody', { key: stranger, approvers: [ADA] }, /Ada/],
  ['a key for somebody without one', { who: 'Grace', key: ada, approvers: [ADA, GRACE] }, /Ada/],
  ['a key where there are no approvers', { who: 'Ada', key: ada }, /signer\.approvers/],
  ['a key for a contract', { who: 'Safe', key: ada, approvers: [SAFE] }, /Safe/],
]
test.each(refused)(
  'error: %s is told with who may, and nothing is written',
  async (_, asked, hint) => {
    const fault = await answer(asked).catch((error: unknown) => error)
    expect(fault).toMatchObject({ code: 'approval.not_counted', exitCode: 2 })
    expect((fault as { readonly hints: readonly string[] }).hints.join(' ')).toMatch(hint)
    expect(await written()).toBe(0)
  },
)

test('error: a second approval from the machine without a key is told, and leaves no trace', async () => {
  await answer({ who: 'Grace', approvers: [GRACE, EDITH] })
  const before = await written()
  await expect(answer({ who: 'Edith', approvers: [GRACE, EDITH] })).rejects.toMatchObject({
    code: 'approval.not_counted',
    exitCode: 2,
    message: expect.stringContaining('Grace answered already'),
  })
  expect(await written()).toBe(before)
  expect((await counted([GRACE, EDITH])).approvedBy).toEqual(['Grace'])
})

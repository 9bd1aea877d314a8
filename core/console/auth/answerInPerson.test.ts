import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { eq } from 'drizzle-orm'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { stringify } from 'yaml'
import { createTestDatabase, type TestDatabase } from '../../../test/support/database.ts'
import type { Config } from '../../config/types.ts'
import { bytesHashOf, type LoadedPolicy, loadPolicies } from '../../response/index.ts'
import { createPeopleSecret } from '../../response/light.ts'
import { readApprovals } from '../../response/people/readApprovals.ts'
import { tables } from '../../store/index.ts'
import { trialPolicy } from '../../testing/index.ts'
import type { Principal } from '../principal.ts'
import { answerInPerson } from './answerInPerson.ts'
import { addUser, changeUser } from './users.ts'

const CHEAP = { memoryKiB: 8, passes: 1 }
const secret = createPeopleSecret('a-secret-of-people-that-is-long-enough')
const APPROVERS = [
  { name: 'Ada', role: 'guardian' },
  { name: 'Grace', role: 'guardian' },
]
let database: TestDatabase
let folder = ''
let config: Config
let policy: LoadedPolicy

beforeAll(async () => {
  database = await createTestDatabase()
  folder = await mkdtemp(join(tmpdir(), 'tocsin-answer-'))
  const actionsDir = join(folder, 'actions')
  await mkdir(actionsDir)
  const file = trialPolicy({
    id: 'pause-vault',
    version: 1,
    action: 'pause',
    approvedBy: ['Ada'],
    target: `0x${'11'.repeat(20)}`,
    codeHash: `0x${'22'.repeat(32)}`,
    calldata: '0x8456cb59',
  })
  await writeFile(join(actionsDir, 'pause-vault.yaml'), stringify(file))
  config = { actionsDir, signer: { approvers: APPROVERS } } as unknown as Config
  const [loaded] = await loadPolicies(actionsDir)
  if (!loaded) throw new Error('no policy')
  policy = loaded
  await addUser(
    { db: database.db, secret },
    {
      name: 'ada',
      role: 'approver',
      password: 'correct horse battery',
      approver: 'Ada',
      cost: CHEAP,
    },
  )
})
afterAll(async () => {
  await database?.drop()
  await rm(folder, { recursive: true, force: true })
})
beforeEach(async () => {
  await database.db.delete(tables.executionApproval)
  await database.db.delete(tables.execution)
  await database.db.insert(tables.execution).values({
    id: 'x_1',
    idempotencyKey: 'k',
    actionId: policy.id,
    policyHash: policy.hash,
    chainId: 1,
    findingId: 'f',
    status: 'proposed',
    requestedAt: new Date(Date.now() + 1_000),
  })
})

const ada: Principal = {
  name: 'ada',
  role: 'approver',
  via: 'session',
  scopes: [],
  approver: 'Ada',
  verifiedAt: new Date(Date.now() + 60_000),
}
const answer = (changes: Partial<Parameters<typeof answerInPerson>[0]> = {}): Promise<string> =>
  answerInPerson({
    config,
    db: database.db,
    secret,
    principal: ada,
    execution: 'x_1',
    decision: 'approve',
    bytesHash: bytesHashOf('x_1', policy),
    ...changes,
  }).then(
    () => 'given',
    ({ code }: { code: string }) => code,
  )
const counted = () =>
  readApprovals(database.db, { secret, approvers: APPROVERS }, { id: 'x_1' }, policy)

test('default: an answer in person counts as that of the approver, as the signer verifies it', async () => {
  expect(await answer()).toBe('given')
  expect(await counted()).toEqual({ approvedBy: ['Ada'], deniedBy: [] })
  expect(await answer({ decision: 'deny' })).toBe('given')
  expect((await counted()).deniedBy).toEqual(['Ada'])
})

test('error: nobody answers who is no approver, not there in person, or not just now', async () => {
  const without = async (changes: Partial<Principal>): Promise<string> =>
    answer({ principal: { ...ada, ...changes } })
  expect(await without({ approver: undefined })).toBe('approval.no_approver')
  expect(await without({ approver: 'Mallory' })).toBe('approval.no_approver')
  expect(await without({ via: 'token' })).toBe('approval.no_approver')
  expect(await without({ via: 'local', role: 'admin' })).toBe('approval.no_approver')
  expect(await without({ verifiedAt: new Date(Date.now() - 300_001) })).toBe(
    'approval.stale_sign_in',
  )
  expect(await without({ verifiedAt: undefined })).toBe('approval.stale_sign_in')
  expect((await counted()).approvedBy).toEqual([])
})

test('error: an answer is to what was shown, of the policy that was proposed', async () => {
  expect(await answer({ bytesHash: '0'.repeat(64) })).toBe('approval.other_bytes')
  expect(await answer({ execution: 'x_2' })).toBe('execution.unknown')
  await database.db.update(tables.execution).set({ policyHash: 'other' })
  expect(await answer()).toBe('approval.other_bytes')
  await database.db.update(tables.execution).set({ policyHash: policy.hash, status: 'sent' })
  expect(await answer()).toBe('execution.not_proposed')
})

test('error: a user who was made or changed after the proposal answers by the link alone', async () => {
  await database.db
    .update(tables.execution)
    .set({ requestedAt: new Date(Date.now() - 60_000) })
    .where(eq(tables.execution.id, 'x_1'))
  await changeUser({ db: database.db, secret }, 'ada', { role: 'approver' })
  expect(await answer()).toBe('approval.new_user')
  expect((await counted()).approvedBy).toEqual([])
})

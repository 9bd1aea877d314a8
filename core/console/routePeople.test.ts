import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { eq } from 'drizzle-orm'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { stringify } from 'yaml'
import { createTestDatabase, type TestDatabase } from '../../test/support/database.ts'
import type { Config } from '../config/types.ts'
import {
  bytesHashOf,
  createClaims,
  encodeToken,
  killSwitchFile,
  type LoadedPolicy,
  loadPeopleSecret,
  loadPolicies,
} from '../response/index.ts'
import { readApprovals } from '../response/people/readApprovals.ts'
import { tables } from '../store/index.ts'
import { createLogger } from '../telemetry/index.ts'
import { trialPolicy } from '../testing/index.ts'
import { startConsole } from './index.ts'

const TOKEN = 'a-token-that-is-long-enough'
const HOSTILE = '<script>alert(1)</script>'
let database: TestDatabase
let dataDir = ''
let config: Config
let policy: LoadedPolicy
let console_: Awaited<ReturnType<typeof startConsole>>

beforeAll(async () => {
  database = await createTestDatabase()
  dataDir = await mkdtemp(join(tmpdir(), 'tocsin-people-'))
  const actionsDir = join(dataDir, 'actions')
  await mkdir(actionsDir)
  await writeFile(
    join(actionsDir, 'pause-vault.yaml'),
    stringify(
      trialPolicy({
        id: 'pause-vault',
        version: 3,
        action: 'pause',
        approvedBy: ['Ada'],
        target: `0x${'11'.repeat(20)}`,
        codeHash: `0x${'22'.repeat(32)}`,
        calldata: '0x8456cb59',
      }),
    ),
  )
  config = {
    name: 'test',
    env: undefined,
    chains: [{ id: 1, name: 'main' }],
    console: { host: '127.0.0.1', port: 0 },
    dataDir,
    actionsDir,
    people: { secret: '', haltToken: TOKEN, hasSecret: false, channels: {} },
  } as unknown as Config
  const [loaded] = await loadPolicies(actionsDir)
  if (!loaded) throw new Error('no policy')
  policy = loaded
  const log = createLogger({ service: 'test', level: 'silent' })
  console_ = await startConsole({ config, store: database, log })
})
afterAll(async () => {
  await console_?.stop()
  await database?.drop()
  await rm(dataDir, { recursive: true, force: true })
})
beforeEach(async () => {
  await database.db.delete(tables.executionApproval)
  await database.db.delete(tables.execution)
  await database.db.delete(tables.finding)
  await database.db.insert(tables.finding).values({
    id: 'f',
    botId: 'tvl-drop',
    botVersion: '1.0.0',
    alertId: 'TVL-DROP',
    alertKind: 'event',
    chainId: 1,
    blockNumber: 7,
    blockHash: '0x07',
    blockTimestampS: 1,
    uniqueKey: 'x',
    name: 'The vault fell',
    description: `It lost half. ${HOSTILE}`,
    severity: 'Critical',
    type: 'Exploit',
    status: 'final',
  })
  await database.db.insert(tables.execution).values({
    id: 'x_1',
    idempotencyKey: 'k',
    actionId: policy.id,
    policyHash: policy.hash,
    chainId: 1,
    findingId: 'f',
    status: 'proposed',
    simulation: { outcome: 'passed' },
  })
})

const link = async (
  who: string,
  changes: Partial<Parameters<typeof createClaims>[2]> = {},
): Promise<string> => {
  const answer = { who, decision: 'approve', via: 'link', ...changes } as const
  return encodeToken(await loadPeopleSecret(config), createClaims({ id: 'x_1' }, policy, answer))
}
const post = (token: string, headers: Record<string, string> = {}): Promise<Response> =>
  fetch(`${console_.url}/answer`, {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded', ...headers },
    body: new URLSearchParams({ t: token }),
  })
const counted = async () =>
  readApprovals(
    database.db,
    { secret: await loadPeopleSecret(config), approvers: [] },
    { id: 'x_1' },
    policy,
  )
const rows = () => database.db.select().from(tables.executionApproval)

test('default: a link shows what it is bound to and does nothing; the button answers once', async () => {
  const token = await link('Ada')
  const shown = await fetch(`${console_.url}/answer?t=${token}`)
  const body = await shown.text()
  expect(shown.status).toBe(200)
  for (const fact of [
    policy.target,
    policy.calldata,
    policy.hash,
    'The vault fell',
    'passed',
    'Ada',
  ])
    expect(body).toContain(fact)
  expect(body).not.toContain(HOSTILE)
  expect(shown.headers.get('content-security-policy')).toContain("form-action 'self'")
  expect(shown.headers.get('referrer-policy')).toBe('no-referrer')
  expect(await rows()).toEqual([])
  expect((await post(token)).status).toBe(200)
  expect((await counted()).approvedBy).toEqual(['Ada'])
  const again = await post(token)
  expect(again.status).toBe(409)
  expect(await again.text()).toContain('used already')
  expect(await rows()).toHaveLength(1)
})

test('behavior: a denial is one, and two people are two', async () => {
  await post(await link('Ada'))
  await post(await link('Grace', { decision: 'deny' }))
  expect(await counted()).toEqual({ approvedBy: ['Ada'], deniedBy: ['Grace'] })
})

test('error: links that are forged, expired, of other bytes or of what is over change nothing', async () => {
  const good = await link('Ada')
  const bad = ['', 'x.y', good.replace(/.$/, (end) => (end === '0' ? '1' : '0'))]
  const old = await link('Ada', { expiresS: 1 })
  for (const token of [...bad, old]) {
    expect((await fetch(`${console_.url}/answer?t=${token}`)).status).toBe(409)
    expect((await post(token)).status).toBe(409)
  }
  const claims = createClaims({ id: 'x_1' }, policy, {
    who: 'Ada',
    decision: 'approve',
    via: 'link',
  })
  const other = bytesHashOf('x_1', { ...policy, calldata: '0x3f4ba83a' })
  const secret = await loadPeopleSecret(config)
  expect((await post(encodeToken(secret, { ...claims, bytesHash: other }))).status).toBe(409)
  await database.db
    .update(tables.execution)
    .set({ status: 'sent' })
    .where(eq(tables.execution.id, 'x_1'))
  expect((await post(good)).status).toBe(409)
  expect(await rows()).toEqual([])
})

test('error: a form of another site is refused', async () => {
  const token = await link('Ada')
  for (const site of ['cross-site', 'same-site'])
    expect(
      (await post(token, { 'sec-fetch-site': site, 'sec-fetch-mode': 'navigate' })).status,
    ).toBe(403)
  expect(await rows()).toEqual([])
})

const halt = (headers: Record<string, string>, body?: string): Promise<Response> =>
  fetch(`${console_.url}/api/halt`, { method: 'POST', headers, ...(body ? { body } : {}) })

test('error: the stop of everything wants its token', async () => {
  for (const headers of [{}, { authorization: 'Bearer nope' }, { authorization: TOKEN }])
    expect((await halt(headers as Record<string, string>)).status).toBe(401)
  expect(existsSync(killSwitchFile(dataDir))).toBe(false)
  const people = { secret: '', haltToken: '', hasSecret: false, channels: {} }
  const log = createLogger({ service: 'test', level: 'silent' })
  const other = await startConsole({ config: { ...config, people }, store: database, log })
  const answer = await fetch(`${other.url}/api/halt`, { method: 'POST' })
  await other.stop()
  expect(answer.status).toBe(403)
})

test('default: one call stops everything, in the file and in the database', async () => {
  const body = JSON.stringify({ reason: 'bots fire on the migration', by: 'Ada' })
  const answer = await halt({ authorization: `Bearer ${TOKEN}` }, body)
  expect(await answer.json()).toEqual({ halted: true, file: true, database: true })
  expect(existsSync(killSwitchFile(dataDir))).toBe(true)
  const [row] = await database.db.select().from(tables.killSwitch)
  expect(row).toMatchObject({ who: 'Ada', via: 'api', reason: 'bots fire on the migration' })
  const odd = await halt({ authorization: `Bearer ${TOKEN}` }, 'not json')
  expect(odd.status).toBe(200)
})

import { mkdtemp, rm, utimes } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import {
  CHEAP,
  createTestConsole,
  SECRET,
  signIn,
  type TestConsole,
} from '../../test/support/testConsole.ts'
import { createPeopleSecret } from '../response/light.ts'
import { killSwitchFile, readHalt } from '../response/people/killSwitch.ts'
import { settleHalt } from '../response/people/resume.ts'
import { tables } from '../store/index.ts'
import { addUser } from './auth/users.ts'

const PASSWORD = 'correct horse battery'
const APPROVERS = [{ name: 'Ada' }, { name: 'Grace' }]
const secret = createPeopleSecret(SECRET)
let it: TestConsole
let dataDir = ''

beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'tocsin-console-halt-'))
  it = await createTestConsole()
  Object.assign(it.config, { dataDir, actionsDir: join(dataDir, 'actions') })
  Object.assign(it.config, { signer: { approvers: APPROVERS } })
  for (const [name, role, approver] of [
    ['ada', 'approver', 'Ada'],
    ['grace', 'approver', 'Grace'],
    ['root', 'admin', undefined],
    ['rita', 'responder', undefined],
  ] as const)
    await addUser(
      { db: it.database.db, secret },
      { name, role, approver, password: PASSWORD, cost: CHEAP },
    )
})
afterAll(async () => {
  await it?.stop()
  await rm(dataDir, { recursive: true, force: true })
})

type Person = { readonly cookie: string; readonly csrf: string }

const send = (path: string, fields: Record<string, string>, { cookie, csrf }: Person) =>
  it.call(path, {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded', cookie },
    body: new URLSearchParams({ ...fields, _csrf: csrf }).toString(),
  })

/** What the signer does at each turn, by its own list and its own policies. */
const settle = (required: number) =>
  settleHalt({
    db: it.database.db,
    people: { secret, approvers: APPROVERS },
    dataDir,
    policies: [{ approval: { required, roles: [] } } as never],
  })

test('behavior: an approver stops everything, and approvers agree that it goes on; the signer ends it', async () => {
  const ada = await signIn(it, 'ada', PASSWORD)
  const rita = await signIn(it, 'rita', PASSWORD)
  expect((await send('/halt', { reason: 'a drill' }, rita)).status).toBe(403)
  expect((await send('/halt', { reason: 'a drill' }, { ...ada, csrf: 'x' })).status).toBe(403)
  expect(await readHalt(it.database.db)).toBeUndefined()
  expect((await send('/halt', { reason: 'a drill' }, ada)).status).toBe(303)
  const past = new Date(Date.now() - 1_000)
  await utimes(killSwitchFile(dataDir), past, past)
  const halt = await readHalt(it.database.db)
  expect([halt?.who, halt?.reason]).toEqual(['ada', 'a drill'])
  for (const path of ['/', '/actions'])
    expect(await (await it.call(path, { headers: { cookie: ada.cookie } })).text()).toContain(
      'The signer sends nothing',
    )

  const id = halt?.id ?? ''
  const root = await signIn(it, 'root', PASSWORD)
  expect((await send('/halt/resume', { id }, rita)).status).toBe(403)
  // An admin is no approver.
  expect((await send('/halt/resume', { id }, root)).status).toBe(409)
  expect((await send('/halt/resume', { id: 'h_other' }, ada)).status).toBe(409)
  expect((await send('/halt/resume', { id }, ada)).status).toBe(303)
  expect(await readHalt(it.database.db)).toBeDefined()
  expect(await settle(2)).toBe(false)
  const state = await it.call('/api/v1/halt', { headers: { cookie: ada.cookie } })
  expect(await state.json()).toMatchObject({ isHalted: true, agreed: ['Ada'], canResume: true })
  const grace = await signIn(it, 'grace', PASSWORD)
  const answer = await it.call('/api/v1/halt/resume', {
    method: 'POST',
    headers: {
      cookie: grace.cookie,
      'x-csrf-token': grace.csrf,
      'content-type': 'application/json',
    },
    body: JSON.stringify({ id }),
  })
  expect([answer.status, await answer.json()]).toEqual([200, { id, by: 'Grace' }])
  expect(await settle(2)).toBe(true)
  expect(await readHalt(it.database.db)).toBeUndefined()
  const deeds = await it.database.db.select().from(tables.consoleAudit)
  expect(deeds.filter(({ act }) => act === 'halt.resume').map(({ result }) => result)).toEqual([
    'refused',
    'refused',
    'done',
    'done',
  ])
})

test('error: who was made a user after the stop does not agree to its end', async () => {
  const ada = await signIn(it, 'ada', PASSWORD)
  await send('/halt', { reason: 'again' }, ada)
  const halt = await readHalt(it.database.db)
  await it.database.db.update(tables.killSwitch).set({ at: new Date(0) })
  const refused = await send('/halt/resume', { id: halt?.id ?? '' }, ada)
  expect(refused.status).toBe(409)
  expect(await refused.text()).toContain('made or changed after')
})

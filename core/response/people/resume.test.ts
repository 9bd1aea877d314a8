import { existsSync } from 'node:fs'
import { mkdtemp, rm, utimes } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { eq } from 'drizzle-orm'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../../test/support/database.ts'
import { tables } from '../../store/index.ts'
import { killSwitchFile, readHalt, recordHalt, writeHaltFile } from './killSwitch.ts'
import { createPeopleSecret } from './peopleSecret.ts'
import { AGREEMENT_MS, agreeToResume, peopleToResume, settleHalt } from './resume.ts'

let database: TestDatabase
let dataDir = ''
beforeAll(async () => {
  database = await createTestDatabase()
  dataDir = await mkdtemp(join(tmpdir(), 'tocsin-resume-'))
})
afterAll(async () => {
  await database?.drop()
  await rm(dataDir, { recursive: true, force: true })
})
beforeEach(async () => {
  await database.db.delete(tables.killSwitch)
  await database.db.delete(tables.haltAnswer)
  await rm(killSwitchFile(dataDir), { force: true })
})

const HALT = { who: 'Ada', via: 'console' as const, reason: 'a drill' }
const secret = createPeopleSecret('a-secret-of-people-that-is-long-enough')
const people = {
  secret,
  approvers: [{ name: 'Ada', role: 'risk' }, { name: 'Grace' }, { name: 'Linus' }],
}
const policy = (required: number, roles: readonly string[] = []) =>
  ({ approval: { required, roles } }) as never
const settle = (policies = [policy(0), policy(2)], more: object = {}) =>
  settleHalt({ db: database.db, people, dataDir, policies, ...more })

const stop = async (): Promise<string> => {
  await writeHaltFile(dataDir, HALT)
  const { id } = await recordHalt(database.db, HALT)
  // The file of a moment ago: answers come after it.
  await utimes(killSwitchFile(dataDir), new Date(), new Date(Date.now() - 1_000))
  return id
}
const agree = (haltId: string, who: string, now?: Date) =>
  agreeToResume(database.db, secret, { haltId, who, via: 'console', ...(now ? { now } : {}) })

test('default: as many people as the most careful policy asks for end a stop, row and file', async () => {
  const id = await stop()
  expect(await settle()).toBe(false)
  await agree(id, 'ada')
  await agree(id, 'Ada')
  expect(await settle()).toBe(false)
  await agree(id, 'Grace')
  expect(await settle()).toBe(true)
  expect([await readHalt(database.db), existsSync(killSwitchFile(dataDir))]).toEqual([
    undefined,
    false,
  ])
  const [row] = await database.db.select().from(tables.killSwitch)
  expect(row?.liftedBy).toBe('Ada, Grace')
  expect([peopleToResume([]), peopleToResume([policy(0)]), peopleToResume([policy(3)])]).toEqual([
    1, 1, 3,
  ])
})

test('error: nobody counts who is not named, has not the role, or whose proof is not theirs', async () => {
  const id = await stop()
  await agree(id, 'Mallory')
  expect(await settle([])).toBe(false)
  await agree(id, 'Grace')
  expect(await settle([policy(1, ['risk'])])).toBe(false)
  await database.db
    .update(tables.haltAnswer)
    .set({ who: 'Linus' })
    .where(eq(tables.haltAnswer.who, 'Mallory'))
  expect(await settle([policy(2)])).toBe(false)
  const none = { people: { secret, approvers: [] } }
  expect(await settle([], none)).toBe(false)
  const other = createPeopleSecret('another-secret-of-people-that-is-long')
  expect(await settle([], { people: { ...people, secret: other } })).toBe(false)
  await agree(id, 'Ada')
  expect(await settle([policy(1, ['risk'])])).toBe(true)
})

test('behavior: an agreement lasts a quarter of an hour, and whoever stops again takes it back', async () => {
  const id = await stop()
  await agree(id, 'Ada')
  const late = { now: new Date(Date.now() + AGREEMENT_MS + 1_000) }
  expect(await settle([], late)).toBe(false)
  await recordHalt(database.db, HALT)
  expect(await settle([])).toBe(false)
  await agree(id, 'Ada')
  await utimes(killSwitchFile(dataDir), new Date(), new Date(Date.now() + 1_000))
  expect(await settle([])).toBe(false)
  await rm(killSwitchFile(dataDir))
  expect(await settle([])).toBe(true)
  await expect(agree(id, 'Grace')).rejects.toMatchObject({ code: 'halt.none' })
})

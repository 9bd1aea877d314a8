import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { eq } from 'drizzle-orm'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../../test/support/database.ts'
import { tables } from '../../store/index.ts'
import { verifyExecutionLog } from '../executionLog.ts'
import {
  killSwitchFile,
  liftHalt,
  readHalt,
  recordHalt,
  watchKillSwitch,
  writeHaltFile,
} from './killSwitch.ts'

let database: TestDatabase
let dataDir = ''
beforeAll(async () => {
  database = await createTestDatabase()
  dataDir = await mkdtemp(join(tmpdir(), 'tocsin-halt-'))
})
afterAll(async () => {
  await database?.drop()
  await rm(dataDir, { recursive: true, force: true })
})

const HALT = { who: 'Ada\u202E', via: 'cli' as const, reason: 'a drill' }
const watch = () =>
  watchKillSwitch({
    db: database.db,
    dataDir,
    onChange: () => undefined,
    onError: (error) => {
      throw error
    },
  })

test('default: a row stops, is logged and told once, and only lifting it ends it', async () => {
  const before = await watch()
  expect(before.isOn()).toBe(false)
  const first = await recordHalt(database.db, HALT)
  const second = await recordHalt(database.db, { ...HALT, who: 'Grace' })
  expect(second.id).toBe(first.id)
  expect(first.who).toBe('Ada')
  await expect.poll(() => before.isOn(), { timeout: 5_000 }).toBe(true)
  await before.stop()
  const later = await watch()
  expect(later.isOn()).toBe(true)
  const findings = await database.db.select().from(tables.finding)
  expect(findings.map(({ alertId }) => alertId)).toEqual(['HALTED'])
  expect(await liftHalt(database.db, dataDir, 'Ada')).toEqual({ rows: 1, file: true })
  await expect.poll(() => later.isOn(), { timeout: 5_000 }).toBe(false)
  await later.stop()
  const log = await database.db.select().from(tables.executionLog)
  expect(log.map(({ event }) => event)).toEqual(['halted', 'resumed'])
  expect((await verifyExecutionLog(database.db)).ok).toBe(true)
})

test('behavior: the file alone is enough, at once, and a row that is lifted behind it changes nothing', async () => {
  const killSwitch = await watch()
  await writeHaltFile(dataDir, HALT)
  expect(killSwitch.isOn()).toBe(true)
  await recordHalt(database.db, HALT)
  await database.db.delete(tables.killSwitch)
  expect(killSwitch.isOn()).toBe(true)
  expect(await liftHalt(database.db, dataDir, 'Ada')).toEqual({ rows: 0, file: true })
  expect(existsSync(killSwitchFile(dataDir))).toBe(false)
  await expect.poll(() => killSwitch.isOn(), { timeout: 5_000 }).toBe(false)
  await killSwitch.stop()
  expect(await readHalt(database.db)).toBeUndefined()
  expect(await liftHalt(database.db, dataDir, 'Ada')).toEqual({ rows: 0, file: false })
})

test('error: whoever takes the row away, or says that it was lifted, ends no stop that was seen', async () => {
  const killSwitch = await watch()
  for (const undo of [
    () => database.db.update(tables.killSwitch).set({ liftedAt: new Date(), liftedBy: 'Ada' }),
    () => database.db.delete(tables.killSwitch),
  ]) {
    await recordHalt(database.db, HALT)
    await expect.poll(() => existsSync(killSwitchFile(dataDir)), { timeout: 5_000 }).toBe(true)
    await undo()
    await expect.poll(() => readHalt(database.db), { timeout: 5_000 }).toBeUndefined()
    killSwitch.wake()
    await delay(100)
    expect(killSwitch.isOn()).toBe(true)
    await liftHalt(database.db, dataDir, 'Ada')
    await expect.poll(() => killSwitch.isOn(), { timeout: 5_000 }).toBe(false)
  }
  await killSwitch.stop()
})

test('behavior: a stop that was ended is not taken up again from a row that was set back', async () => {
  const killSwitch = await watch()
  const { id } = await recordHalt(database.db, HALT)
  await expect.poll(() => existsSync(killSwitchFile(dataDir)), { timeout: 5_000 }).toBe(true)
  await liftHalt(database.db, dataDir, 'Ada')
  expect(existsSync(killSwitchFile(dataDir))).toBe(false)
  await database.db
    .update(tables.killSwitch)
    .set({ liftedAt: null, liftedBy: null })
    .where(eq(tables.killSwitch.id, id))
  // The row stops while it stands, and leaves nothing behind.
  await expect.poll(() => killSwitch.isOn(), { timeout: 5_000 }).toBe(true)
  await database.db.delete(tables.killSwitch)
  await expect.poll(() => killSwitch.isOn(), { timeout: 5_000 }).toBe(false)
  await killSwitch.stop()
})

import { spawnSync } from 'node:child_process'
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { desc, eq, gt } from 'drizzle-orm'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../test/support/database.ts'
import { tables } from '../store/index.ts'
import { noMeter } from '../telemetry/index.ts'
import { auditAnchorFile, followAudit, readAuditAnchor } from './auditAnchor.ts'
import { appendExecutionLog } from './executionLog.ts'

let database: TestDatabase
let dataDir = ''
beforeAll(async () => {
  database = await createTestDatabase()
})
afterAll(() => database?.drop())
beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'tocsin-audit-'))
  await database.db.delete(tables.executionLog)
  await database.db.delete(tables.finding)
})
afterEach(() => rm(dataDir, { recursive: true, force: true }))

const append = (id: string) =>
  database.db.transaction((tx) => appendExecutionLog(tx, id, 'refused', {}))
const follow = () => followAudit({ db: database.db, dataDir, meter: noMeter })
const findings = () =>
  database.db.select().from(tables.finding).where(eq(tables.finding.alertId, 'AUDIT-BROKEN'))

test('default: the head is noted as the log grows, also over a restart', async () => {
  await append('a')
  const first = follow()
  await first.turn()
  const noted = await readAuditAnchor(dataDir)
  await append('b')
  await first.turn()
  const later = follow()
  await append('c')
  await later.turn()
  expect(later.trouble()).toBe('')
  expect((await readAuditAnchor(dataDir))?.seq).toBeGreaterThan(noted?.seq ?? 0)
  expect(await findings()).toEqual([])
})

test('behavior: what a killed signer left behind is removed, what a living one writes is not', async () => {
  const gone = spawnSync(process.execPath, ['-e', '']).pid
  const names = [`audit.head.${gone}`, `audit.head.${process.pid}`, 'audit.head.note']
  for (const name of names) await writeFile(join(dataDir, name), '{')
  await follow().turn()
  expect((await readdir(dataDir)).sort()).toEqual(names.slice(1).sort())
})

test('error: a cut-off end is told once and never noted over', async () => {
  for (const id of ['a', 'b', 'c']) await append(id)
  const follower = follow()
  await follower.turn()
  const noted = await readAuditAnchor(dataDir)
  await database.db
    .delete(tables.executionLog)
    .where(gt(tables.executionLog.seq, (noted?.seq ?? 0) - 1))
  await follower.turn()
  await follower.turn()
  expect(follower.trouble()).toContain('cut off')
  // What is written behind a cut does not follow from what was noted.
  await append('d')
  await follower.turn()
  expect(follower.trouble()).not.toBe('')
  const restarted = follow()
  await restarted.turn()
  expect(restarted.trouble()).not.toBe('')
  expect(await readAuditAnchor(dataDir)).toEqual(noted)
  expect((await findings()).every(({ severity }) => severity === 'Critical')).toBe(true)
})

test('error: a newest row that was changed is told', async () => {
  await append('a')
  const follower = follow()
  await follower.turn()
  await append('b')
  const [last] = await database.db
    .select()
    .from(tables.executionLog)
    .orderBy(desc(tables.executionLog.seq))
    .limit(1)
  await database.db
    .update(tables.executionLog)
    .set({ detail: { forged: true } })
    .where(eq(tables.executionLog.seq, last?.seq ?? 0))
  await follower.turn()
  expect(follower.trouble()).toContain('changed after')
  expect(await findings()).toHaveLength(1)
})

test('error: a noted head that cannot be read is no reason to note another', async () => {
  await append('a')
  await writeFile(auditAnchorFile(dataDir), 'rubbish')
  await expect(follow().turn()).rejects.toThrow()
})

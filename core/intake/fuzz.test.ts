import { sql } from 'drizzle-orm'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../test/support/database.ts'
import { type FuzzClock, fuzzIntake } from '../../test/support/intake/fuzz.ts'
import { createIntakeRig } from '../../test/support/intake/intakeRig.ts'

const COUNT = Number(process.env['TOCSIN_FUZZ'] ?? (process.env['TOCSIN_LONG'] ? 1_000_000 : 1_500))

let database: TestDatabase
beforeAll(async () => {
  database = await createTestDatabase()
}, 120_000)
afterAll(() => database?.drop())

test('behavior: of payloads that are wrong in every way none is a fault of ours, and what is stored is what was accepted', async () => {
  const clock: FuzzClock = { nowMs: Date.parse('2026-11-21T10:16:00Z') }
  const rig = createIntakeRig({ db: database.db, now: () => clock.nowMs })
  const before = process.cpuUsage()
  const { byStatus, faults } = await fuzzIntake(rig, clock, {
    count: COUNT,
    seed: 20_261_121,
    onProgress: (done) => {
      if (COUNT >= 100_000) process.stdout.write(`${done} payloads\n`)
    },
  })
  const { user, system } = process.cpuUsage(before)
  const cpuS = Math.round((user + system) / 1e4) / 100
  const stored = await rig.stored()
  const taken = rig.stats()
  process.stdout.write(`${JSON.stringify({ byStatus, taken, stored, cpuS })}\n`)
  expect(faults).toEqual([])
  expect(Object.values(byStatus).reduce((a, b) => a + b, 0)).toBe(COUNT)
  expect(stored.findings).toBe(taken.findings)
  expect(stored.marks).toBeLessThanOrEqual(taken.accepted)
  expect(taken.accepted).toBeGreaterThan(COUNT / 100)
  expect(taken.accepted).toBeLessThan(COUNT / 2)
  // Nothing graver than any receiver is believed, nothing in another's name, and no text that could deceive.
  const { rows } = await database.db.execute<{ n: string }>(sql`
    select count(*) as n from tocsin.finding
    where severity = 'Critical' or bot_id !~ '^external-' or status <> 'final'
      or name ~ '[\u0001-\u001f\u202e\u200b]' or length(name) > 200 or length(description) > 2000`)
  expect(Number(rows[0]?.n)).toBe(0)
}, 3_600_000)

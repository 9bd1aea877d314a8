import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../test/support/database.ts'
import type { Address, Hex } from '../base/index.ts'
import { tables } from '../store/index.ts'
import { isCutOff, listDeeds } from './deeds.ts'
import { createMemoryLedger, type LedgerEntry, ledgerFile, openLedger } from './ledger.ts'

let folder = ''
let database: TestDatabase
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tocsin-ledger-'))
  database = await createTestDatabase()
})
afterAll(async () => {
  await database?.drop()
  await rm(folder, { recursive: true, force: true })
})

const TARGET: Address = `0x${'aa'.repeat(20)}`
const hashOf = (byte: string): Hex => `0x${byte.repeat(32)}`
const atMs = Date.now()
const claimed = (execution: string, more: object = {}): LedgerEntry => ({
  kind: 'claimed',
  execution,
  atMs,
  action: 'a',
  chain: 1,
  target: TARGET,
  nonce: 5,
  hash: hashOf('01'),
  costWei: 7n,
  triggeredAtS: 1,
  ...more,
})

test('behavior: what was noted is there after a restart: ends, requests, take-overs, reopenings', async () => {
  const ledger = await openLedger(folder)
  const mined = { hash: hashOf('02'), block: 9, blockHash: hashOf('03') }
  const entries: readonly LedgerEntry[] = [
    { kind: 'proposed', execution: 'p', atMs, policyHash: 'h' },
    { kind: 'proposed', execution: 'p', atMs: atMs + 5_000, policyHash: 'h' },
    { kind: 'ended', execution: 'p', atMs, code: 'denied' },
    claimed('x', { step: 0, finding: 'f' }),
    { kind: 'asked', execution: 'x', atMs, step: 0 },
    { kind: 'declined', execution: 'x', atMs, step: 0 },
    { kind: 'asked', execution: 'x', atMs, step: 0 },
    { kind: 'replaced', execution: 'x', atMs: atMs + 1, costWei: 9n, step: 1, nonce: 6 },
    { kind: 'ended', execution: 'x', atMs, code: 'succeeded', mined },
    claimed('y'),
    { kind: 'ended', execution: 'y', atMs, code: 'succeeded', mined },
    { kind: 'reopened', execution: 'y', atMs: atMs + 2 },
  ]
  for (const entry of entries) await ledger.append(entry)
  await ledger.close()
  expect((await readFile(ledgerFile(folder), 'utf8')).split('\n')).toHaveLength(entries.length + 1)
  const again = await openLedger(folder)
  // The first proposal counts: nobody moves its time-out.
  expect(again.proposedAtMs('p', 'h')).toBe(atMs)
  expect([again.endOf('p'), again.isKnown('p'), again.claimOf('p')]).toEqual([
    'denied',
    true,
    undefined,
  ])
  expect(again.claimOf('x')).toMatchObject({
    finding: 'f',
    step: 1,
    stepAtMs: atMs + 1,
    nonce: 6,
    costWei: 9n,
    mined,
  })
  expect(again.claimOf('x')?.asks.get(0)).toEqual({ asked: 2, declined: 1 })
  expect(again.endOf('x')).toBe('succeeded')
  expect([again.endOf('y'), again.claimOf('y')?.mined, again.claimOf('y')?.stepAtMs]).toEqual([
    undefined,
    undefined,
    atMs + 2,
  ])
  expect([again.isKnown('z'), again.endOf('z')]).toEqual([false, undefined])
  await again.close()
})

test('behavior: a claim was cut off while its nonce is free, or while nobody was asked, and not for long', () => {
  const claimOf = (...entries: readonly LedgerEntry[]) => {
    const claim = createMemoryLedger(entries).claimOf('x')
    if (!claim) throw new Error('no claim')
    return claim
  }
  expect([5, 6].map((free) => isCutOff(claimOf(claimed('x')), free))).toEqual([true, false])
  const remote = claimed('x', { nonce: undefined, hash: undefined })
  expect(isCutOff(claimOf(remote), 5)).toBe(true)
  expect(isCutOff(claimOf(remote, { kind: 'asked', execution: 'x', atMs, step: 0 }), 5)).toBe(false)
  expect(isCutOff(claimOf({ ...remote, atMs: atMs - 60_000 }), 5)).toBe(false)
})

test('error: no row makes a claim dead or done: what it may still bring about keeps others away', async () => {
  const deedOf = async (...entries: readonly LedgerEntry[]) => {
    const ledger = createMemoryLedger(entries)
    const [deed] = await listDeeds(database.db, ledger, 1, 'other', new Map())
    return [deed?.isInFlight, deed?.mayHold]
  }
  await database.db.delete(tables.execution)
  // Its row is gone.
  expect(await deedOf(claimed('x'))).toEqual([true, true])
  const failed = (code: string): LedgerEntry => ({ kind: 'failed', execution: 'x', atMs, code })
  expect(await deedOf(claimed('x'), failed('forged'))).toEqual([false, true])
  expect(await deedOf(claimed('x'), failed('used'))).toEqual([false, true])
  expect(await deedOf(claimed('x'), failed('reverted'))).toEqual([false, false])
  // What another sender signed is dead by nobody's word.
  const remote = claimed('x', { nonce: undefined, hash: undefined })
  expect(await deedOf(remote, failed('reverted'))).toEqual([false, true])
  expect(await deedOf({ ...claimed('x'), atMs: atMs - 7_200_000 })).toEqual([false, true])
})

import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../test/support/database.ts'
import { silent, startRig, testBot } from '../../test/support/engineRig.ts'
import type { Hex } from '../base/index.ts'
import { createBotMarks, fingerprintOf } from './botMarks.ts'
import type { EngineBot } from './engineBot.ts'
import { readMarks } from './markLayout.ts'
import { createMemoryEngineStore } from './memoryEngineStore.ts'
import { createStrikeBook, type StrikeBook } from './strikeBook.ts'
import { writeStrikes } from './writeStrikes.ts'

const CHAIN = { id: 31_337, name: 'local' }
const bot = testBot({ id: 'bad' })
const other = testBot({ id: 'other' })
const blockAt = (number: number): { number: number; hash: Hex } => ({ number, hash: `0x${number}` })

let database: TestDatabase
beforeAll(async () => {
  database = await createTestDatabase()
})
afterAll(async () => {
  await database?.drop()
})
beforeEach(async () => {
  await database.pool.query(
    'truncate tocsin.bot_strike, tocsin.bot_quarantine, tocsin.key_value, tocsin.finding',
  )
})

const openBook = async (bots: readonly EngineBot[] = [bot, other], at = 0): Promise<StrikeBook> => {
  const book = createStrikeBook({ store: database, chain: CHAIN, log: silent })
  await book.load(bots, blockAt(at))
  return book
}
const strike = (block: number, isCertain: boolean, who: EngineBot = bot): Promise<void> =>
  writeStrikes(database.url, [
    {
      chainId: CHAIN.id,
      chainName: CHAIN.name,
      botId: who.definition.id,
      fingerprint: fingerprintOf(who),
      blockNumber: block,
      blockHash: blockAt(block).hash,
      kind: 'blocked',
      isCertain,
      detail: 'it blocked everything',
    },
  ])

test('behavior: a certain strike costs the bot that block, of that hash alone', async () => {
  await strike(7, true)
  const book = await openBook()
  expect(book.refuse('bad', blockAt(7))).toMatchObject({ isQuarantined: false })
  expect(book.refuse('bad', { number: 7, hash: '0xother' })).toBeUndefined()
  expect(book.refuse('other', blockAt(7))).toBeUndefined()
})

test('behavior: suspicion alone costs nothing, until the third time over the same block', async () => {
  await strike(7, false)
  await strike(7, false)
  expect((await openBook()).refuse('bad', blockAt(7))).toBeUndefined()
  await strike(7, false)
  expect((await openBook()).refuse('bad', blockAt(7))).toMatchObject({ isQuarantined: false })
})

test('behavior: two strikes within an hour are no quarantine, three are; another make of the bot is another chance', async () => {
  await strike(7, true)
  await strike(9, true)
  expect((await openBook()).refuse('bad', blockAt(11))).toBeUndefined()
  await database.pool.query("update tocsin.bot_strike set at = now() - interval '61 minutes'")
  await strike(10, true)
  expect((await openBook()).refuse('bad', blockAt(11))).toBeUndefined()
  await strike(12, true)
  await strike(13, true)
  const book = await openBook()
  expect(book.refuse('bad', blockAt(20))).toMatchObject({ isQuarantined: true })
  await openBook()
  const { rows } = await database.pool.query(
    "select severity from tocsin.finding where alert_id = 'BOT-QUARANTINED'",
  )
  expect(rows).toEqual([{ severity: 'High' }])

  const mended = testBot({ id: 'bad', version: '1.0.1' })
  expect((await openBook([mended, other])).refuse('bad', blockAt(20))).toBeUndefined()
})

test('behavior: a release is taken up by a watcher that runs', async () => {
  for (const block of [1, 2, 3]) await strike(block, true)
  const book = await openBook()
  expect(book.refuse('bad', blockAt(20))).toBeDefined()
  await database.pool.query('delete from tocsin.bot_quarantine')
  await book.refresh()
  expect(book.refuse('bad', blockAt(20))).toBeUndefined()
})

test('behavior: a life that ends over a bot that runs alone counts against it the third time in a row only', async () => {
  const live = async (): Promise<StrikeBook> => {
    const book = await openBook([bot, other], 6)
    expect(book.isCareful()).toBe(true)
    return book
  }
  await (await live()).note('bad', blockAt(7))
  await (await live()).note('bad', blockAt(7))
  // A kill over another bot in between: nothing of the sort.
  await (await live()).note('other', blockAt(7))
  for (let i = 0; i < 3; i++) {
    const book = await live()
    expect(book.refuse('bad', blockAt(7))).toBeUndefined()
    await book.note('bad', blockAt(7))
  }
  expect((await live()).refuse('bad', blockAt(7))).toMatchObject({ isQuarantined: true })
})

test('behavior: a committed block clears the note of it', async () => {
  const book = await openBook([bot, other], 6)
  await book.note('bad', blockAt(7))
  await book.commit()
  expect(book.isCareful()).toBe(false)
  expect((await database.pool.query('select 1 from tocsin.key_value')).rows).toEqual([])
})

test('behavior: the marks say whose code is on the thread, and whose promises are open, also long after the block', async () => {
  const marks = createBotMarks({ onBot: () => undefined })
  const now = () => readMarks(marks.buffer)
  const seen: unknown[] = []
  let settle: () => void = () => undefined
  const sync = testBot({
    id: 'sync',
    needs: () => ({ everyBlock: true }),
    handleBlock: () => {
      seen.push(now().current)
      return []
    },
  })
  const slow = testBot({
    id: 'slow',
    timeoutMs: 20,
    needs: () => ({ everyBlock: true }),
    handleBlock: () => {
      seen.push(now().current)
      return new Promise((resolve) => {
        settle = () => resolve([])
      })
    },
  })
  const rig = await startRig({ store: createMemoryEngineStore(), bots: [sync, slow], marks })
  const { failures } = await rig.block()
  expect(seen).toEqual([
    { slot: 0, work: 'handleBlock', index: -1 },
    { slot: 1, work: 'handleBlock', index: -1 },
  ])
  expect([...failures.keys()]).toEqual(['slow'])
  expect(now().current).toBeUndefined()
  expect(now().blockOf(0)).toEqual({
    number: rig.chain.head().block.number,
    hash: rig.chain.head().block.hash,
  })
  expect(now().waiting).toEqual([1])
  settle()
  await new Promise((resolve) => setImmediate(resolve))
  expect(now().waiting).toEqual([])
  await rig.engine.stop()
})

test('behavior: handlers that never settle do not pile up without end', async () => {
  const kept: unknown[] = []
  const leaky = testBot({
    id: 'leaky',
    timeoutMs: 1,
    needs: () => ({ everyBlock: true }),
    // The bot itself holds on to them, so that nothing can be collected.
    handleBlock: () => new Promise((resolve) => kept.push(resolve)),
  })
  const rig = await startRig({ store: createMemoryEngineStore(), bots: [leaky] })
  let last: readonly string[] | undefined
  for (let i = 0; i < 1_000; i++) last = (await rig.block()).failures.get('leaky')
  expect(kept).toHaveLength(16)
  expect(last?.[0]).toMatch(/16 of its handlers have never ended|it hung and is left out/)
  await rig.engine.stop()
})

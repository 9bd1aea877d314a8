import { afterAll, beforeAll, expect, test } from 'vitest'
import { sleep } from '../core/base/index.ts'
import { type BadBots, startBadBots } from './support/badBots.ts'

let bad: BadBots

beforeAll(async () => {
  bad = await startBadBots({
    'bot-that-is-fine': '(block) => seen(block)',
    'bot-that-loops': `(block, at) => {
      if (at === 2) { while (true) {} }
      return seen(block)
    }`,
    'bot-that-loops-late': `async (block, at) => {
      await new Promise((resolve) => setTimeout(resolve, 5))
      if ([5, 7, 8].includes(at)) /^(a+)+$/.test('a'.repeat(60) + 'b')
      return seen(block)
    }`,
  })
}, 180_000)

afterAll(async () => {
  await bad?.stack.stop()
})

test('behavior: a bot that blocks the thread is ended with the process, named, and left out of that block', async () => {
  const { lines, rows, mineTo, restarts, blocksSeen } = bad
  expect(await rows("select 1 from tocsin.finding where bot_id = 'tocsin'")).toEqual([])
  const guilty = await mineTo(2)
  expect(restarts()).toBe(1)
  const fatal = lines
    .filter((line) => line.includes('"bot.blocked"'))
    .map((line) => JSON.parse(line))
  expect(fatal).toMatchObject([
    { level: 'fatal', bots: ['bot-that-loops'], certain: true, block: guilty, work: 'handleBlock' },
  ])
  expect(fatal[0]?.place).toContain('bot-that-loops/bot.mjs')
  await mineTo(4)
  expect(restarts()).toBe(1)
  expect(await blocksSeen('bot-that-loops')).not.toContain(guilty)
  expect(await blocksSeen('bot-that-loops')).toContain(guilty + 1)
  expect(
    await rows(
      "select condition, unique_key from tocsin.finding where alert_id = 'BOT-FAILING' order by seq",
    ),
  ).toEqual([
    { condition: 'holds', unique_key: 'bot-that-loops' },
    { condition: 'ended', unique_key: 'bot-that-loops' },
  ])
}, 180_000)

test('behavior: also after an await it is told who it was; the third time is quarantine; the others lose no block', async () => {
  const { rows, mineTo, restarts, blocksSeen, tocsin } = bad
  const base = await mineTo(10)
  expect(restarts()).toBe(4)
  expect(
    await rows(
      "select block_number::int as n, kind, certain from tocsin.bot_strike where bot_id = 'bot-that-loops-late' order by seq",
    ),
  ).toEqual([5, 7, 8].map((at) => ({ n: base - 10 + at, kind: 'blocked', certain: true })))
  const told = await rows<{ severity: string; description: string }>(
    "select severity, description from tocsin.finding where alert_id = 'BOT-QUARANTINED'",
  )
  expect(told).toHaveLength(1)
  expect(told[0]?.severity).toBe('High')
  expect(told[0]?.description).toContain('tocsin bots release bot-that-loops-late')
  const status = await tocsin('status')
  expect(status.code).toBe(1)
  expect(status.out).toMatch(/bot-that-loops-late: in quarantine/)
  expect((await tocsin('bots')).out).toMatch(/bot-that-loops-late +1\.0\.0 +in quarantine/)

  expect((await tocsin('bots', 'release', 'bot-that-loops-late')).code).toBe(0)
  expect(await rows('select 1 from tocsin.bot_quarantine')).toEqual([])
  expect((await tocsin('bots', 'release', 'bot-that-loops-late')).code).toBe(1)
  // The watcher looks every five seconds.
  await sleep(6_000)
  const last = await mineTo(12)
  expect(await blocksSeen('bot-that-loops-late')).toContain(last)
  const all = await blocksSeen('bot-that-is-fine')
  expect(all).toEqual(Array.from({ length: all.length }, (_, i) => (all[0] ?? 0) + i))
  expect(all.at(-1)).toBe(last)
}, 180_000)

test('behavior: a backtest names the bot and the block, and fails', async () => {
  const to = Number(await bad.stack.anvil.rpc<string>('eth_blockNumber'))
  const deadly = to - (to % 100) + 5
  const range = ['--chain', 'local', '--from', String(deadly - 4), '--to', String(deadly + 4)]
  const bots = ['--bots', 'bot-that-is-fine,bot-that-loops-late']
  const run = await bad.tocsin('backtest', ...range, ...bots)
  expect(run.code).toBe(1)
  expect(run.err).toContain(
    `tocsin: The bot bot-that-loops-late blocks the backtest in block ${deadly} of local`,
  )
}, 60_000)

import { afterAll, beforeAll, expect, test } from 'vitest'
import { type BadBots, startBadBots } from './support/badBots.ts'

let bad: BadBots

beforeAll(async () => {
  bad = await startBadBots({
    'bot-that-is-fine': '(block) => seen(block)',
    'bot-that-exits': '(block, at) => { if (at === 1) process.exit(2); return seen(block) }',
    'bot-that-aborts': `async (block, at) => {
      await new Promise((resolve) => setTimeout(resolve, 5))
      if (at === 4) process.abort()
      return seen(block)
    }`,
  })
}, 180_000)

afterAll(async () => {
  await bad?.stack.stop()
})

test('behavior: a bot that ends the process is named and left out of that block', async () => {
  const { rows, mineTo, restarts, blocksSeen } = bad
  const gone = await mineTo(1)
  expect(restarts()).toBe(1)
  expect(
    await rows('select bot_id, block_number::int as n, kind, certain from tocsin.bot_strike'),
  ).toEqual([{ bot_id: 'bot-that-exits', n: gone, kind: 'exited', certain: true }])
  const next = await mineTo(2)
  expect(await blocksSeen('bot-that-exits')).toContain(next)
  expect(await blocksSeen('bot-that-exits')).not.toContain(gone)
}, 180_000)

test('behavior: one that kills without a word is found by running the bots one by one, and goes into quarantine', async () => {
  const { rows, mineTo, restarts, blocksSeen } = bad
  const deadly = await mineTo(4)
  // Once among the others, three times alone.
  expect(restarts()).toBe(5)
  expect(await rows('select bot_id from tocsin.bot_quarantine')).toEqual([
    { bot_id: 'bot-that-aborts' },
  ])
  const last = await mineTo(6)
  expect(restarts()).toBe(5)
  expect(await blocksSeen('bot-that-aborts')).not.toContain(deadly)
  expect(await blocksSeen('bot-that-exits')).toContain(deadly)
  const all = await blocksSeen('bot-that-is-fine')
  expect(all).toEqual(Array.from({ length: all.length }, (_, i) => (all[0] ?? 0) + i))
  expect(all.at(-1)).toBe(last)
}, 180_000)

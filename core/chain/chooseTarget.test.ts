import { expect, test } from 'vitest'
import type { Hex } from '../base/index.ts'
import { chooseTarget } from './chooseTarget.ts'
import type { EndpointView } from './createHeadTracker.ts'

/** A chain is written as one letter per height, beginning at 1: `aab` has branch b at height 3. */
const view = (name: string, branch: string): EndpointView => {
  const hashAt = (number: number): Hex | undefined =>
    number >= 1 && number <= branch.length ? `0x${branch.slice(0, number)}` : undefined
  const number = branch.length
  return {
    name,
    score: 1,
    head: { number, hash: hashAt(number) ?? '0x', parentHash: hashAt(number - 1) ?? '0x' },
    hashAt,
  }
}
const choose = (
  branches: readonly string[],
  emitted: string,
  ageMs = 0,
  configured = branches.length,
) =>
  chooseTarget({
    views: branches.map((branch, index) => view(`n${index}`, branch)),
    configured,
    holdMs: 1_000,
    ageMs: () => ageMs,
    emitted: (number) => (number <= emitted.length ? `0x${emitted.slice(0, number)}` : undefined),
    last: emitted.length,
  })

test('behavior: one endpoint is believed', () => {
  expect(choose(['aaa'], 'aa').target).toMatchObject({ number: 3, hash: '0xaaa' })
  expect(choose(['aab'], 'aaa').target).toMatchObject({ number: 3, hash: '0xaab' })
  expect(choose(['aa'], 'aaa').target).toBeUndefined()
})

test('behavior: with three, the second vote makes a block', () => {
  expect(choose(['aaa', 'aa', 'aa'], 'aa')).toMatchObject({ target: undefined, waitMs: 1_000 })
  expect(choose(['aaa', 'aaa', 'aa'], 'aa').target).toMatchObject({ number: 3 })
})

test('behavior: with three, a block that nobody contradicts passes after the hold, and is shown', () => {
  const choice = choose(['aaa', 'aa', 'aa'], 'aa', 1_000)
  expect(choice.target).toMatchObject({ number: 3 })
  expect(choice.reason).toContain('1 of 3')
})

test('behavior: with three, a contradicted minority never passes', () => {
  expect(choose(['aab', 'aaa', 'a'], 'aa', 9_999).target).toBeUndefined()
  expect(choose(['aab', 'aaa', 'a'], 'aa', 9_999).reason).toContain('disagree')
  expect(choose(['aabb', 'aaa', 'aaa'], 'aa', 9_999).target).toMatchObject({ hash: '0xaaa' })
  expect(choose(['aab', 'aaa', 'aaa'], 'aaa', 9_999).target).toBeUndefined()
})

test('behavior: a provider far behind has no say', () => {
  expect(choose(['aaaa', 'aaaa', 'a'], 'aaa').target).toMatchObject({ number: 4 })
})

test('behavior: with two, disagreement waits, then the longer chain wins and a sibling does not', () => {
  expect(choose(['aab', 'aaa'], 'aaa')).toMatchObject({ target: undefined, waitMs: 1_000 })
  expect(choose(['aab', 'aaa'], 'aaa', 1_000).target).toBeUndefined()
  expect(choose(['aabb', 'aaa'], 'aaa', 1_000).target).toMatchObject({ hash: '0xaabb' })
  expect(choose(['aab', 'aaa'], 'aaa', 1_000).reason).toContain('disagree')
})

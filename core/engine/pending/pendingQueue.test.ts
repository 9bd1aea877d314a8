import { expect, test } from 'vitest'
import type { PendingTransaction } from '../../chain/index.ts'
import { createPendingQueue, judgeInterest } from './pendingQueue.ts'
import { createSenderQueues } from './senderQueues.ts'

const WATCHED = '0x00000000000000000000000000000000000000aa'
const OTHER = '0x00000000000000000000000000000000000000bb'
const SENDER = '0x00000000000000000000000000000000000000cc'
let count = 0

const tx = (changes: Partial<PendingTransaction> = {}): PendingTransaction => ({
  hash: `0x${(++count).toString(16).padStart(64, '0')}`,
  from: SENDER,
  to: OTHER,
  input: '0x',
  valueWei: 0n,
  gas: 21_000n,
  nonce: 0,
  maxFeePerGasWei: 10n,
  maxPriorityFeePerGasWei: 1n,
  accessList: [],
  seenAtMs: 0,
  ...changes,
})

test('behavior: what names something watched comes first, other calls next, plain transfers not at all', () => {
  const watched = new Set([WATCHED] as const)
  const interest = (changes: Partial<PendingTransaction>) => judgeInterest(tx(changes), watched)
  expect(interest({ to: WATCHED })).toBe('direct')
  expect(interest({ from: WATCHED })).toBe('direct')
  expect(interest({ accessList: [WATCHED] })).toBe('direct')
  expect(interest({ input: `0x12345678${WATCHED.slice(2).padStart(64, '0')}` })).toBe('direct')
  expect(interest({ input: '0x12345678' })).toBe('remote')
  expect(interest({ to: null, input: '0x6000' })).toBe('remote')
  expect(interest({ valueWei: 5n })).toBe('none')
})

test('behavior: direct before remote, the best paid of the direct first', () => {
  const queue = createPendingQueue({ maxPerS: 100 })
  const remote = tx()
  const poor = tx({ maxPriorityFeePerGasWei: 1n })
  const rich = tx({ maxPriorityFeePerGasWei: 9n })
  queue.add(remote, 'remote')
  queue.add(poor, 'direct')
  queue.add(rich, 'direct')
  expect([queue.take(), queue.take(), queue.take(), queue.take()]).toEqual([
    rich,
    poor,
    remote,
    undefined,
  ])
})

test('behavior: no more than so many in a second, and the queue is bounded', () => {
  let now = 0
  const queue = createPendingQueue({ maxPerS: 2, now: () => now })
  for (let index = 0; index < 600; index++) queue.add(tx(), 'remote')
  expect(queue.size()).toBe(500)
  expect(queue.missed()).toBe(100)
  expect([queue.take(), queue.take(), queue.take()].filter(Boolean)).toHaveLength(2)
  expect(queue.waitMs()).toBe(500)
  now = 500
  expect(queue.take()).toBeDefined()
  expect(queue.take()).toBeUndefined()
})

test('behavior: a transaction stands behind those of its sender that must go first, and no others', () => {
  const senders = createSenderQueues()
  const [second, third, fifth] = [tx({ nonce: 2 }), tx({ nonce: 3 }), tx({ nonce: 5 })]
  for (const each of [third, second, fifth, tx({ nonce: 2, from: OTHER })]) senders.add(each)
  expect(senders.line(third)).toEqual([second, third])
  expect(senders.line(fifth)).toEqual([fifth])
  senders.remove(new Set([second.hash]))
  expect(senders.line(third)).toEqual([third])
})

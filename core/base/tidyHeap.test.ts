import { PerformanceObserver } from 'node:perf_hooks'
import { setTimeout as delay } from 'node:timers/promises'
import { getHeapSpaceStatistics } from 'node:v8'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { createHeapTidy, type HeapTidy } from './tidyHeap.ts'

/** V8's flag of a collection that was asked for. */
const FORCED = 4

let forced = 0
const observer = new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) {
    const detail: unknown = 'detail' in entry ? entry.detail : undefined
    if (typeof detail === 'object' && detail !== null && 'flags' in detail)
      if (detail.flags === FORCED) forced++
  }
})

const youngBytes = (): number =>
  getHeapSpaceStatistics().find(({ space_name }) => space_name === 'new_space')?.space_used_size ??
  0

/** As much as one block leaves behind. */
const litter = (): void => {
  for (let round = 0; round < 100 && youngBytes() < 2_000_000; round++)
    Array.from({ length: 2_000 }, (_, index) => ({ index, text: `${index}` }))
}

const settle = async (): Promise<number> => {
  await delay(60)
  return forced
}

let tidy: HeapTidy
beforeEach(() => {
  forced = 0
  observer.observe({ entryTypes: ['gc'] })
  tidy = createHeapTidy()
})
afterEach(() => {
  tidy.stop()
  observer.disconnect()
})

test('behavior: what a block leaves behind goes once everybody rests', async () => {
  tidy.begin('a')
  litter()
  tidy.rest('a', 5)
  expect(await settle()).toBe(1)
})

test('behavior: nothing is collected while another answers, nor when one begins during the pause', async () => {
  tidy.begin('a')
  tidy.begin('b')
  litter()
  tidy.rest('a', 0)
  expect(await settle()).toBe(0)
  tidy.rest('b', 30)
  tidy.begin('a')
  expect(await settle()).toBe(0)
  tidy.rest('a', 0)
  expect(await settle()).toBe(1)
})

test('behavior: a heap that is clean is left alone, and nothing comes after the end', async () => {
  tidy.rest('a', 0)
  await settle()
  forced = 0
  tidy.rest('a', 0)
  expect(await settle()).toBe(0)
  litter()
  tidy.rest('a', 10)
  tidy.stop()
  expect(await settle()).toBe(0)
})

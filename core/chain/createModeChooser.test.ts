import { expect, test } from 'vitest'
import { createModeChooser } from './createModeChooser.ts'

test('default: receipts until a comparison shows that whole blocks cost little more', () => {
  const chooser = createModeChooser('auto')
  expect(chooser.mode()).toBe('receipts')
  chooser.note({ transactions: 100, full: 14, receipts: 10 })
  expect(chooser.mode()).toBe('full')
})

test('behavior: a first impression of small blocks gives way to large ones, in either direction', () => {
  const chooser = createModeChooser('auto')
  for (let i = 0; i < 3; i++) chooser.note({ transactions: 2, full: 4, receipts: 6 })
  expect(chooser.mode()).toBe('full')
  chooser.note({ transactions: 200, full: 70, receipts: 20 })
  expect(chooser.mode()).toBe('receipts')
  for (let i = 0; i < 4; i++) chooser.note({ transactions: 200, full: 20, receipts: 20 })
  expect(chooser.mode()).toBe('full')
})

test('behavior: comparisons go on whichever is chosen, and rarely once the first are made', () => {
  for (const full of [10, 90]) {
    const chooser = createModeChooser('auto')
    const due = Array.from({ length: 512 }, (_, i) => {
      const isDue = chooser.isProbeDue(50)
      if (isDue) chooser.note({ transactions: 50, full, receipts: 10 })
      return isDue ? i + 1 : 0
    }).filter((block) => block > 0)
    expect(due).toEqual([1, 2, 3, 6, 12, 24, 48, 96, 256, 512])
  }
})

test('behavior: what the watchlist says is not questioned', () => {
  const chooser = createModeChooser('full')
  chooser.note({ transactions: 100, full: 900, receipts: 10 })
  expect(chooser.mode()).toBe('full')
  expect(chooser.isProbeDue(100)).toBe(false)
})

test('error: what took no time, and empty blocks, say nothing', () => {
  const chooser = createModeChooser('auto')
  chooser.note({ transactions: 0, full: 1, receipts: 1 })
  chooser.note({ transactions: 5, full: 0, receipts: 1 })
  expect(chooser.mode()).toBe('receipts')
  expect(chooser.isProbeDue(0)).toBe(false)
})

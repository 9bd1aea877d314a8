import { expect, test } from 'vitest'
import { createWayChooser } from './createWayChooser.ts'

test('behavior: ways are tried as given, then the fastest is taken', () => {
  const chooser = createWayChooser(['raw', 'whole', 'trace'])
  expect(chooser.order()).toEqual(['raw', 'whole', 'trace'])
  chooser.lacks('raw')
  chooser.note('whole', 50)
  expect(chooser.order()).toEqual(['whole', 'trace'])
  expect(chooser.nextProbe('whole')).toBe('trace')
  chooser.note('trace', 2)
  expect(chooser.order()).toEqual(['trace', 'whole'])
})

test('behavior: a little faster is not enough to change', () => {
  const chooser = createWayChooser(['whole', 'trace'])
  chooser.note('whole', 10)
  chooser.note('trace', 9)
  expect(chooser.order()[0]).toBe('whole')
  for (let times = 0; times < 20; times++) chooser.note('trace', 5)
  expect(chooser.order()[0]).toBe('trace')
})

test('behavior: once all are known the others are timed again now and then', () => {
  const chooser = createWayChooser(['whole', 'trace'])
  chooser.note('whole', 10)
  chooser.note('trace', 2)
  const probes = Array.from({ length: 1_024 }, () => chooser.nextProbe('trace'))
  expect(probes.filter((way) => way === 'whole')).toHaveLength(4)
  expect(probes.filter((way) => way === 'trace')).toHaveLength(0)
})

import { expect, test } from 'vitest'
import { between, compareExact, formatExact, parseExact, shiftExact } from './exact.ts'
import { chooseValues, type Tunable } from './tunables.ts'

const exact = (text: string) => {
  const value = parseExact(text)
  if (!value) throw new Error(text)
  return value
}
const tunable = (extra: Partial<Tunable>): Tunable => ({
  name: 'limit',
  description: '',
  form: 'number',
  isWhole: true,
  min: undefined,
  max: undefined,
  fallback: exact('1'),
  quieter: undefined,
  ...extra,
})

test('behavior: no digit is lost, however long', () => {
  const long = '123456789012345678901234567890.000000000000000001'
  expect(formatExact(exact(long))).toBe(long)
  expect(formatExact(exact('1.500'))).toBe('1.5')
  expect(formatExact(shiftExact(exact('1.5'), -3))).toBe('0.0015')
  expect(formatExact(shiftExact(exact('1.5'), 3))).toBe('1500')
  expect(compareExact(exact('0.1'), exact('0.10'))).toBe(0)
  expect(compareExact(exact('10000000000000000000001'), exact('10000000000000000000000'))).toBe(1)
  expect(parseExact('1e3')).toBeUndefined()
  expect(parseExact('-1')).toBeUndefined()
})

test('behavior: values between two lie strictly between, and are whole where they must be', () => {
  const of = (low: string, high: string, isWhole: boolean) =>
    between(exact(low), exact(high), 7, isWhole).map(formatExact)
  expect(of('1000', '1500', true)).toEqual(['1062', '1125', '1187', '1250', '1312', '1375', '1437'])
  expect(of('5', '7', true)).toEqual(['6'])
  expect(of('5', '6', true)).toEqual([])
  expect(of('3', '3.5', false)[0]).toBe('3.062')
  expect(of('7', '5', true)).toEqual([])
})

test('behavior: the grid stays within the bounds, around the present value, and holds it', () => {
  const values = chooseValues(
    tunable({ min: exact('1'), max: exact('10000') }),
    exact('1234'),
    8,
  ).map(formatExact)
  expect(values).toEqual(['500', '700', '1000', '1234', '1500', '2000', '3000', '5000'])
  const few = chooseValues(tunable({ min: exact('2'), max: exact('5') }), exact('3'), 24)
  expect(few.map(formatExact)).toEqual(['2', '3', '4', '5'])
  const money = chooseValues(tunable({ form: 'text', isWhole: false }), exact('0.5'), 5)
  expect(money.map(formatExact)).toEqual(['0.2', '0.3', '0.5', '0.7', '1'])
  expect(chooseValues(tunable({}), exact('0'), 5).map(formatExact)).toEqual(['0'])
})

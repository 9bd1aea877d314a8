import { encodeEventTopics, encodeFunctionData, getAddress, parseAbi } from 'viem'
import { describe, expect, test } from 'vitest'
import { makeThing } from '../../testing/makeThing.ts'
import {
  addressOfWord,
  addressTopic,
  bpsOf,
  decimalAmount,
  decodeCall,
  decodeLog,
  exceedsBps,
  formatAmount,
  formatBps,
  parseAmount,
  requireAbi,
  showValue,
} from './index.ts'

const A = '0x00000000000000000000000000000000000000ab'
const MIXED = '0x00000000000000000000000000000000000000Ab'

describe('amounts', () => {
  test('behavior: whole units to smallest ones and back, exactly', () => {
    expect(parseAmount('1000000', 6)).toBe(1_000_000_000_000n)
    expect(parseAmount('0.000001', 6)).toBe(1n)
    expect(parseAmount('1.5', 0)).toBe(1n)
    expect(parseAmount('1.23456789', 6)).toBe(1_234_567n)
    expect(formatAmount(1_234_567_890_123n, 6, 'dUSD')).toBe('1,234,567.890123 dUSD')
    expect(formatAmount(0n, 18)).toBe('0')
    expect(formatAmount(1n, 18, 'WETH')).toBe('1 smallest units WETH')
    expect(formatAmount(-1_500_000n, 6)).toBe('-1.5')
  })

  test('error: what is no plain decimal number', () => {
    for (const text of ['', '1e6', '-1', '1,000', '0x10', ' 1', '1.', '9'.repeat(61)]) {
      expect(() => parseAmount(text, 6)).toThrow('not a plain decimal number')
      expect(decimalAmount.safeParse(text).success).toBe(false)
    }
  })
})

describe('shares', () => {
  test('behavior: exactly the part is not more than it, and nothing is more than a part of nothing', () => {
    expect([exceedsBps(5n, 100n, 500), exceedsBps(6n, 100n, 500), exceedsBps(1n, 0n, 0)]).toEqual([
      false,
      true,
      false,
    ])
    expect([bpsOf(1n, 3n), bpsOf(1n, 0n)]).toEqual([3_333n, 0n])
    expect([formatBps(1_234), formatBps(5n), formatBps(-250)]).toEqual([
      '12.34 %',
      '0.05 %',
      '-2.50 %',
    ])
  })
})

describe('decoding', () => {
  const abi = parseAbi([
    'event Set(uint256 indexed fee, address by)',
    'function set(uint256 fee, address)',
  ])

  test('behavior: addresses to topics and back; a word with more in it is no address', () => {
    expect(addressOfWord(addressTopic(MIXED))).toBe(A)
    expect(addressOfWord(`0x${'1'.repeat(64)}`)).toBeUndefined()
    expect(addressOfWord('0x')).toBeUndefined()
  })

  test('behavior: garbage decodes to nothing and throws nothing', () => {
    expect(decodeLog(abi, { topics: [], data: '0x' })).toBeUndefined()
    expect(decodeLog(abi, { topics: [`0x${'ab'.repeat(32)}`], data: '0x' })).toBeUndefined()
    expect(decodeCall(abi, '0x')).toBeUndefined()
    expect(decodeCall(abi, '0x12345678')).toBeUndefined()
  })

  test('behavior: arguments by name, by place where they have none', () => {
    const input = encodeFunctionData({ abi, functionName: 'set', args: [7n, A] })
    expect(decodeCall(abi, input)).toEqual({ name: 'set', args: { fee: 7n, 1: getAddress(A) } })
    const topics = encodeEventTopics({
      abi,
      eventName: 'Set',
      args: { fee: 7n },
    }) as `0x${string}`[]
    const log = { topics, data: addressTopic(A) }
    expect(decodeLog(abi, log)).toEqual({ name: 'Set', args: { fee: 7n, by: getAddress(A) } })
    expect(decodeLog(abi, { ...log, data: '0x' })).toBeUndefined()
  })

  test("behavior: a stranger's values are short and clean", () => {
    expect(showValue('a\u202Eb')).toBe('a b')
    expect(showValue('x'.repeat(1_000)).length).toBeLessThanOrEqual(80)
    expect(showValue(Array.from({ length: 500 }, (_, i) => i))).toContain('500 in all')
    expect(showValue({ deep: { deeper: [1n, true] } })).toBe('{deep: {deeper: [1, true]}}')
    expect(showValue(A)).toBe(getAddress(A))
  })
})

test('error: an ABI that lacks what a bot counts on is told with what it has', () => {
  const thing = makeThing({
    kind: 'contract',
    name: 'c',
    address: A,
    abi: parseAbi(['event Set(uint256 indexed fee)', 'function set(uint256 fee)']),
  })
  expect(() =>
    requireAbi('b', thing, {
      events: ['Set', 'Set(uint256)'],
      functions: ['set', 'set(uint256 any)'],
    }),
  ).not.toThrow()
  expect(() => requireAbi('b', thing, { events: ['Sets'] })).toThrow('needs the event Sets of "c"')
  expect(() => requireAbi('b', thing, { functions: ['set(uint128)'] })).toThrow(
    'needs the function',
  )
  expect(() => requireAbi('b', { ...thing, abi: undefined }, { events: ['Sets'] })).not.toThrow()
})

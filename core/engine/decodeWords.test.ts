import { decodeAbiParameters, encodeAbiParameters } from 'viem'
import { describe, expect, test } from 'vitest'
import type { Hex } from '../base/index.ts'
import { decodeWords } from './decodeWords.ts'

const TYPES = [
  'address',
  'bool',
  'uint8',
  'uint48',
  'uint56',
  'uint112',
  'uint256',
  'uint',
  'int24',
  'int56',
  'int256',
  'bytes4',
  'bytes32',
] as const
const word = (seed: number): string => {
  let text = ''
  for (let at = 0; at < 8; at++)
    text += (Math.imul(seed * 8 + at + 1, 2_654_435_761) >>> 0).toString(16).padStart(8, '0')
  return text
}
const small = (value: number): string => value.toString(16).padStart(64, '0')
const outcome = (decode: () => unknown): unknown => {
  try {
    return decode()
  } catch (error) {
    return error instanceof Error ? error.name : 'no error'
  }
}

describe('decodeWords', () => {
  test('behavior: every word of every type is what viem makes of it, errors too', () => {
    const words = [...Array(40).keys()].map(word)
    words.push(small(0), small(1), small(2), 'f'.repeat(64), `${'0'.repeat(24)}${'Ab'.repeat(20)}`)
    for (const type of TYPES)
      for (const one of words) {
        const data: Hex = `0x${one}`
        expect(
          outcome(() => decodeWords([{ type }], data)),
          `${type} ${one}`,
        ).toEqual(outcome(() => decodeAbiParameters([{ type }], data)))
      }
  })

  test('behavior: several values, with more data than they need', () => {
    const parameters = [{ type: 'address' }, { type: 'uint256' }, { type: 'int24' }] as const
    const data = encodeAbiParameters(parameters, [`0x${'1f'.repeat(20)}`, 2n ** 255n, -5])
    expect(decodeWords(parameters, `${data}${small(9)}`)).toEqual(
      decodeAbiParameters(parameters, data),
    )
  })

  test('behavior: what is not of one word is left to viem', () => {
    const parameters = [{ type: 'string' }, { type: 'uint256[]' }] as const
    const data = encodeAbiParameters(parameters, ['text', [1n, 2n]])
    expect(decodeWords(parameters, data)).toEqual(['text', [1n, 2n]])
  })

  test('error: too little data, odd digits and no hex are told as viem tells them', () => {
    const parameters = [{ type: 'uint256' }, { type: 'address' }] as const
    for (const data of ['0x', '0x12', `0x${small(1)}`, `0x${small(1)}1`, `0x${'zz'.repeat(64)}`])
      expect(
        outcome(() => decodeWords(parameters, data as Hex)),
        data,
      ).toEqual(outcome(() => decodeAbiParameters(parameters, data as Hex)))
  })
})

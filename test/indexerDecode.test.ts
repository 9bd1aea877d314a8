import { type AbiEvent, encodeAbiParameters, encodeEventTopics, type Hex, parseAbi } from 'viem'
import { expect, test } from 'vitest'
import { argsOf, decodeLog, knowEvent } from '../src/decodeLog.ts'

const A = '0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266'
const word = (digit: string): Hex => `0x${digit.repeat(64)}`
const known = (signature: string): AbiEvent => {
  const [item] = parseAbi([signature] as readonly string[])
  if (item?.type !== 'event') throw new Error('not an event')
  return item
}

test.each<[string, readonly unknown[], Record<string, unknown>]>([
  [
    'event E(address indexed a, uint256 b, int24 c, bool d, bytes4 e, uint8 f, int256 g, bytes32 h)',
    [A, 2n ** 256n - 1n, -8_388_608, true, '0x01020304', 255, -1n, word('a')],
    {
      a: A.toLowerCase(),
      b: (2n ** 256n - 1n).toString(),
      c: -8_388_608,
      d: true,
      e: '0x01020304',
      f: 255,
      g: '-1',
      h: word('a'),
    },
  ],
  [
    'event E(string indexed s, address[] list, string text, (address who, uint256[] n) t)',
    ['hidden', [A], 'a\u0000b', { who: A, n: [1n] }],
    { list: [A.toLowerCase()], text: 'ab', t: { who: A.toLowerCase(), n: ['1'] } },
  ],
  ['event E(uint256, uint256 indexed)', [1n, 2n], { 0: '1', 1: '2' }],
])('behavior: %s', (signature, values, expected) => {
  const item = known(signature)
  const indexed = item.inputs.flatMap((input, i) => (input.indexed ? [values[i]] : []))
  const plain = item.inputs.filter((input) => !input.indexed)
  const topics = encodeEventTopics({
    abi: [item],
    args: item.inputs.every(({ name }) => name)
      ? Object.fromEntries(item.inputs.map((input, i) => [input.name, values[i]]))
      : indexed,
  } as never) as Hex[]
  const data = encodeAbiParameters(
    plain,
    item.inputs.flatMap((input, i) => (input.indexed ? [] : [values[i]])),
  )
  const event = knowEvent(item)
  const decoded = decodeLog(event, topics, data)
  expect(decoded && argsOf(decoded)).toMatchObject(expected)
  // One word less does not fit, nor does another number of topics.
  expect(decodeLog(event, topics, data.slice(0, -64) as Hex)).toBeUndefined()
  expect(decodeLog(event, [...topics, word('0')], data)).toBeUndefined()
})

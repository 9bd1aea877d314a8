import { expect, test } from 'vitest'
import { bumpFees, readFeeMarket, suggestFees } from './fees.ts'

const gwei = (n: number): bigint => BigInt(Math.round(n * 1e9))
const CAPS = { maxFeePerGasWei: gwei(100), maxPriorityFeePerGasWei: gwei(10) }

test('default: twice the base fee and the usual tip', () => {
  const market = { nextBaseFee: gwei(20), tipP90: gwei(3) }
  expect(suggestFees(market, CAPS)).toEqual({
    maxFeePerGas: gwei(43),
    maxPriorityFeePerGas: gwei(3),
  })
})

test('behavior: the caps hold, and the tip never exceeds the whole', () => {
  const crisis = { nextBaseFee: gwei(900), tipP90: gwei(80) }
  expect(suggestFees(crisis, CAPS)).toEqual({
    maxFeePerGas: gwei(100),
    maxPriorityFeePerGas: gwei(10),
  })
  expect(
    suggestFees(crisis, { maxFeePerGasWei: gwei(5), maxPriorityFeePerGasWei: gwei(10) }),
  ).toEqual({ maxFeePerGas: gwei(5), maxPriorityFeePerGas: gwei(5) })
})

test('behavior: a replacement raises both fields by an eighth', () => {
  const calm = { nextBaseFee: 1n, tipP90: 0n }
  expect(bumpFees({ maxFeePerGas: gwei(40), maxPriorityFeePerGas: gwei(2) }, calm, CAPS)).toEqual({
    maxFeePerGas: gwei(45),
    maxPriorityFeePerGas: gwei(2.25),
  })
})

test('behavior: at the cap exactly 10 % more is still a replacement, less is none', () => {
  const calm = { nextBaseFee: 1n, tipP90: 0n }
  const caps = { maxFeePerGasWei: 110n, maxPriorityFeePerGasWei: 11n }
  expect(bumpFees({ maxFeePerGas: 100n, maxPriorityFeePerGas: 10n }, calm, caps)).toEqual({
    maxFeePerGas: 110n,
    maxPriorityFeePerGas: 11n,
  })
  expect(bumpFees({ maxFeePerGas: 101n, maxPriorityFeePerGas: 10n }, calm, caps)).toBeUndefined()
  expect(bumpFees({ maxFeePerGas: 100n, maxPriorityFeePerGas: 11n }, calm, caps)).toBeUndefined()
})

test('behavior: against a rival the ceiling goes to its cap at once', () => {
  const calm = { nextBaseFee: 1n, tipP90: 0n }
  expect(
    bumpFees({ maxFeePerGas: gwei(3), maxPriorityFeePerGas: gwei(2) }, calm, CAPS, 'rival'),
  ).toEqual({ maxFeePerGas: gwei(100), maxPriorityFeePerGas: gwei(4) })
})

test('behavior: rubbish for a fee history is no market at all', () => {
  for (const rubbish of [undefined, null, 'x', { baseFeePerGas: 'x', reward: [1, [null], ['zz']] }])
    expect(readFeeMarket(rubbish)).toEqual({ nextBaseFee: 0n, tipP90: 0n })
  expect(
    readFeeMarket({ baseFeePerGas: ['0x1', '0x2'], reward: [['0x5'], ['0x9'], ['0x7']] }),
  ).toEqual({ nextBaseFee: 2n, tipP90: 7n })
})

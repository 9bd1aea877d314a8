import { formatUnits } from 'viem/utils'
import { z } from 'zod'
import { TocsinError } from '../../base/index.ts'

const DECIMAL = /^\d{1,60}(\.\d{1,36})?$/

/** A parameter that holds an amount in whole units of a token, such as "1000000" or "0.5". */
export const decimalAmount = z
  .string()
  .regex(DECIMAL, 'an amount such as "1000000" or "0.5", in quotes, without sign or exponent')

/** Thresholds are asked for at every transfer, and there are few of them. */
const parsed = new Map<string, bigint>()
const MAX_PARSED = 1_000

/**
 * Whole units to the smallest ones: "1.5" with 6 decimals is 1500000. Digits beyond the smallest unit are cut off, so
 * "more than" keeps its meaning.
 * @throws TocsinError `amount.invalid` when the text is not a plain decimal number
 */
export const parseAmount = (text: string, decimals: number): bigint => {
  const key = `${text}/${decimals}`
  const known = parsed.get(key)
  if (known !== undefined) return known
  if (!DECIMAL.test(text))
    throw new TocsinError('amount.invalid', `"${text.slice(0, 80)}" is not a plain decimal number.`)
  const [whole = '0', fraction = ''] = text.split('.')
  const units = BigInt(whole + fraction.slice(0, decimals).padEnd(decimals, '0'))
  if (parsed.size >= MAX_PARSED) parsed.clear()
  parsed.set(key, units)
  return units
}

/** For people: thousands grouped, at most six digits after the point, cut, not rounded. */
export const formatAmount = (units: bigint, decimals: number, symbol?: string): string => {
  const [whole = '0', fraction = ''] = formatUnits(units, decimals).split('.')
  const grouped = whole.replace(/\B(?=(\d{3})+(?!\d))/g, ',')
  const digits = fraction.slice(0, 6).replace(/0+$/, '')
  const number = digits ? `${grouped}.${digits}` : grouped
  const shown = units !== 0n && /^-?0$/.test(number) ? `${units} smallest units` : number
  return symbol ? `${shown} ${symbol}` : shown
}

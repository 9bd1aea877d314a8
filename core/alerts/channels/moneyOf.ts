const UNITS = /^\d{1,78}$/
const SCALES = [
  [1_000_000_000_000n, 'T'],
  [1_000_000_000n, 'B'],
  [1_000_000n, 'M'],
  [1_000n, 'K'],
] as const

/** Smallest units in three or four digits, rounded down: `1.2M`, `930`, `0.04`. */
const compact = (units: bigint, decimals: number): string => {
  const one = 10n ** BigInt(decimals)
  const whole = units / one
  for (const [scale, sign] of SCALES) {
    if (whole < scale) continue
    const tenths = (whole * 10n) / scale
    return tenths >= 100n || tenths % 10n === 0n
      ? `${tenths / 10n}${sign}`
      : `${tenths / 10n}.${tenths % 10n}${sign}`
  }
  if (whole > 0n || decimals < 2) return whole.toString()
  const hundredths = (units * 100n) / one
  return hundredths === 0n ? '<0.01' : `0.${hundredths.toString().padStart(2, '0')}`
}

const unitsOf = (text: string | undefined): bigint | undefined =>
  text !== undefined && UNITS.test(text) ? BigInt(text) : undefined

const priced = (units: bigint, decimals: number, price: string | undefined): string => {
  if (price === undefined || !/^\d{1,30}(\.\d{1,30})?$/.test(price)) return ''
  const [whole = '0', part = ''] = price.split('.')
  return `$${compact(units * BigInt(`${whole}${part}`), decimals + part.length)}`
}

/** How much money a finding speaks of, in one breath: `1.2M dUSD lost (42 %)`; empty when it speaks of none. */
export const moneyOf = (evidence: Readonly<Record<string, string>>): string => {
  const decimals = Number(evidence['decimals'] ?? Number.NaN)
  const lost = unitsOf(evidence['lost'])
  const units = lost ?? unitsOf(evidence['units'])
  if (units === undefined || !Number.isInteger(decimals) || decimals < 0 || decimals > 77) return ''
  const unit = evidence['symbol'] ?? evidence['unit'] ?? ''
  const dollars = priced(units, decimals, evidence['priceUsd'])
  const bps = unitsOf(evidence['dropBps'])
  const part = lost !== undefined && bps !== undefined ? ` (${compact(bps, 2)} %)` : ''
  const amount = [`${compact(units, decimals)} ${unit}`.trim(), dollars].filter(Boolean).join(', ')
  return lost === undefined ? amount : `${amount} lost${part}`
}

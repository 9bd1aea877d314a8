/** A decimal number without rounding: `digits` times ten to the power of minus `scale`. Never negative. */
export type Exact = { readonly digits: bigint; readonly scale: number }

const power = (exponent: number): bigint => 10n ** BigInt(exponent)

/** As few digits behind the point as the value needs. */
const trim = ({ digits, scale }: Exact): Exact => {
  let [d, s] = [digits, scale]
  while (s > 0 && d % 10n === 0n) {
    d /= 10n
    s--
  }
  return { digits: d, scale: s }
}

/** Undefined for what is no plain decimal number. */
export const parseExact = (text: string): Exact | undefined => {
  const [, whole = '', part = ''] = /^(\d{1,90})(?:\.(\d{1,40}))?$/.exec(text.trim()) ?? []
  return whole === '' ? undefined : trim({ digits: BigInt(whole + part), scale: part.length })
}

export const formatExact = (value: Exact): string => {
  const { digits, scale } = trim(value)
  if (scale === 0) return digits.toString()
  const text = digits.toString().padStart(scale + 1, '0')
  return `${text.slice(0, -scale)}.${text.slice(-scale)}`
}

export const compareExact = (a: Exact, b: Exact): number => {
  const scale = Math.max(a.scale, b.scale)
  const [x, y] = [a.digits * power(scale - a.scale), b.digits * power(scale - b.scale)]
  return x < y ? -1 : x > y ? 1 : 0
}

/** Times 10 to the power of `exponent`. */
export const shiftExact = ({ digits, scale }: Exact, exponent: number): Exact =>
  exponent >= scale
    ? { digits: digits * power(exponent - scale), scale: 0 }
    : trim({ digits, scale: scale - exponent })

/** For orders of magnitude and distances only. */
export const approximate = ({ digits, scale }: Exact): number => Number(digits) / 10 ** scale

/**
 * Up to `count` values strictly between two, evenly spread, with no more digits than tell them apart; whole numbers
 * only where `isWhole`.
 */
export const between = (
  low: Exact,
  high: Exact,
  count: number,
  isWhole: boolean,
): readonly Exact[] => {
  const finest = Math.max(low.scale, high.scale) + (isWhole ? 0 : 3)
  const [a, b] = [low.digits * power(finest - low.scale), high.digits * power(finest - high.scale)]
  const step = (b - a) / BigInt(count + 1)
  if (b <= a) return []
  // Rounded to what the step can bear: 1180, not 1183.47.
  const grain = step <= 10n ? 1n : power(step.toString().length - 2)
  const found = new Map<string, Exact>()
  for (let at = 1n; at <= BigInt(count); at++) {
    const raw = a + ((b - a) * at) / BigInt(count + 1)
    const digits = (raw / grain) * grain
    if (digits <= a || digits >= b) continue
    const value = trim({ digits, scale: finest })
    if (!isWhole || value.scale === 0) found.set(formatExact(value), value)
  }
  return [...found.values()]
}

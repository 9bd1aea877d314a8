/** Part of a whole in hundredths of a percent, rounded down; 0 when the whole is not positive. */
export const bpsOf = (part: bigint, whole: bigint): bigint =>
  whole > 0n ? (part * 10_000n) / whole : 0n

/** Whether `part` is more than `bps` hundredths of a percent of `whole`. Exact: nothing is rounded. */
export const exceedsBps = (part: bigint, whole: bigint, bps: number | bigint): boolean =>
  whole > 0n && part * 10_000n > whole * BigInt(bps)

/** `1234n` is "12.34 %". */
export const formatBps = (bps: number | bigint): string => {
  const value = BigInt(bps)
  const size = value < 0n ? -value : value
  return `${value < 0n ? '-' : ''}${size / 100n}.${String(size % 100n).padStart(2, '0')} %`
}

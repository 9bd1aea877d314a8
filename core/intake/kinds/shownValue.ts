const bigintAsText = (_: string, value: unknown): unknown =>
  typeof value === 'bigint' ? value.toString() : value

/** A value of somebody else's payload as text; whole numbers that a double cannot hold lose no digit. */
export const shownValue = (value: unknown): string => {
  if (value === undefined) return ''
  return typeof value === 'object' && value !== null
    ? JSON.stringify(value, bigintAsText)
    : String(value)
}

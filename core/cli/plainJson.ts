/** Indented JSON for a terminal; amounts as decimal strings. */
export const plainJson = (value: unknown): string =>
  JSON.stringify(
    value,
    (_, each: unknown) => (typeof each === 'bigint' ? each.toString() : each),
    2,
  )

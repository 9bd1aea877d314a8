type Raw = Readonly<Record<string, unknown>>

/** Logs or traces of a block by the hash of their transaction, in lower case. */
export const groupByTransaction = (rows: readonly Raw[]): ReadonlyMap<string, readonly Raw[]> => {
  const found = new Map<string, Raw[]>()
  for (const row of rows) {
    const hash = row['transactionHash']
    if (typeof hash !== 'string' || hash === '') continue
    const key = hash.toLowerCase()
    const list = found.get(key)
    if (list) list.push(row)
    else found.set(key, [row])
  }
  return found
}

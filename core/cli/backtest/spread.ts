/** How numbers of blocks are spread. */
export type Spread = {
  readonly count: number
  readonly median: number
  readonly p95: number
  readonly max: number
}

export type SpreadCounter = {
  readonly add: (value: number) => void
  /** Undefined where nothing was counted. */
  readonly result: () => Spread | undefined
  /** Values with how often they came, ascending. */
  readonly values: () => readonly (readonly [number, number])[]
}

/** Counts whole numbers; keeps each value once. */
export const createSpread = (): SpreadCounter => {
  const counts = new Map<number, number>()
  let total = 0
  const values = () => [...counts].sort((a, b) => a[0] - b[0])
  const at = (share: number): number => {
    let seen = 0
    let last = 0
    for (const [value, count] of values()) {
      seen += count
      last = value
      if (seen >= share * total) break
    }
    return last
  }
  return {
    add: (value) => {
      counts.set(value, (counts.get(value) ?? 0) + 1)
      total++
    },
    result: () =>
      total === 0 ? undefined : { count: total, median: at(0.5), p95: at(0.95), max: at(1) },
    values,
  }
}

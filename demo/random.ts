export type Random = {
  /** In [0, 1). */
  readonly next: () => number
  /** Whole number in [from, to]. */
  readonly int: (from: number, to: number) => number
  /** Log-uniform whole number in [from, to]: many small ones, few large ones. */
  readonly skewed: (from: number, to: number) => number
  readonly pick: <T>(from: readonly T[]) => T
}

/** Reproducible pseudo-random numbers (mulberry32): the same seed gives the same sequence everywhere. */
export const createRandom = (seed: number): Random => {
  let state = seed >>> 0
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = state
    t = Math.imul(t ^ (t >>> 15), t | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296
  }
  const int = (from: number, to: number): number => from + Math.floor(next() * (to - from + 1))
  const pick = <T>(from: readonly T[]): T => {
    const item = from[int(0, from.length - 1)]
    if (item === undefined) throw new RangeError('Nothing to pick from.')
    return item
  }
  return {
    next,
    int,
    skewed: (from, to) =>
      Math.min(to, Math.round(Math.exp(Math.log(from) + next() * (Math.log(to) - Math.log(from))))),
    pick,
  }
}

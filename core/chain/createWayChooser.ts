export type WayChooser<W extends string> = {
  /** Those that can be gone: the fastest first, untried ones after those that are known. */
  readonly order: () => readonly W[]
  /** What is due to be tried beside the chosen one, off the hot path, for comparison; undefined mostly. */
  readonly nextProbe: (chosen: W) => W | undefined
  /** What it took lately (ms); undefined while it is untried. */
  readonly meanMs: (way: W) => number | undefined
  readonly note: (way: W, durationMs: number) => void
  /** The node does not offer it: not asked again for five minutes. */
  readonly lacks: (way: W) => void
}

const LACKING_MS = 300_000
/** Uses of the chosen way between two comparisons, once all are known. */
const PROBE_EVERY = 256
/** Another way must be this much faster to be preferred: times scatter. */
const WORTH = 0.8
const KEPT_WEIGHT = 0.8

/**
 * Of several ways to the same data, the one that took least time lately: what is fast on one node software is slow
 * on another. Ways are tried in the order given until they are known.
 */
export const createWayChooser = <W extends string>(ways: readonly W[]): WayChooser<W> => {
  const means = new Map<W, number>()
  const lackingUntil = new Map<W, number>()
  let uses = 0
  let turn = 0

  const usable = (): readonly W[] =>
    ways.filter((way) => (lackingUntil.get(way) ?? 0) <= performance.now())
  const order = (): readonly W[] => {
    const known = usable().filter((way) => means.has(way))
    const untried = usable().filter((way) => !means.has(way))
    const costOf = (way: W): number => means.get(way) ?? Number.POSITIVE_INFINITY
    const sorted = known.toSorted((a, b) => costOf(a) - costOf(b))
    // The one given first stays unless another is clearly faster.
    const [best, favourite] = [sorted[0], known[0]]
    if (best && favourite && costOf(favourite) * WORTH <= costOf(best))
      return [favourite, ...sorted.filter((way) => way !== favourite), ...untried]
    return [...sorted, ...untried]
  }
  return {
    order,
    nextProbe: (chosen) => {
      const others = usable().filter((way) => way !== chosen)
      const untried = others.find((way) => !means.has(way))
      if (untried !== undefined) return untried
      uses++
      return uses % PROBE_EVERY === 0 ? others[turn++ % Math.max(others.length, 1)] : undefined
    },
    meanMs: (way) => means.get(way),
    note: (way, durationMs) => {
      const mean = means.get(way)
      means.set(
        way,
        mean === undefined ? durationMs : mean * KEPT_WEIGHT + durationMs * (1 - KEPT_WEIGHT),
      )
    },
    lacks: (way) => {
      means.delete(way)
      lackingUntil.set(way, performance.now() + LACKING_MS)
    },
  }
}

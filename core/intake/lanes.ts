/** `undefined` when there are too many already; else frees its place when called. */
export type Leave = (() => void) | undefined

export type Lanes = {
  /** Takes a place at once or not at all. */
  readonly tryEnter: (key: string) => Leave
  /** Takes a place, or waits in line for one; undefined when the line is full. */
  readonly enter: (key: string) => Promise<Leave>
}

type Lane = { inside: number; readonly waiting: (() => void)[] }

/** Places for each key by itself: who floods waits in the own line, and nobody else does. */
export const createLanes = (options: {
  readonly places: number
  /** Longest line. Default: none. */
  readonly line?: number
}): Lanes => {
  const lanes = new Map<string, Lane>()
  const laneOf = (key: string): Lane => {
    const lane = lanes.get(key) ?? { inside: 0, waiting: [] }
    lanes.set(key, lane)
    return lane
  }
  const createLeave = (key: string, lane: Lane): (() => void) => {
    let left = false
    return () => {
      if (left) return
      left = true
      const next = lane.waiting.shift()
      if (next) return next()
      lane.inside--
      if (lane.inside === 0) lanes.delete(key)
    }
  }
  const tryEnter = (key: string): Leave => {
    const lane = laneOf(key)
    if (lane.inside >= options.places) return undefined
    lane.inside++
    return createLeave(key, lane)
  }
  return {
    tryEnter,
    enter: async (key) => {
      const leave = tryEnter(key)
      if (leave) return leave
      const lane = laneOf(key)
      if (lane.waiting.length >= (options.line ?? 0)) return undefined
      await new Promise<void>((resolve) => lane.waiting.push(resolve))
      return createLeave(key, lane)
    },
  }
}

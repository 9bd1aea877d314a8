/** Most promises of one bot that may be open at once, and how many are. */
export type OpenHandlers = {
  /** Call what it returns when the promise has settled. */
  readonly add: (promise: object) => () => void
  readonly count: () => number
}

/** From so many on a bot is left out: each keeps a block and its context in memory. */
export const MOST_OPEN_HANDLERS = 16

/** Counts promises of handlers that were given up and never settled; what the runtime has collected costs nothing and is not counted. */
export const createOpenHandlers = (): OpenHandlers => {
  const open = new Set<WeakRef<object>>()
  return {
    add: (promise) => {
      const reference = new WeakRef(promise)
      open.add(reference)
      return () => void open.delete(reference)
    },
    count: () => {
      for (const reference of open) if (reference.deref() === undefined) open.delete(reference)
      return open.size
    },
  }
}

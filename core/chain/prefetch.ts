import { setMaxListeners } from 'node:events'
/**
 * Loads a range in batches, several at once, and hands the items out in order. Never more than `parallel` batches are
 * loaded or waiting to be taken. The first failure ends it, after what came before was handed out.
 */
export async function* prefetch<T>(options: {
  readonly from: number
  /** Inclusive. */
  readonly to: number
  /** Numbers per batch, asked anew before each. */
  readonly batchSize: () => number
  readonly parallel: number
  readonly signal?: AbortSignal | undefined
  readonly load: (numbers: readonly number[], signal: AbortSignal) => Promise<readonly T[]>
}): AsyncGenerator<T, void, undefined> {
  const controller = new AbortController()
  // One listener per request in flight.
  setMaxListeners(0, controller.signal)
  const giveUp = (): void => controller.abort()
  options.signal?.addEventListener('abort', giveUp)
  const queue: Promise<readonly T[]>[] = []
  let next = options.from
  const fill = (): void => {
    while (queue.length < options.parallel && next <= options.to) {
      const count = Math.min(Math.max(1, options.batchSize()), options.to - next + 1)
      const start = next
      next += count
      const loading = options.load(
        Array.from({ length: count }, (_, index) => start + index),
        controller.signal,
      )
      // Its failure is met when its turn comes.
      loading.catch(() => undefined)
      queue.push(loading)
    }
  }
  try {
    for (;;) {
      fill()
      const batch = queue.shift()
      if (batch === undefined) return
      const items = await batch
      fill()
      yield* items
    }
  } finally {
    controller.abort()
    options.signal?.removeEventListener('abort', giveUp)
  }
}

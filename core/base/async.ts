import { setTimeout as delay } from 'node:timers/promises'
import { TocsinError } from './errors.ts'

/** Waits; resolves early (never rejects) when the signal aborts. */
export const sleep = async (ms: number, signal?: AbortSignal): Promise<void> => {
  if (signal?.aborted) return
  await delay(ms, undefined, signal ? { signal } : {}).catch(() => undefined)
}

/** Exponential back-off with full jitter: `baseMs * 2^attempt`, capped. Never used where a replay must be exact. */
export const backoffMs = (attempt: number, baseMs = 250, capMs = 30_000): number => {
  const ceiling = Math.min(capMs, baseMs * 2 ** Math.min(attempt, 20))
  return Math.round(ceiling / 2 + (Math.random() * ceiling) / 2)
}

/** Rejects with `timeout` when `work` takes longer than `ms`. The work itself goes on unless it minds the signal. */
export const withTimeout = async <T>(
  work: (signal: AbortSignal) => Promise<T>,
  ms: number,
  what: string,
): Promise<T> => {
  const controller = new AbortController()
  let timer: NodeJS.Timeout | undefined
  const limit = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      controller.abort()
      reject(new TocsinError('timeout', `${what} took longer than ${ms} ms.`))
    }, ms)
  })
  try {
    return await Promise.race([work(controller.signal), limit])
  } finally {
    clearTimeout(timer)
  }
}

export type Loop = { readonly stop: () => Promise<void>; readonly wake: () => void }

/**
 * Runs `turn` again and again, never two at once, `pauseMs` after the end of the last.
 * `wake` cuts the pause short (also when called during a turn). `stop` waits for the turn in hand.
 * `turn` must handle its own errors; one that throws goes to `onError` and the loop goes on.
 */
export const createLoop = (
  turn: (signal: AbortSignal) => Promise<void>,
  options: { readonly pauseMs: number; readonly onError: (error: unknown) => void },
): Loop => {
  const controller = new AbortController()
  let woken = false
  let cut: (() => void) | undefined
  const wake = (): void => {
    woken = true
    cut?.()
  }
  const pause = (): Promise<void> =>
    new Promise((resolve) => {
      if (woken || controller.signal.aborted) return resolve()
      const timer = setTimeout(done, options.pauseMs)
      function done(): void {
        clearTimeout(timer)
        cut = undefined
        resolve()
      }
      cut = done
    })
  const run = async (): Promise<void> => {
    while (!controller.signal.aborted) {
      woken = false
      try {
        await turn(controller.signal)
      } catch (error) {
        options.onError(error)
      }
      await pause()
    }
  }
  const running = run()
  return {
    wake,
    stop: async () => {
      controller.abort()
      cut?.()
      await running
    },
  }
}

import { createLoop, messageOf } from '../base/index.ts'
import { createListener, type Store } from '../store/index.ts'
import type { Logger } from '../telemetry/index.ts'
import { forgetEvents, readEnds, readEvents, sequenceEvents } from './events.ts'
import type { FindingEvent } from './types.ts'

/** Where events end now, for all readers of one process. */
export type EventTip = {
  readonly newest: () => number
  /** Resolves once there is something behind a place, when `ms` are over, or at the end. */
  readonly wait: (after: number, ms: number, signal: AbortSignal) => Promise<void>
  readonly stop: () => Promise<void>
}

const POLL_MS = 1_000
const SWEEP_MS = 3_600_000

/** Gives events their places as they come, and tells who waits. Forgets events older than `keepDays`. */
export const createEventTip = (options: {
  readonly store: Store
  readonly log: Logger
  readonly onAdvance?: () => void
  readonly keepDays?: number
}): EventTip => {
  const { store, log } = options
  const waiting = new Set<() => void>()
  let newest = 0
  let sweptAt = Date.now()
  let trouble = ''
  const loop = createLoop(
    async () => {
      await sequenceEvents(store.db)
      const ends = await readEnds(store.db)
      trouble = ''
      if (ends.newest !== newest) {
        newest = ends.newest
        options.onAdvance?.()
        for (const resolve of waiting) resolve()
      }
      if (options.keepDays === undefined || Date.now() - sweptAt < SWEEP_MS) return
      sweptAt = Date.now()
      await forgetEvents(store.db, options.keepDays)
    },
    {
      pauseMs: POLL_MS,
      onError: (error) => {
        if (!trouble) log.warn({ error: messageOf(error) }, 'Events cannot be read now.')
        trouble = messageOf(error)
      },
    },
  )
  const listener = createListener({
    url: store.url,
    topics: ['tocsin_finding'],
    onNotify: loop.wake,
    onError: (error) => log.debug({ error: messageOf(error) }, 'The listener lost its connection.'),
  })
  return {
    newest: () => newest,
    wait: (after, ms, signal) =>
      newest > after || signal.aborted
        ? Promise.resolve()
        : new Promise((resolve) => {
            const done = (): void => {
              clearTimeout(timer)
              waiting.delete(done)
              signal.removeEventListener('abort', done)
              resolve()
            }
            const timer = setTimeout(done, ms)
            waiting.add(done)
            signal.addEventListener('abort', done, { once: true })
          }),
    stop: async () => {
      await listener.stop()
      await loop.stop()
      for (const resolve of [...waiting]) resolve()
    },
  }
}

/** What a stream tells next: events that match, and how far it has looked; `events` is empty when nothing was for it. */
export type Step = { readonly events: readonly FindingEvent[]; readonly position: number }

const BATCH = 50

/** Reads on from a place for as long as somebody takes what it yields: nothing is fetched ahead of the reader. */
export async function* followEvents(options: {
  readonly store: Store
  readonly tip: EventTip
  readonly after: number
  readonly matches: (event: FindingEvent) => boolean
  readonly idleMs: number
  readonly signal: AbortSignal
}): AsyncGenerator<Step> {
  const { tip, signal } = options
  let position = options.after
  while (!signal.aborted) {
    await tip.wait(position, options.idleMs, signal)
    if (signal.aborted) return
    const events =
      tip.newest() > position
        ? await readEvents(options.store.db, { after: position, limit: BATCH })
        : []
    position = events.at(-1)?.seq ?? position
    yield { events: events.filter(options.matches), position }
  }
}

import { createHash, timingSafeEqual } from 'node:crypto'
import type { SubscriptionConfig } from '../config/types.ts'
import type { Store } from '../store/index.ts'
import type { Logger } from '../telemetry/index.ts'
import { encodeBounded, encodeEvent } from './encodeEvent.ts'
import { readEnds, sequenceEvents } from './events.ts'
import { createEventTip, followEvents } from './followEvents.ts'
import { createMatcher, type SubscriptionFilter } from './matchesFilter.ts'
import type { FindingEvent, KnownChain } from './types.ts'

type StreamConfig = Extract<SubscriptionConfig, { readonly kind: 'stream' }>

/** Who reads, and what of it all is for them. */
export type Reader = {
  readonly name: string
  readonly filter: SubscriptionFilter
  readonly maxReaders: number
}

/** One thing that a stream says. `position` alone says how far it has come where nothing was for this reader. */
export type StreamItem =
  | { readonly kind: 'event'; readonly seq: number; readonly type: string; readonly body: string }
  | { readonly kind: 'position'; readonly seq: number }
  /** What lay between was forgotten, or never was. */
  | { readonly kind: 'gap'; readonly asked: number; readonly seq: number }

export type OpenStream = {
  readonly items: AsyncGenerator<readonly StreamItem[]>
  readonly close: () => void
}

export type Streams = {
  /** The reader that a bearer token names. */
  readonly readerOf: (authorization: string | undefined) => Reader | undefined
  /** Undefined when the reader has too many connections. */
  readonly open: (
    reader: Reader,
    options: {
      readonly filter: SubscriptionFilter
      /** Where to go on; undefined: with what happens from now on. */
      readonly after: number | undefined
    },
  ) => Promise<OpenStream | undefined>
  readonly readers: () => number
  readonly reload: (config: StreamsConfig) => void
  readonly stop: () => Promise<void>
}

export type StreamsConfig = {
  readonly subscriptions?: readonly SubscriptionConfig[] | undefined
  readonly chains: readonly KnownChain[]
}

const MIN_TOKEN = 24
const MAX_READERS = 64
/** A connection over which nothing went for so long hears that it lives (ms). */
const IDLE_MS = 15_000

const digest = (text: string): Buffer => createHash('sha256').update(text).digest()

/** Streams of findings for readers that hold a token. Each reads from the database as fast as it takes what it gets. */
export const createStreams = (options: {
  readonly config: StreamsConfig
  readonly store: Store
  readonly log: Logger
  /** Default: 15000. */
  readonly idleMs?: number
}): Streams => {
  const { store, log } = options
  const idleMs = options.idleMs ?? IDLE_MS
  const tip = createEventTip({ store, log })
  const open = new Map<AbortController, string>()
  let { config } = options
  let known: readonly (readonly [Buffer, StreamConfig])[] = []
  const load = (next: StreamsConfig): void => {
    config = next
    known = (next.subscriptions ?? []).flatMap((entry) => {
      if (entry.kind !== 'stream' || entry.token === '') return []
      if (entry.token.length >= MIN_TOKEN) return [[digest(entry.token), entry] as const]
      log.error(
        { subscription: entry.name },
        `A token of fewer than ${MIN_TOKEN} characters can be guessed: nobody is let in by it.`,
      )
      return []
    })
  }
  load(config)

  async function* itemsOf(
    after: number,
    asked: number | undefined,
    matches: (event: FindingEvent) => boolean,
    signal: AbortSignal,
  ): AsyncGenerator<readonly StreamItem[]> {
    if (asked !== undefined && asked !== after) yield [{ kind: 'gap', asked, seq: after }]
    for await (const step of followEvents({ store, tip, after, matches, idleMs, signal }))
      yield step.events.length === 0
        ? [{ kind: 'position', seq: step.position }]
        : step.events.map((event) => {
            const body = encodeEvent(event, config.chains)
            const text = encodeBounded(body)
            return { kind: 'event', seq: event.seq, type: body.type, body: text }
          })
  }

  return {
    readerOf: (authorization) => {
      const token = /^Bearer (\S{1,500})$/i.exec(authorization ?? '')?.[1]
      if (token === undefined) return undefined
      const given = digest(token)
      return known.find(([expected]) => timingSafeEqual(expected, given))?.[1]
    },
    open: async (reader, { filter, after: asked }) => {
      const own = [...open.values()].filter((name) => name === reader.name).length
      if (own >= reader.maxReaders || open.size >= MAX_READERS) return undefined
      const stopping = new AbortController()
      open.set(stopping, reader.name)
      const close = (): void => {
        stopping.abort()
        open.delete(stopping)
      }
      try {
        await sequenceEvents(store.db)
        const { oldest, newest } = await readEnds(store.db)
        const isKept = asked !== undefined && asked <= newest && asked >= oldest - 1
        const start = asked === undefined || asked > newest ? newest : isKept ? asked : oldest - 1
        const [whole, part] = [reader.filter, filter].map((one) =>
          createMatcher(one, config.chains),
        )
        const matches = (event: FindingEvent): boolean =>
          (whole?.(event) ?? false) && (part?.(event) ?? false)
        return { items: itemsOf(Math.max(start, 0), asked, matches, stopping.signal), close }
      } catch (error) {
        close()
        throw error
      }
    },
    readers: () => open.size,
    reload: load,
    stop: async () => {
      for (const stopping of [...open.keys()]) stopping.abort()
      open.clear()
      await tip.stop()
    },
  }
}

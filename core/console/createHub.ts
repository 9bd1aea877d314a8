import { createLoop, type Loop, messageOf } from '../base/index.ts'
import type { Config } from '../config/types.ts'
import { createListener, type Listener, type Store } from '../store/index.ts'
import type { Logger } from '../telemetry/index.ts'
import type { Overview } from './overviewTypes.ts'
import { readOverview } from './readOverview.ts'
import { pageTitle, renderSections } from './renderPage.ts'

/** What the page shows at one moment. */
export type Snapshot = {
  readonly overview: Overview
  readonly sections: Readonly<Record<string, string>>
}

export type Hub = {
  /** Not older than a second and a half. @throws when the database cannot be read */
  readonly snapshot: () => Promise<Snapshot>
  /**
   * Events for one page, or undefined when too many pages are open: the overview gets its sections, other pages (`pulse`)
   * hear that something changed and ask for themselves again.
   */
  readonly subscribe: (of?: 'overview' | 'pulse') => ReadableStream<Uint8Array> | undefined
  /** Why the database cannot be read; empty when it can. */
  readonly trouble: () => string
  readonly clients: () => number
  readonly stop: () => Promise<void>
}

type Client = {
  readonly of: 'overview' | 'pulse'
  readonly send: (text: string) => void
  readonly close: () => void
  fresh: boolean
}

/** Between two looks when nobody says that something changed (ms). Also the page's proof of life. */
const POLL_MS = 2_000
/** Pause between two looks, however much happens (ms). */
const SETTLE_MS = 200
const MAX_CLIENTS = 64
/** A client that is so far behind is let go (bytes); its browser connects again. */
const MAX_BACKLOG = 4_000_000

/** Figures that stand in the navigation of every page. */
const figuresOf = ({
  counts,
  waiting,
}: Overview): { readonly open: number; readonly waiting: number } => ({
  open: counts.SEV1 + counts.SEV2 + counts.SEV3 + counts.SEV4,
  waiting: waiting.length,
})

/** The page keeps ages running by itself: a section whose ages alone differ need not be sent. */
const withoutAges = (markup: string): string => markup.replace(/(<time\b[^>]*>)[^<]*/g, '$1')

/**
 * Keeps the pages up to date: one look at the database for all of them, when Postgres says that something changed and
 * every two seconds anyway. Only sections that differ are sent.
 */
export const createHub = (options: {
  readonly config: () => Config
  readonly store: Store
  readonly log: Logger
}): Hub => {
  const { store, log } = options
  const clients = new Set<Client>()
  let last: Snapshot | undefined
  let trouble = ''
  let isNews = false

  const look = async (): Promise<Snapshot> => {
    try {
      const overview = await readOverview(store.db, options.config())
      last = { overview, sections: renderSections(overview) }
      if (trouble) log.info('The database can be read again.')
      trouble = ''
      return last
    } catch (error) {
      if (!trouble) log.error({ error: messageOf(error) }, 'The database cannot be read.')
      trouble = messageOf(error)
      throw error
    }
  }

  const encodeEvent = ({ overview }: Snapshot, sections: Snapshot['sections']): string => {
    const title = pageTitle(overview, options.config().name)
    const { open, waiting } = figuresOf(overview)
    return `event: page\ndata: ${JSON.stringify({ at: overview.at.getTime(), title, open, waiting, sections })}\n\n`
  }

  const encodePulse = ({ overview }: Snapshot, changed: boolean): string =>
    `event: pulse\ndata: ${JSON.stringify({ at: overview.at.getTime(), ...figuresOf(overview), changed })}\n\n`

  const turn = async (): Promise<void> => {
    if (clients.size === 0) return
    const before = last?.sections ?? {}
    const heard = isNews
    isNews = false
    // A failed look sends nothing: the pages then say themselves that nothing was heard.
    const now = await look().catch(() => undefined)
    if (!now) return
    const changed = Object.fromEntries(
      Object.entries(now.sections).filter(
        ([id, markup]) => withoutAges(before[id] ?? '') !== withoutAges(markup),
      ),
    )
    const [partial, whole] = [encodeEvent(now, changed), encodeEvent(now, now.sections)]
    const pulse = encodePulse(now, heard || Object.keys(changed).length > 0)
    for (const client of clients) {
      client.send(client.of === 'pulse' ? pulse : client.fresh ? whole : partial)
      client.fresh = false
    }
    await new Promise((resolve) => setTimeout(resolve, SETTLE_MS))
  }

  const loop: Loop = createLoop(turn, {
    pauseMs: POLL_MS,
    onError: (error) => log.error({ error: messageOf(error) }, 'The pages were not updated.'),
  })
  const listener: Listener = createListener({
    url: store.url,
    topics: [
      'tocsin_block',
      'tocsin_finding',
      'tocsin_alert',
      'tocsin_outbox',
      'tocsin_execution',
      'tocsin_process',
    ],
    onNotify: () => {
      isNews = true
      if (clients.size > 0) loop.wake()
    },
    onError: (error) => log.warn({ error: messageOf(error) }, 'The listener lost its connection.'),
  })

  const subscribe = (of: Client['of'] = 'overview'): ReadableStream<Uint8Array> | undefined => {
    if (clients.size >= MAX_CLIENTS) return undefined
    const encoder = new TextEncoder()
    let client: Client | undefined
    const leave = (): void => {
      if (client) clients.delete(client)
    }
    return new ReadableStream<Uint8Array>(
      {
        start: (controller) => {
          const close = (): void => {
            leave()
            try {
              controller.close()
            } catch {
              // It was closed from the other side.
            }
          }
          const send = (text: string): void => {
            if ((controller.desiredSize ?? 0) < -MAX_BACKLOG) close()
            else controller.enqueue(encoder.encode(text))
          }
          client = { of, send, close, fresh: true }
          clients.add(client)
          send('retry: 2000\n\n')
          loop.wake()
        },
        cancel: leave,
      },
      new ByteLengthQueuingStrategy({ highWaterMark: 0 }),
    )
  }

  return {
    snapshot: async () => {
      const age = last ? Date.now() - last.overview.at.getTime() : Infinity
      return last && age < 1_500 && !trouble ? last : look()
    },
    subscribe,
    trouble: () => trouble,
    clients: () => clients.size,
    stop: async () => {
      await listener.stop()
      await loop.stop()
      for (const client of [...clients]) client.close()
    },
  }
}

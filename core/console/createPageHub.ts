import { createHash } from 'node:crypto'
import { createLoop, messageOf } from '../base/index.ts'
import type { Config } from '../config/types.ts'
import { createListener, type Store } from '../store/index.ts'
import type { Logger } from '../telemetry/index.ts'
import type { Overview } from './overviewTypes.ts'
import { readOverview } from './readOverview.ts'
import { pageTitle, renderSections } from './renderPage.ts'

export type PageState = {
  readonly overview: Overview
  readonly sections: Readonly<Record<string, string>>
}

export type PageHub = {
  readonly current: () => Promise<PageState>
  /** Calls back with the text of each update: only sections that changed, and at least a sign of life. Returns how to leave. */
  readonly subscribe: (onUpdate: (data: string) => void) => () => void
  /** Why the last reading failed; empty when it did not. */
  readonly fault: () => string
  readonly stop: () => Promise<void>
}

/** Pause between readings when nothing is notified: ages and lost heartbeats must show without any event (ms). */
const READ_EVERY_MS = 2_000
/** Shortest pause between readings, however much happens (ms). */
const CALM_MS = 250

const digest = (markup: string): string => createHash('sha1').update(markup).digest('base64')

/** Reads the database once for all who look, and tells them what changed. */
export const createPageHub = (options: {
  readonly store: Store
  readonly config: Config
  readonly log: Logger
}): PageHub => {
  const { store, config, log } = options
  const subscribers = new Set<(data: string) => void>()
  let state: PageState | undefined
  let known = new Map<string, string>()
  let fault = ''
  let readAtMs = 0

  const read = async (): Promise<PageState> => {
    const overview = await readOverview(store.db, config)
    state = { overview, sections: renderSections(overview) }
    readAtMs = Date.now()
    return state
  }
  const publish = ({ overview, sections }: PageState): void => {
    const digests = new Map(Object.entries(sections).map(([id, markup]) => [id, digest(markup)]))
    const changed = Object.entries(sections).filter(([id]) => digests.get(id) !== known.get(id))
    known = digests
    const data = JSON.stringify({
      at: overview.at.getTime(),
      title: pageTitle(overview, config.name),
      sections: Object.fromEntries(changed),
    })
    for (const tell of subscribers) tell(data)
  }
  const loop = createLoop(
    async () => {
      if (subscribers.size === 0 && Date.now() - readAtMs < READ_EVERY_MS) return
      publish(await read())
      fault = ''
    },
    {
      pauseMs: READ_EVERY_MS,
      onError: (error) => {
        // Nothing is published then: the page itself says that it is not being updated.
        if (!fault) log.warn({ error: messageOf(error) }, 'The overview cannot be read.')
        fault = messageOf(error)
      },
    },
  )
  let waiting: NodeJS.Timeout | undefined
  const listener = createListener({
    url: store.url,
    topics: [
      'tocsin_block',
      'tocsin_alert',
      'tocsin_execution',
      'tocsin_finding',
      'tocsin_process',
    ],
    onNotify: () => {
      waiting ??= setTimeout(() => {
        waiting = undefined
        loop.wake()
      }, CALM_MS)
    },
  })
  return {
    current: async () => (state && Date.now() - readAtMs < CALM_MS ? state : read()),
    subscribe: (onUpdate) => {
      subscribers.add(onUpdate)
      // The newcomer gets every section: what the others know, it does not.
      known = new Map()
      loop.wake()
      return () => subscribers.delete(onUpdate)
    },
    fault: () => fault,
    stop: async () => {
      clearTimeout(waiting)
      await listener.stop()
      await loop.stop()
    },
  }
}

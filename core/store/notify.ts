import { sql } from 'drizzle-orm'
import pg from 'pg'
import { backoffMs, sleep } from '../base/index.ts'
import type { Database, DatabaseTransaction } from './connectDatabase.ts'

/** What processes tell each other through Postgres: a hint to look now. Every listener also looks by the clock. */
export type NotifyTopic =
  | 'tocsin_block'
  | 'tocsin_finding'
  | 'tocsin_alert'
  | 'tocsin_outbox'
  | 'tocsin_execution'
  | 'tocsin_halt'
  | 'tocsin_process'

/** Sends at commit, when `db` is a transaction. */
export const notify = async (
  db: Database | DatabaseTransaction,
  topic: NotifyTopic,
  payload = '',
): Promise<void> => {
  await db.execute(sql`select pg_notify(${topic}, ${payload})`)
}

export type Listener = { readonly stop: () => Promise<void> }

/** A goodbye that the server does not answer is cut short (ms). */
const END_LIMIT_MS = 1_000

/** Listens on a connection of its own, and connects again when it is lost (then calls `onNotify` once, for what was missed). */
export const createListener = (options: {
  readonly url: string
  readonly topics: readonly NotifyTopic[]
  readonly onNotify: (topic: NotifyTopic, payload: string) => void
  readonly onError?: (error: unknown) => void
}): Listener => {
  const stopping = new AbortController()
  const aborted = new Promise<void>((resolve) => {
    stopping.signal.addEventListener('abort', () => resolve(), { once: true })
  })
  let client: pg.Client | undefined
  const end = async (): Promise<void> => {
    const ending = client?.end().catch(() => undefined)
    await Promise.race([ending, sleep(END_LIMIT_MS)])
  }
  const connect = async (): Promise<void> => {
    let lose: () => void = () => undefined
    const lost = new Promise<void>((resolve) => {
      lose = resolve
    })
    client = new pg.Client({
      connectionString: options.url,
      application_name: 'tocsin-listen',
      keepAlive: true,
    })
    client.on('error', lose)
    client.on('end', lose)
    client.on('notification', (message) => {
      const topic = options.topics.find((known) => known === message.channel)
      if (topic) options.onNotify(topic, message.payload ?? '')
    })
    const follow = async (fresh: pg.Client): Promise<void> => {
      await fresh.connect()
      for (const topic of options.topics) await fresh.query(`listen ${topic}`)
      for (const topic of options.topics) options.onNotify(topic, '')
      await lost
    }
    // A client that is ended while it connects never settles: the wish to stop must count by itself.
    await Promise.race([follow(client), aborted])
  }
  const run = async (): Promise<void> => {
    for (let attempt = 0; !stopping.signal.aborted; attempt++) {
      try {
        await connect()
        attempt = 0
      } catch (error) {
        options.onError?.(error)
      }
      await end()
      await sleep(backoffMs(attempt, 100, 2_000), stopping.signal)
    }
  }
  const running = run()
  return {
    stop: async () => {
      stopping.abort()
      await running
    },
  }
}

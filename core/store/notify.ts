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

/** Listens on a connection of its own, and connects again when it is lost (then calls `onNotify` once, for what was missed). */
export const createListener = (options: {
  readonly url: string
  readonly topics: readonly NotifyTopic[]
  readonly onNotify: (topic: NotifyTopic, payload: string) => void
  readonly onError?: (error: unknown) => void
}): Listener => {
  const stopping = new AbortController()
  let client: pg.Client | undefined
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
    await client.connect()
    for (const topic of options.topics) await client.query(`listen ${topic}`)
    for (const topic of options.topics) options.onNotify(topic, '')
    await lost
  }
  const run = async (): Promise<void> => {
    for (let attempt = 0; !stopping.signal.aborted; attempt++) {
      try {
        await connect()
        attempt = 0
      } catch (error) {
        options.onError?.(error)
      }
      await client?.end().catch(() => undefined)
      await sleep(backoffMs(attempt, 100, 2_000), stopping.signal)
    }
  }
  const running = run()
  return {
    stop: async () => {
      stopping.abort()
      await client?.end().catch(() => undefined)
      await running
    },
  }
}

import pg from 'pg'
import { messageOf, sleep, TocsinError } from '../base/index.ts'

/** Class of the advisory locks that fence off a second watcher; the chain id is the other half of the key. */
const LOCK_CLASS = 7_268_332

export type ChainLock = {
  /** Returns at once while the lock is held; takes it (again) otherwise. */
  readonly hold: () => Promise<void>
  readonly release: () => Promise<void>
}

/**
 * One watcher per chain and database: a lock that lives as long as its own connection does.
 * @throws TocsinError `engine.locked` when somebody else keeps it for longer than `patienceMs`
 */
export const createChainLock = (options: {
  readonly url: string
  readonly chainId: number
  readonly patienceMs: number
}): ChainLock => {
  const { url, chainId, patienceMs } = options
  let held: pg.Client | undefined

  const connect = async (): Promise<pg.Client> => {
    const client = new pg.Client({
      connectionString: url,
      application_name: `tocsin-lock-${chainId}`,
      keepAlive: true,
      connectionTimeoutMillis: 5_000,
      query_timeout: 10_000,
    })
    // The connection's end is the lock's end; the next `hold` notices and takes it again.
    const lose = (): void => {
      if (held === client) held = undefined
    }
    client.on('error', lose)
    client.on('end', lose)
    await client.connect()
    return client
  }
  const take = async (): Promise<void> => {
    const client = await connect()
    const deadline = Date.now() + patienceMs
    try {
      for (;;) {
        const { rows } = await client.query('select pg_try_advisory_lock($1, $2) as ok', [
          LOCK_CLASS,
          chainId,
        ])
        if (rows[0]?.ok === true) break
        if (Date.now() >= deadline)
          throw new TocsinError(
            'engine.locked',
            `Another watcher runs for chain ${chainId} on this database.`,
            {
              hints: ['Stop it, or give this one a database (or data folder) of its own.'],
            },
          )
        await sleep(Math.min(250, Math.max(10, patienceMs / 4)))
      }
      held = client
    } catch (error) {
      await client.end().catch(() => undefined)
      throw error
    }
  }
  let taking: Promise<void> | undefined
  return {
    hold: () => {
      if (held) return Promise.resolve()
      taking ??= take().finally(() => {
        taking = undefined
      })
      return taking
    },
    release: async () => {
      await taking?.catch((error: unknown) => messageOf(error))
      const client = held
      held = undefined
      await client?.end().catch(() => undefined)
    },
  }
}

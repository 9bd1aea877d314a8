import { randomInt } from 'node:crypto'
import { sql } from 'drizzle-orm'
import type pg from 'pg'
import { createLoop, messageOf } from '../base/index.ts'
import type { Store } from '../store/index.ts'
import type { Logger } from '../telemetry/index.ts'

/** Class of the advisory locks that notifiers hold for as long as they live. */
const PRESENCE = 7_268_333

/** A notifier's proof of life in Postgres: a session lock, gone the moment the process or its connection is. */
export type Presence = {
  /** Names this notifier in `outbox.leased_by`. */
  readonly key: number
  readonly isHeld: () => boolean
  readonly stop: () => Promise<void>
}

/**
 * Takes the lock and keeps it. While it is held, gives back every two seconds what dead notifiers were sending: their
 * leases end at once instead of running out.
 */
export const createPresence = async (options: {
  readonly store: Store
  readonly log: Logger
  readonly onReleased: () => void
}): Promise<Presence> => {
  const { store, log } = options
  const key = randomInt(1, 2_000_000_000)
  let client: pg.PoolClient | undefined

  const take = async (): Promise<void> => {
    const fresh = await store.pool.connect()
    fresh.on('error', () => {
      if (client !== fresh) return
      client = undefined
      fresh.release(true)
    })
    try {
      await fresh.query('select pg_advisory_lock($1, $2)', [PRESENCE, key])
      client = fresh
    } catch (error) {
      fresh.release(true)
      throw error
    }
  }

  const release = async (): Promise<void> => {
    const { rowCount } = await store.db.execute(sql`
      update tocsin.outbox set leased_by = null, next_attempt_at = now()
      where status = 'pending' and leased_by is not null and leased_by not in (
        select objid::bigint from pg_locks
        where locktype = 'advisory' and classid = ${PRESENCE} and granted
          and database = (select oid from pg_database where datname = current_database()))`)
    if ((rowCount ?? 0) > 0) {
      log.warn({ messages: rowCount }, 'Took over messages of a notifier that is gone.')
      options.onReleased()
    }
  }

  await take()
  const loop = createLoop(
    async () => {
      if (!client) await take()
      await release()
    },
    {
      pauseMs: 2_000,
      onError: (error) =>
        log.warn({ error: messageOf(error) }, 'Leases could not be looked after.'),
    },
  )
  return {
    key,
    isHeld: () => client !== undefined,
    stop: async () => {
      await loop.stop()
      // Ends the session, and the lock with it.
      client?.release(true)
      client = undefined
    },
  }
}

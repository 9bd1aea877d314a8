import type pg from 'pg'
import { messageOf } from '../base/index.ts'
import type { Store } from '../store/index.ts'
import type { Logger } from '../telemetry/index.ts'

/** Class of the advisory locks under which subscriptions are served. */
const SERVING = 7_268_342

/** Locks of one process, gone the moment that it or its connection is: the next one goes on at once. */
export type SessionLocks = {
  /** True while this process alone serves `name`. Never throws. */
  readonly hold: (name: string) => Promise<boolean>
  readonly stop: () => Promise<void>
}

export const createSessionLocks = (store: Store, log: Logger): SessionLocks => {
  let client: pg.PoolClient | undefined
  let connecting: Promise<pg.PoolClient> | undefined
  const held = new Set<string>()
  const connect = async (): Promise<pg.PoolClient> => {
    const fresh = await store.pool.connect()
    fresh.on('error', () => {
      if (client !== fresh) return
      client = undefined
      held.clear()
      fresh.release(true)
    })
    client = fresh
    return fresh
  }
  return {
    hold: async (name) => {
      if (client && held.has(name)) return true
      try {
        if (!client)
          connecting ??= connect().finally(() => {
            connecting = undefined
          })
        const own = client ?? (await connecting)
        if (!own) return false
        const { rows } = await own.query<{ ok: boolean }>(
          'select pg_try_advisory_lock($1, hashtext($2)) as ok',
          [SERVING, name],
        )
        if (rows[0]?.ok && client === own) held.add(name)
        return held.has(name)
      } catch (error) {
        log.warn({ error: messageOf(error) }, 'A subscription could not be taken up yet.')
        return false
      }
    },
    stop: async () => {
      client?.release(true)
      client = undefined
      held.clear()
    },
  }
}

import pg from 'pg'
import { createLoop, sleep } from '../base/index.ts'

export type KeyLock = {
  /** True while this process alone may sign with the key. */
  readonly isHeld: () => boolean
  readonly stop: () => Promise<void>
}

/**
 * Holds a Postgres advisory lock for a signer key on a connection of its own, and keeps asking for it: of two signers
 * with one key the second stands by. When the connection is lost so is the lock.
 */
export const createKeyLock = (options: {
  readonly url: string
  readonly name: string
  readonly onChange: () => void
  readonly onError: (error: unknown) => void
}): KeyLock => {
  let client: pg.Client | undefined
  let held = false
  const set = (value: boolean): void => {
    if (held === value) return
    held = value
    options.onChange()
  }
  const drop = (): void => {
    client = undefined
    set(false)
  }
  const turn = async (): Promise<void> => {
    if (!client) {
      const fresh = new pg.Client({
        connectionString: options.url,
        application_name: 'tocsin-signer-lock',
        keepAlive: true,
        query_timeout: 5_000,
      })
      fresh.on('error', drop)
      fresh.on('end', drop)
      await fresh.connect()
      client = fresh
    }
    if (held) {
      await client.query('select 1')
      return
    }
    const { rows } = await client.query<{ held: boolean }>(
      'select pg_try_advisory_lock(hashtextextended($1, 0)) as held',
      [`tocsin:signer:${options.name}`],
    )
    if (rows[0]?.held) set(true)
  }
  const loop = createLoop(turn, {
    pauseMs: 500,
    onError: (error) => {
      const lost = client
      drop()
      void lost?.end().catch(options.onError)
      options.onError(error)
    },
  })
  return {
    isHeld: () => held,
    stop: async () => {
      await loop.stop()
      const last = client
      drop()
      if (last) await Promise.race([last.end().catch(options.onError), sleep(1_000)])
    },
  }
}

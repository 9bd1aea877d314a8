import type { Config } from '../config/types.ts'
import {
  connectDatabase,
  migrateDatabase,
  type Store,
  startEmbeddedPostgres,
} from '../store/index.ts'
import type { CommonOptions } from './options.ts'
import { readConfig } from './readConfig.ts'

export type OpenedStore = {
  readonly store: Store
  readonly config: Config
  readonly close: () => Promise<void>
}

/** Address of the database: the supervisor's, the watchlist's, or DATABASE_URL; undefined means the embedded one. */
export const findDatabaseUrl = (config: Config): string | undefined => {
  if (process.env['TOCSIN_SUPERVISED']) return process.env['DATABASE_URL']
  return config.database?.url || process.env['DATABASE_URL'] || undefined
}

/**
 * What a one-off command needs: the watchlist and its database. Joins the embedded Postgres that `tocsin start` runs,
 * or starts it for as long as the command takes.
 */
export const openStore = async (options: CommonOptions): Promise<OpenedStore> => {
  const config = await readConfig(options, ['database'])
  const url = findDatabaseUrl(config)
  const database = url
    ? { url, stop: async () => undefined }
    : await startEmbeddedPostgres({ dataDir: config.dataDir })
  try {
    const store = await connectDatabase({ url: database.url, name: 'cli', poolSize: 3 })
    await migrateDatabase(store)
    const close = async (): Promise<void> => {
      await store.stop()
      await database.stop()
    }
    return { store, config, close }
  } catch (error) {
    await database.stop()
    throw error
  }
}

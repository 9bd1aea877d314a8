import { TocsinError } from '../base/index.ts'
import type { Config } from '../config/types.ts'
import {
  connectDatabase,
  hasEmbeddedPostgres,
  migrateDatabase,
  type Store,
  startEmbeddedPostgres,
} from '../store/index.ts'
import type { CommonOptions } from './options.ts'
import { readConfig, type SecretParts } from './readConfig.ts'

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

/** A server that was started for this command ends with it, however that ends. */
const exitOnSignal = (): void => {
  process.once('SIGINT', () => process.exit(130))
  process.once('SIGTERM', () => process.exit(143))
}

/**
 * What a one-off command needs: the watchlist and its database. Joins the embedded Postgres that `tocsin start` runs,
 * or starts it for as long as the command takes. `secrets`: parts that it may see beside the database.
 * @throws TocsinError `store.none` where nothing has run yet
 */
export const openStore = async (
  options: CommonOptions,
  secrets: SecretParts = [],
): Promise<OpenedStore> => {
  const config = await readConfig(options, ['database', ...secrets])
  const url = findDatabaseUrl(config)
  if (!url && !hasEmbeddedPostgres(config.dataDir))
    throw new TocsinError('store.none', `Nothing has run in ${config.dataDir} yet.`, {
      hints: [
        '`tocsin start` begins the watch.',
        'Or name the data folder of one that ran: --data-dir, or DATABASE_URL.',
      ],
    })
  exitOnSignal()
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

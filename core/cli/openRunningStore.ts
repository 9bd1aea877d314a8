import { TocsinError } from '../base/index.ts'
import {
  connectDatabase,
  isEmbeddedPostgresRunning,
  type Store,
  startEmbeddedPostgres,
} from '../store/index.ts'

export type RunningStore = { readonly store: Store; readonly close: () => Promise<void> }

/**
 * Joins the database at the address, else the embedded one of the data folder where that runs. Starts none, and changes
 * nothing in it.
 * @throws TocsinError `store.none`, `store.unreachable`
 */
export const openRunningStore = async (place: {
  readonly url: string | undefined
  readonly dataDir: string
}): Promise<RunningStore> => {
  const { url, dataDir } = place
  if (!url && !isEmbeddedPostgresRunning(dataDir))
    throw new TocsinError('store.none', 'the database does not run')
  const database = url
    ? { url, stop: async () => undefined }
    : await startEmbeddedPostgres({ dataDir })
  try {
    const store = await connectDatabase({
      url: database.url,
      name: 'cli',
      poolSize: 2,
      patienceMs: 3_000,
    })
    const close = async (): Promise<void> => {
      await store.stop()
      await database.stop()
    }
    return { store, close }
  } catch (error) {
    await database.stop()
    throw error
  }
}

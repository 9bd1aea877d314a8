import type { Config } from '../config/types.ts'
import type { Store } from '../store/index.ts'
import { openStore } from './openStore.ts'
import type { CommonOptions } from './options.ts'

/** Opens the database for one piece of work, and closes it whatever comes of it. */
export const withStore = async (
  options: CommonOptions,
  work: (store: Store, config: Config) => Promise<void>,
): Promise<void> => {
  const { store, config, close } = await openStore(options)
  try {
    await work(store, config)
  } finally {
    await close()
  }
}

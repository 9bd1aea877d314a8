import { eq } from 'drizzle-orm'
import { TocsinError } from '../base/index.ts'
import { connectDatabase, isEmbeddedPostgresRunning, tables } from '../store/index.ts'
import { EXIT } from './exitCodes.ts'
import { findDatabaseUrl, openStore } from './openStore.ts'
import type { CommonOptions } from './options.ts'
import { readConfig } from './readConfig.ts'

/** How long a list of bots waits for a database that may be away (ms). */
const PATIENCE_MS = 1_500

/**
 * Bots in quarantine, with why. Starts no database for it: undefined where none runs or none answers, since the list
 * is of use without.
 */
export const findQuarantined = async (
  options: CommonOptions,
): Promise<ReadonlyMap<string, string> | undefined> => {
  const config = await readConfig(options, ['database']).catch(() => undefined)
  if (!config) return undefined
  const url = findDatabaseUrl(config)
  if (!url && !isEmbeddedPostgresRunning(config.dataDir)) return undefined
  const opened = url
    ? connectDatabase({ url, name: 'cli', poolSize: 1, patienceMs: PATIENCE_MS }).then((store) => ({
        store,
        close: store.stop,
      }))
    : openStore(options)
  const found = await opened.catch(() => undefined)
  if (!found) return undefined
  try {
    const rows = await found.store.db.select().from(tables.botQuarantine)
    return new Map(rows.map(({ botId, reason }) => [botId, reason]))
  } catch {
    // A database of an older version has no such table, and so no bot in quarantine.
    return undefined
  } finally {
    await found.close()
  }
}

/**
 * Lets a bot run again on every chain, and forgets what it did. A watcher that runs takes it up within seconds.
 * @throws TocsinError `bot.not_quarantined`
 */
export const releaseBot = async (id: string, options: CommonOptions): Promise<void> => {
  const { store, close } = await openStore(options)
  try {
    await store.db.transaction(async (tx) => {
      const released = await tx
        .delete(tables.botQuarantine)
        .where(eq(tables.botQuarantine.botId, id))
        .returning()
      if (released.length === 0)
        throw new TocsinError('bot.not_quarantined', `The bot "${id}" is not in quarantine.`, {
          exitCode: EXIT.failed,
          hints: ['`tocsin status` names those that are.'],
        })
      await tx.delete(tables.botStrike).where(eq(tables.botStrike.botId, id))
    })
  } finally {
    await close()
  }
}

import { readFileSync, statSync } from 'node:fs'
import { userInfo } from 'node:os'
import { cleanText } from '../base/index.ts'
import type { Database } from '../store/index.ts'
import type { ConfigChange } from './diffConfig.ts'

/** Name of the operating-system user who owns the file, else of the user of this process. */
export const findWriter = (file: string): string => {
  const uid = statSync(file, { throwIfNoEntry: false })?.uid
  const own = userInfo()
  if (uid === undefined || uid === own.uid) return own.username
  try {
    const line = readFileSync('/etc/passwd', 'utf8')
      .split('\n')
      .find((entry) => entry.split(':')[2] === String(uid))
    return line?.split(':')[0] ?? `uid ${uid}`
  } catch {
    // No such table on this system: the number is all that can be known.
    return `uid ${uid}`
  }
}

/** Writes down who changed what; secrets are not in `changes`. One insert, nothing when there is nothing. */
export const recordConfigChanges = async (
  db: Pick<Database, 'insert'>,
  entry: {
    /** Name of the process that took the changes up. */
    readonly process: string
    readonly file: string
    /** See `findWriter`. */
    readonly who: string
    readonly changes: readonly ConfigChange[]
  },
): Promise<void> => {
  if (entry.changes.length === 0) return
  const { process, file, who } = entry
  // Whoever only reads a watchlist need not load the database's library.
  const { tables } = await import('../store/index.ts')
  await db.insert(tables.configChange).values(
    entry.changes.map((change) => ({
      process,
      file,
      who: cleanText(who, 100),
      path: cleanText(change.path, 300),
      oldValue: change.oldValue,
      newValue: change.newValue,
    })),
  )
}

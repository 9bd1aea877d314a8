import { existsSync, readFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { TocsinError } from '../base/index.ts'
import { findPostgresUser, placeCluster } from './postgresBinaries.ts'

const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

const findPid = (folder: string): number | undefined => {
  try {
    const pid = Number(readFileSync(join(folder, 'postmaster.pid'), 'utf8').split('\n')[0])
    return Number.isInteger(pid) && pid > 1 && isAlive(pid) ? pid : undefined
  } catch {
    return undefined
  }
}

/** Whether a data folder holds an embedded Postgres. */
export const hasEmbeddedPostgres = (dataDir: string): boolean =>
  existsSync(join(placeCluster(dataDir, findPostgresUser()), 'PG_VERSION'))

/** Whether a server runs on the embedded Postgres of a data folder. */
export const isEmbeddedPostgresRunning = (dataDir: string): boolean =>
  findPid(placeCluster(dataDir, findPostgresUser())) !== undefined

/**
 * Deletes the embedded Postgres of a data folder with everything in it.
 * @throws TocsinError `store.running` while a server uses it
 */
export const removeEmbeddedPostgres = async (dataDir: string): Promise<void> => {
  const folder = placeCluster(dataDir, findPostgresUser())
  const pid = findPid(folder)
  if (pid !== undefined)
    throw new TocsinError('store.running', `A Postgres (process ${pid}) still runs in ${folder}.`, {
      hints: ['End whatever started it, or name another data folder.'],
    })
  await rm(folder, { recursive: true, force: true })
}

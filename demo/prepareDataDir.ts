import { existsSync, readdirSync } from 'node:fs'
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { TocsinError } from '../core/base/index.ts'
import {
  isEmbeddedPostgresRunning,
  removeEmbeddedPostgres,
  startEmbeddedPostgres,
} from '../core/store/index.ts'

const MARKER = 'demo.pid'

const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

/** A demo that was killed leaves its Postgres behind: it is joined, in order to be stopped in order. */
const stopLeftovers = async (dataDir: string): Promise<void> => {
  if (!isEmbeddedPostgresRunning(dataDir)) return
  const server = await startEmbeddedPostgres({ dataDir, adopt: true })
  await server.stop()
}

/**
 * Empties the demo's data folder, and only a folder that an earlier demo made.
 * @returns lets go of the folder
 * @throws TocsinError `demo.not_ours` for a folder with other things in it, `demo.running` while another demo uses it
 */
export const prepareDataDir = async (dataDir: string): Promise<() => Promise<void>> => {
  const marker = join(dataDir, MARKER)
  if (existsSync(dataDir) && readdirSync(dataDir).length > 0) {
    if (!existsSync(marker))
      throw new TocsinError(
        'demo.not_ours',
        `The folder ${dataDir} holds something that no demo made; the demo would delete it.`,
        { exitCode: 2, hints: ['Name an empty or a new folder with --data-dir.'] },
      )
    const pid = Number(await readFile(marker, 'utf8'))
    if (Number.isInteger(pid) && pid > 1 && pid !== process.pid && isAlive(pid))
      throw new TocsinError('demo.running', `Another demo (process ${pid}) uses ${dataDir}.`, {
        hints: ['End it, or name another folder with --data-dir.'],
      })
    await stopLeftovers(dataDir)
    await removeEmbeddedPostgres(dataDir)
    await rm(dataDir, { recursive: true, force: true })
  }
  await mkdir(dataDir, { recursive: true, mode: 0o755 })
  await writeFile(marker, String(process.pid))
  return () => writeFile(marker, '0')
}

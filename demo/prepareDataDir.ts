import { execFile } from 'node:child_process'
import { existsSync, readdirSync, statSync } from 'node:fs'
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { z } from 'zod'
import { TocsinError } from '../core/base/index.ts'
import {
  isEmbeddedPostgresRunning,
  removeEmbeddedPostgres,
  startEmbeddedPostgres,
} from '../core/store/index.ts'

const MARKER = 'demo.pid'
const ANVIL = 'anvil.json'
const run = promisify(execFile)

const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

const anvilSchema = z.object({ pid: z.int().min(2), port: z.int() })

/** Notes which chain runs for this folder, for a later demo to end it should this one be killed. */
export const rememberAnvil = (
  dataDir: string,
  { pid, port }: z.infer<typeof anvilSchema>,
): Promise<void> => writeFile(join(dataDir, ANVIL), JSON.stringify({ pid, port }))

const stopAnvil = async (dataDir: string): Promise<void> => {
  const text = await readFile(join(dataDir, ANVIL), 'utf8').catch(() => undefined)
  if (text === undefined) return
  const { pid, port } = anvilSchema.parse(JSON.parse(text))
  if (!isAlive(pid)) return
  // Another process may have the number by now.
  const { stdout } = await run('ps', ['-o', 'args=', '-p', String(pid)], { timeout: 10_000 })
  if (stdout.includes('anvil') && stdout.includes(`--port ${port} `)) process.kill(pid, 'SIGTERM')
}

/** A demo that was killed leaves its chain and its Postgres behind; Postgres is joined, to be stopped in order. */
const stopLeftovers = async (dataDir: string): Promise<void> => {
  await stopAnvil(dataDir)
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
  if (existsSync(dataDir) && !statSync(dataDir).isDirectory())
    throw new TocsinError('demo.not_ours', `${dataDir} is a file.`, {
      exitCode: 2,
      hints: ['Name an empty or a new folder with --data-dir.'],
    })
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

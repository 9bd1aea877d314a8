import { backoffMs, messageOf, sleep, TocsinError } from '../base/index.ts'
import {
  connectDatabase,
  type EmbeddedPostgres,
  migrateDatabase,
  type Store,
  startEmbeddedPostgres,
} from '../store/index.ts'
import { recordSelfFinding } from '../telemetry/index.ts'
import { type ProcessLife, superviseProcess } from './superviseProcess.ts'

export const PROCESS_NAMES = ['watcher', 'notifier', 'signer', 'indexer', 'console'] as const
export type ProcessName = (typeof PROCESS_NAMES)[number]

export type Supervisor = {
  /** Postgres that the processes share. */
  readonly databaseUrl: string
  readonly processes: () => readonly {
    readonly name: string
    readonly pid: number | undefined
    readonly restarts: number
  }[]
  /** Rejects when a process fails for a reason that a restart cannot mend. */
  readonly failed: Promise<never>
  /** Orderly end of everything: processes first, the embedded Postgres last. */
  readonly stop: () => Promise<void>
}

export type SupervisorOptions = {
  /** Absolute path of the watchlist. */
  readonly configFile: string
  readonly env?: string
  readonly dataDir: string
  /** Without it an embedded Postgres runs in `dataDir`. */
  readonly databaseUrl?: string
  readonly only?: readonly ProcessName[]
  /** Lines that the processes print. */
  readonly onLine: (name: string, line: string) => void
  readonly onEvent?: (event: string) => void
}

const START_LIMIT_MS = 120_000

type Database = { readonly url: string; readonly stop: () => Promise<void> }

/** Postgres of the machine: the given one, or the embedded one, started again whenever it ends. */
const startDatabase = async (
  options: SupervisorOptions,
  signal: AbortSignal,
  onLost: (error: unknown) => void,
): Promise<Database> => {
  if (options.databaseUrl) return { url: options.databaseUrl, stop: async () => undefined }
  const start = (): Promise<EmbeddedPostgres> =>
    startEmbeddedPostgres({ dataDir: options.dataDir, adopt: true })
  let server = await start()
  const keep = async (): Promise<void> => {
    for (let attempt = 0; !signal.aborted; attempt++) {
      await server.ended
      if (signal.aborted) return
      options.onEvent?.('Postgres ended; starting it again.')
      try {
        server = await start()
        attempt = 0
      } catch (error) {
        options.onEvent?.(`Postgres did not start: ${messageOf(error)}`)
        await sleep(backoffMs(attempt, 500, 10_000), signal)
      }
    }
  }
  keep().catch(onLost)
  return { url: server.url, stop: () => server.stop() }
}

const recordRestart = async (
  store: Store,
  name: string,
  event: { readonly how: string; readonly pid: number | undefined; readonly restarts: number },
): Promise<void> =>
  recordSelfFinding(store.db, {
    alertId: 'PROCESS-RESTARTED',
    name: `${name} was restarted`,
    description: `The ${name} process ended (${event.how}) and was started again.`,
    severity: 'Medium',
    uniqueKey: `${name}:${event.pid ?? 0}:${Date.now()}`,
    metadata: { process: name, restarts: String(event.restarts), how: event.how },
  })

/**
 * Runs the processes of one machine, starts again with back-off what dies (each time a finding about ourselves),
 * and ends everything in order. Resolves once every process has said that it is ready.
 * @throws TocsinError `process.start_failed` with the process's own words; nothing half-started stays behind
 */
export const startSupervisor = async (options: SupervisorOptions): Promise<Supervisor> => {
  const stopping = new AbortController()
  const lives: ProcessLife[] = []
  let database: Database | undefined
  let store: Store | undefined
  let fail: (error: unknown) => void = () => undefined
  const failed = new Promise<never>((_, reject) => {
    fail = reject
  })
  failed.catch(() => undefined)

  const begin = (name: ProcessName, url: string, shared: Store): ProcessLife => {
    const args = ['run', name, '--config', options.configFile, '--data-dir', options.dataDir]
    const life = superviseProcess({
      name,
      args: options.env ? [...args, '--env', options.env] : args,
      environment: { ...process.env, DATABASE_URL: url, TOCSIN_SUPERVISED: '1' },
      onLine: (line) => options.onLine(name, line),
      onRestart: async (event) => {
        options.onEvent?.(`${name} ended (${event.how}); starting it again.`)
        await recordRestart(shared, name, event).catch((error: unknown) =>
          options.onEvent?.(`A restart could not be recorded: ${messageOf(error)}`),
        )
      },
    })
    life.over.catch(fail)
    return life
  }

  const stop = async (): Promise<void> => {
    stopping.abort()
    await Promise.all(lives.map((life) => life.stop()))
    await store?.stop().catch(() => undefined)
    await database?.stop()
  }

  try {
    database = await startDatabase(options, stopping.signal, (error) => fail(error))
    const { url } = database
    const shared = await connectDatabase({ url, name: 'supervisor', poolSize: 2 })
    store = shared
    await migrateDatabase(shared)
    for (const name of options.only ?? PROCESS_NAMES) lives.push(begin(name, url, shared))
    const slow = sleep(START_LIMIT_MS, stopping.signal).then(() => {
      throw new TocsinError(
        'process.start_slow',
        `Not every process was ready within ${START_LIMIT_MS / 1000} s.`,
      )
    })
    slow.catch(() => undefined)
    await Promise.race([Promise.all(lives.map((life) => life.ready)), slow])
    return {
      databaseUrl: url,
      processes: () =>
        lives.map((life) => ({ name: life.name, pid: life.pid(), restarts: life.restarts() })),
      failed,
      stop,
    }
  } catch (error) {
    await stop()
    throw error
  }
}

import { backoffMs, messageOf, sleep, TocsinError } from '../base/index.ts'
import {
  connectDatabase,
  type EmbeddedPostgres,
  migrateDatabase,
  openIntakeRole,
  type Store,
  startEmbeddedPostgres,
} from '../store/index.ts'
import { type Meter, noMeter, recordSelfFinding } from '../telemetry/index.ts'
import { type ProcessLife, superviseProcess } from './superviseProcess.ts'
import { createSupervisorMetrics } from './supervisorMetrics.ts'

export const PROCESS_NAMES = [
  'watcher',
  'notifier',
  'signer',
  'indexer',
  'console',
  'intake',
] as const
export type ProcessName = (typeof PROCESS_NAMES)[number]

export type Supervisor = {
  /** Postgres that the processes share. */
  readonly databaseUrl: string
  /** Process id of the embedded Postgres; undefined when Postgres is somebody else's. */
  readonly databasePid: () => number | undefined
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
  /** The watcher takes up changed files of `botsDir` while it runs. Default: false. */
  readonly watchesBots?: boolean
  /** Arguments of node that run `tocsin`. Default: the program that is running. */
  readonly program?: readonly string[]
  /** Variables of the environment that hold secrets of other processes. Default: none is kept back. */
  readonly hidden?: (name: ProcessName) => readonly string[]
  /** Longest pause before a process that died again and again is started again (ms). Default: 30000. */
  readonly restartCapMs?: number
  /** Lines that the processes print. */
  readonly onLine: (name: string, line: string) => void
  readonly onEvent?: (event: string) => void
  /** Default: nothing is measured. */
  readonly meter?: Meter
  /** Ends a start that is under way; afterwards call `stop`. */
  readonly signal?: AbortSignal
}

const START_LIMIT_MS = 120_000

/** A pause must not wait for a processor that indexes history or draws a page. */
const NICENESS: Readonly<Partial<Record<ProcessName, number>>> = { indexer: 10, console: 5 }

type Database = {
  readonly url: string
  readonly pid: () => number | undefined
  readonly stop: () => Promise<void>
}
type Restart = {
  readonly how: string
  readonly pid: number | undefined
  readonly restarts: number
}

/** Postgres of the machine: the given one, or the embedded one, started again whenever it ends. */
const startDatabase = async (
  options: SupervisorOptions,
  signal: AbortSignal,
  hooks: {
    readonly onLost: (error: unknown) => void
    readonly onRestart: (event: Restart) => void
  },
): Promise<Database> => {
  if (options.databaseUrl)
    return { url: options.databaseUrl, pid: () => undefined, stop: async () => undefined }
  const start = (): Promise<EmbeddedPostgres> =>
    startEmbeddedPostgres({ dataDir: options.dataDir, adopt: true })
  let server = await start()
  let restarts = 0
  const startAgain = async (): Promise<void> => {
    for (let attempt = 0; !signal.aborted; attempt++) {
      try {
        server = await start()
        return
      } catch (error) {
        options.onEvent?.(`Postgres did not start: ${messageOf(error)}`)
        await sleep(backoffMs(attempt, 200, options.restartCapMs ?? 10_000), signal)
      }
    }
  }
  const keep = async (): Promise<void> => {
    while (!signal.aborted) {
      const { pid } = server
      await server.ended
      if (signal.aborted) return
      options.onEvent?.('Postgres ended; starting it again.')
      restarts++
      hooks.onRestart({ how: 'it stopped', pid, restarts })
      await startAgain()
    }
  }
  const keeping = keep()
  keeping.catch(hooks.onLost)
  return {
    url: server.url,
    pid: () => server.pid,
    // A start that is under way must end first, or its server would stay behind.
    stop: async () => {
      const last = server
      await last.stop()
      await keeping.catch(() => undefined)
      if (server !== last) await server.stop()
    },
  }
}

/**
 * Records restarts as findings, in order and off the way of the restart itself. With Postgres away it tries again until
 * it is back: a process often dies of the same cause.
 */
const createRestartRecorder = (
  findStore: () => Store | undefined,
  onTrouble: (text: string) => void,
): {
  readonly add: (name: string, event: Restart) => void
  readonly stop: () => Promise<void>
} => {
  const stopping = new AbortController()
  let queue: Promise<void> = Promise.resolve()
  const record = async (name: string, event: Restart, uniqueKey: string): Promise<void> => {
    for (let attempt = 0; ; attempt++) {
      try {
        const store = findStore()
        if (!store) return
        return await recordSelfFinding(store.db, {
          alertId: 'PROCESS-RESTARTED',
          name: `${name} was restarted`,
          description: `The ${name} process ended (${event.how}) and was started again.`,
          severity: 'Medium',
          uniqueKey,
          metadata: { process: name, restarts: String(event.restarts), how: event.how },
        })
      } catch (error) {
        if (attempt === 0) onTrouble(`A restart could not be recorded yet: ${messageOf(error)}`)
        if (stopping.signal.aborted) return
        await sleep(backoffMs(attempt, 200, 5_000), stopping.signal)
      }
    }
  }
  return {
    add: (name, event) => {
      const uniqueKey = `${name}:${event.pid ?? 0}:${Date.now()}`
      queue = queue.then(() => record(name, event, uniqueKey))
    },
    stop: async () => {
      stopping.abort()
      await queue
    },
  }
}

/** All but the secrets of other processes, and where the database is. */
const environmentOf = (url: string, hidden: readonly string[]): NodeJS.ProcessEnv => ({
  ...Object.fromEntries(Object.entries(process.env).filter(([name]) => !hidden.includes(name))),
  DATABASE_URL: url,
  TOCSIN_SUPERVISED: '1',
})

/** Strangers reach the intake: it sees of the database what it needs, wherever a role of its own can be made. */
const findIntakeUrl = async (store: Store, options: SupervisorOptions): Promise<string> => {
  const given = process.env['INTAKE_DATABASE_URL']
  if (given) return given
  try {
    return await openIntakeRole(store.pool, store.url)
  } catch (error) {
    options.onEvent?.(
      `The intake runs as the database's own user, since a role of its own cannot be made: ${messageOf(error)}`,
    )
    return store.url
  }
}

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
  const recorder = createRestartRecorder(
    () => store,
    (text) => options.onEvent?.(text),
  )

  const metrics = createSupervisorMetrics(
    options.meter ?? noMeter,
    [...(options.only ?? PROCESS_NAMES), ...(options.databaseUrl ? [] : ['postgres'])],
    (name) =>
      name === 'postgres'
        ? database?.pid() !== undefined
        : lives.some((life) => life.name === name && life.pid() !== undefined),
  )

  const begin = (name: ProcessName, url: string): ProcessLife => {
    const args = ['run', name, '--config', options.configFile, '--data-dir', options.dataDir]
    if (name === 'watcher' && options.watchesBots) args.push('--watch')
    const life = superviseProcess({
      name,
      args: options.env ? [...args, '--env', options.env] : args,
      program: options.program,
      environment: environmentOf(url, options.hidden?.(name) ?? []),
      onLine: (line) => options.onLine(name, line),
      onRestart: (event) => {
        options.onEvent?.(`${name} ended (${event.how}); starting it again.`)
        metrics.onRestart(name)
        recorder.add(name, event)
      },
      niceness: NICENESS[name] ?? 0,
      ...(options.restartCapMs === undefined ? {} : { restartCapMs: options.restartCapMs }),
    })
    life.over.catch(fail)
    return life
  }

  const stop = async (): Promise<void> => {
    stopping.abort()
    await Promise.all(lives.map((life) => life.stop()))
    await recorder.stop()
    await store?.stop().catch(() => undefined)
    await database?.stop()
  }

  const { signal = stopping.signal } = options
  const refuseAborted = (): void => {
    if (signal.aborted) throw new TocsinError('aborted', 'Stopped while starting.')
  }
  try {
    refuseAborted()
    const running = await startDatabase(options, stopping.signal, {
      onLost: (error) => fail(error),
      onRestart: (event) => {
        metrics.onRestart('postgres')
        recorder.add('postgres', event)
      },
    })
    database = running
    refuseAborted()
    const { url } = running
    const shared = await connectDatabase({ url, name: 'supervisor', poolSize: 2 })
    store = shared
    await migrateDatabase(shared)
    refuseAborted()
    const names = options.only ?? PROCESS_NAMES
    const intakeUrl = names.includes('intake') ? await findIntakeUrl(shared, options) : url
    for (const name of names) lives.push(begin(name, name === 'intake' ? intakeUrl : url))
    const limit = AbortSignal.any([stopping.signal, signal])
    const slow = sleep(START_LIMIT_MS, limit).then(() => {
      refuseAborted()
      throw new TocsinError(
        'process.start_slow',
        `Not every process was ready within ${START_LIMIT_MS / 1000} s.`,
      )
    })
    slow.catch(() => undefined)
    await Promise.race([Promise.all(lives.map((life) => life.ready)), slow])
    return {
      databaseUrl: url,
      databasePid: running.pid,
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

import { type ChildProcess, spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { backoffMs, messageOf, sleep, TocsinError } from '../base/index.ts'
import {
  connectDatabase,
  type EmbeddedPostgres,
  migrateDatabase,
  type Store,
  startEmbeddedPostgres,
} from '../store/index.ts'
import { recordSelfFinding } from '../telemetry/index.ts'

export const PROCESS_NAMES = ['watcher', 'notifier', 'signer', 'indexer', 'console'] as const
export type ProcessName = (typeof PROCESS_NAMES)[number]

export type SupervisedProcess = {
  readonly name: string
  readonly pid: number | undefined
  readonly restarts: number
}

export type Supervisor = {
  /** Postgres that the processes share. */
  readonly databaseUrl: string
  readonly processes: () => readonly SupervisedProcess[]
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

/** A process that lived this long starts again with the shortest pause (ms). */
const STEADY_AFTER_MS = 60_000
const START_LIMIT_MS = 120_000
const STOP_LIMIT_MS = 15_000

/** Exit codes which a restart cannot mend: wrong configuration, port taken. */
const isHopeless = (code: number | null): boolean => code === 2 || code === 4

type Child = {
  process: ChildProcess | undefined
  restarts: number
  startedAtMs: number
  readonly ready: Promise<void>
}

const command = (): readonly string[] => {
  const fromSource = import.meta.url.endsWith('.ts')
  const main = fileURLToPath(new URL(fromSource ? './main.ts' : './main.js', import.meta.url))
  return fromSource ? ['--conditions=tocsin-source', '--import', 'tsx', main] : [main]
}

const readLines = (stream: NodeJS.ReadableStream | null, onLine: (line: string) => void): void => {
  let rest = ''
  stream?.on('data', (chunk: Buffer) => {
    const lines = (rest + chunk.toString()).split('\n')
    rest = (lines.pop() ?? '').slice(-100_000)
    for (const line of lines) onLine(line)
  })
}

/**
 * Runs the processes of one machine, starts again with back-off what dies (each time a finding about ourselves),
 * and ends everything in order. Resolves once every process has said that it is ready.
 * @throws TocsinError `process.start_failed` with the process's own words; nothing half-started stays behind
 */
export const startSupervisor = async (options: SupervisorOptions): Promise<Supervisor> => {
  const stopping = new AbortController()
  const children = new Map<ProcessName, Child>()
  let postgres: EmbeddedPostgres | undefined
  let store: Store | undefined
  let fail: (error: unknown) => void = () => undefined
  const failed = new Promise<never>((_, reject) => {
    fail = reject
  })
  failed.catch(() => undefined)

  const startDatabase = async (): Promise<string> => {
    if (options.databaseUrl) return options.databaseUrl
    postgres = await startEmbeddedPostgres({ dataDir: options.dataDir, adopt: true })
    return postgres.url
  }

  const keepDatabase = async (): Promise<void> => {
    for (let attempt = 0; postgres && !stopping.signal.aborted; ) {
      await postgres.ended
      if (stopping.signal.aborted) return
      options.onEvent?.('Postgres ended; starting it again.')
      try {
        postgres = await startEmbeddedPostgres({ dataDir: options.dataDir, adopt: true })
        attempt = 0
      } catch (error) {
        options.onEvent?.(`Postgres did not start: ${messageOf(error)}`)
        await sleep(backoffMs(attempt++, 500, 10_000), stopping.signal)
      }
    }
  }

  const record = async (
    name: string,
    restarts: number,
    how: string,
    pid: number | undefined,
  ): Promise<void> => {
    if (!store) return
    await recordSelfFinding(store.db, {
      alertId: 'PROCESS-RESTARTED',
      name: `${name} was restarted`,
      description: `The ${name} process ended (${how}) and was started again.`,
      severity: 'Medium',
      uniqueKey: `${name}:${pid ?? 0}:${restarts}:${Date.now()}`,
      metadata: { process: name, restarts: String(restarts), how },
    }).catch((error: unknown) =>
      options.onEvent?.(`A restart could not be recorded: ${messageOf(error)}`),
    )
  }

  const launch = (
    name: ProcessName,
    databaseUrl: string,
    child: Child,
    onReady: () => void,
  ): Promise<{ how: string; code: number | null; said: string }> => {
    const args = [
      ...command(),
      'run',
      name,
      '--config',
      options.configFile,
      '--data-dir',
      options.dataDir,
    ]
    if (options.env) args.push('--env', options.env)
    const spawned = spawn(process.execPath, ['--max-old-space-size=384', ...args], {
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      env: { ...process.env, DATABASE_URL: databaseUrl, TOCSIN_SUPERVISED: '1' },
    })
    child.process = spawned
    child.startedAtMs = Date.now()
    let said = ''
    const onLine = (line: string): void => {
      if (line.startsWith('tocsin: ') || line.startsWith('  '))
        said = `${said}\n${line}`.slice(-4_000)
      options.onLine(name, line)
    }
    readLines(spawned.stdout, onLine)
    readLines(spawned.stderr, onLine)
    spawned.on('message', (message) => {
      if (message === 'ready') onReady()
    })
    return new Promise((resolve) => {
      spawned.once('error', (error) => resolve({ how: messageOf(error), code: null, said }))
      spawned.once('close', (code, signal) =>
        resolve({
          how: signal ? `signal ${signal}` : `exit code ${code}`,
          code,
          said: said.trim(),
        }),
      )
    })
  }

  const supervise = (name: ProcessName, databaseUrl: string): Promise<void> => {
    let isReady = false
    let onReady: () => void = () => undefined
    let onFail: (error: unknown) => void = () => undefined
    const ready = new Promise<void>((resolve, reject) => {
      onReady = () => {
        isReady = true
        resolve()
      }
      onFail = reject
    })
    const child: Child = { process: undefined, restarts: 0, startedAtMs: 0, ready }
    children.set(name, child)
    const run = async (): Promise<void> => {
      for (let attempt = 0; ; attempt++) {
        const { how, code, said } = await launch(name, databaseUrl, child, onReady)
        const pid = child.process?.pid
        child.process = undefined
        if (stopping.signal.aborted) return
        if (!isReady || isHopeless(code)) {
          const error = new TocsinError(
            'process.start_failed',
            said.replace(/^tocsin: /, '') || `The ${name} process did not start (${how}).`,
            {
              exitCode: code && code > 0 ? code : 1,
            },
          )
          onFail(error)
          fail(error)
          return
        }
        if (Date.now() - child.startedAtMs > STEADY_AFTER_MS) attempt = 0
        child.restarts++
        options.onEvent?.(`${name} ended (${how}); starting it again.`)
        await record(name, child.restarts, how, pid)
        await sleep(backoffMs(attempt, 200, 30_000), stopping.signal)
        if (stopping.signal.aborted) return
      }
    }
    run().catch(fail)
    return ready
  }

  const end = async (child: Child): Promise<void> => {
    const running = child.process
    if (!running || running.exitCode !== null || running.signalCode !== null) return
    const gone = new Promise<void>((resolve) => running.once('exit', () => resolve()))
    running.kill('SIGTERM')
    const timer = setTimeout(() => running.kill('SIGKILL'), STOP_LIMIT_MS)
    await gone
    clearTimeout(timer)
  }

  const stop = async (): Promise<void> => {
    stopping.abort()
    await Promise.all([...children.values()].map(end))
    await store?.stop().catch(() => undefined)
    await postgres?.stop()
  }

  try {
    const databaseUrl = await startDatabase()
    store = await connectDatabase({ url: databaseUrl, name: 'supervisor', poolSize: 2 })
    await migrateDatabase(store)
    keepDatabase().catch(fail)
    const names = options.only ?? PROCESS_NAMES
    const limit = sleep(START_LIMIT_MS, stopping.signal).then(() => {
      throw new TocsinError(
        'process.start_slow',
        `Not every process was ready within ${START_LIMIT_MS / 1000} s.`,
      )
    })
    limit.catch(() => undefined)
    await Promise.race([Promise.all(names.map((name) => supervise(name, databaseUrl))), limit])
    return {
      databaseUrl,
      processes: () =>
        [...children].map(([name, child]) => ({
          name,
          pid: child.process?.pid,
          restarts: child.restarts,
        })),
      failed,
      stop,
    }
  } catch (error) {
    await stop()
    throw error
  }
}

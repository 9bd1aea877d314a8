import { createWriteStream, type WriteStream } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { sleep, TocsinError } from '../core/base/index.ts'
import { PROCESS_NAMES, type Supervisor, startSupervisor } from '../core/cli/supervisor.ts'
import { connectDatabase, type Store, tables } from '../core/store/index.ts'

export type Stack = {
  readonly supervisor: Supervisor
  readonly store: Store
  readonly stop: () => Promise<void>
}

export type StackOptions = {
  readonly configFile: string
  readonly dataDir: string
  readonly onProgress: (text: string) => void
  readonly onEvent: (text: string) => void
  readonly signal: AbortSignal
}

const HEALTH_LIMIT_MS = 90_000
const LAST_LINES = 12

const describe = (states: ReadonlyMap<string, string>): string =>
  [...states].map(([name, state]) => `${name} ${state}`).join(', ')

/** Waits until every process says that it is well and the watcher has committed blocks. */
const waitUntilHealthy = async (
  store: Store,
  names: readonly string[],
  options: Pick<StackOptions, 'onProgress' | 'signal'>,
): Promise<void> => {
  const deadline = Date.now() + HEALTH_LIMIT_MS
  for (;;) {
    const rows = await store.db.select().from(tables.processStatus)
    const cursors = await store.db.select().from(tables.chainCursor)
    const states = new Map(
      names.map((name) => {
        const row = rows.find((candidate) => candidate.name === name)
        return [name, row ? (row.reason ? `${row.status} (${row.reason})` : row.status) : 'silent']
      }),
    )
    const isWell = names.every((name) =>
      rows.some((row) => row.name === name && row.status === 'ok'),
    )
    if (isWell && cursors.length > 0) return
    if (options.signal.aborted) throw new TocsinError('aborted', 'Stopped while starting.')
    if (Date.now() > deadline)
      throw new TocsinError(
        'demo.unhealthy',
        `Not every process is well after ${HEALTH_LIMIT_MS / 1000} s: ${describe(states)}.`,
        {
          hints: ['The logs of the processes lie in the folder logs of the data folder.'],
        },
      )
    options.onProgress(`waiting for the processes: ${describe(states)}`)
    await sleep(500, options.signal)
  }
}

/**
 * Starts Postgres and the five processes of Tocsin and waits until all are well. Their logs go into `dataDir/logs`.
 * @throws TocsinError of the process that did not start, or `demo.unhealthy`; nothing stays behind
 */
export const startStack = async (options: StackOptions): Promise<Stack> => {
  const logDir = join(options.dataDir, 'logs')
  await mkdir(logDir, { recursive: true })
  const files = new Map<string, WriteStream>()
  const last: string[] = []
  const onLine = (name: string, line: string): void => {
    const file = files.get(name) ?? createWriteStream(join(logDir, `${name}.log`), { flags: 'a' })
    files.set(name, file)
    file.write(`${line}\n`)
    last.push(`${name}: ${line.slice(0, 300)}`)
    if (last.length > LAST_LINES) last.shift()
  }
  const startedMs = Date.now()
  let isStarting = true
  const tell = async (): Promise<void> => {
    while (isStarting && !options.signal.aborted) {
      options.onProgress(
        `starting Postgres and the processes, ${Math.round((Date.now() - startedMs) / 1000)} s`,
      )
      await sleep(1_000, options.signal)
    }
  }
  const telling = tell()
  const closeLogs = (): void => {
    for (const file of files.values()) file.end()
  }
  let supervisor: Supervisor | undefined
  let store: Store | undefined
  const stop = async (): Promise<void> => {
    await store?.stop().catch(() => undefined)
    await supervisor?.stop()
    closeLogs()
  }
  try {
    supervisor = await startSupervisor({
      configFile: options.configFile,
      dataDir: options.dataDir,
      // Nobody outside reports to the demo.
      only: PROCESS_NAMES.filter((name) => name !== 'intake'),
      onLine,
      onEvent: options.onEvent,
      signal: options.signal,
    })
    store = await connectDatabase({ url: supervisor.databaseUrl, name: 'demo', poolSize: 3 })
    isStarting = false
    await telling
    const names = supervisor.processes().map(({ name }) => name)
    await Promise.race([waitUntilHealthy(store, names, options), supervisor.failed])
    return { supervisor, store, stop }
  } catch (error) {
    isStarting = false
    await stop()
    if (!options.signal.aborted) for (const line of last) options.onEvent(line)
    throw error
  }
}

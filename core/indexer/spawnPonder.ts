import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { cleanText, readLines, redactUrls, TocsinError } from '../base/index.ts'
import type { Logger } from '../telemetry/index.ts'
import type { IndexerEndpoints } from './types.ts'

/** The folder of the package: the first above this file that holds the Ponder app. */
export const findPackageRoot = (): string => {
  let folder = dirname(fileURLToPath(import.meta.url))
  for (let steps = 0; steps < 6; steps++) {
    if (existsSync(join(folder, 'ponder.config.ts'))) return folder
    folder = dirname(folder)
  }
  throw new TocsinError('indexer.no_app', 'ponder.config.ts is missing from this installation.')
}

export type PonderProcess = {
  readonly pid: number | undefined
  /** Resolves with how it ended and its last complaint. */
  readonly ended: Promise<{ readonly how: string; readonly complaint: string }>
  readonly isRunning: () => boolean
  readonly stop: () => Promise<void>
}

const HEAP_MIB = 256
const STOP_LIMIT_MS = 10_000

/** What Ponder must not take from our environment: names of its own that would overrule the arguments. */
const FOREIGN = ['PORT', 'DATABASE_SCHEMA', 'DATABASE_VIEWS_SCHEMA', 'DATABASE_PRIVATE_URL']

const passOn = (line: string, log: Logger, complain: (text: string) => void): void => {
  let entry: Record<string, unknown> = { msg: line }
  try {
    const parsed: unknown = JSON.parse(line)
    if (typeof parsed === 'object' && parsed !== null) entry = { ...parsed }
  } catch {
    // Not every line of Ponder is JSON: Node's own warnings are not.
  }
  const error = entry['error']
  const detail =
    typeof error === 'object' && error !== null && 'message' in error ? `: ${error.message}` : ''
  const text = cleanText(redactUrls(`${String(entry['msg'] ?? '')}${detail}`), 1_000)
  if (!text) return
  const level = String(entry['level'] ?? 'info')
  if (level === 'error' || level === 'fatal' || level === '50' || level === '60') {
    complain(text)
    log.error(text)
  } else if (level === 'warn' || level === '40') log.warn(text)
  else log.debug(text)
}

/** Starts Ponder as a child, which ends when this process does. */
export const spawnPonder = (options: {
  readonly root: string
  /** Ponder writes the GraphQL schema as text here. */
  readonly folder: string
  readonly schema: string
  readonly viewsSchema: string
  readonly host: string
  readonly port: number
  readonly databaseUrl: string
  readonly inputFile: string
  readonly endpoints: IndexerEndpoints
  readonly readerRole: string | undefined
  readonly log: Logger
}): PonderProcess => {
  const fromSource = import.meta.url.endsWith('.ts')
  const launcher = fileURLToPath(
    new URL(fromSource ? './launch.ts' : './launch.js', import.meta.url),
  )
  const loader = fromSource
    ? ['--conditions=tocsin-source', '--import', import.meta.resolve('tsx')]
    : []
  const environment = Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !FOREIGN.includes(name)),
  )
  const child: ChildProcess = spawn(
    process.execPath,
    [
      `--max-old-space-size=${HEAP_MIB}`,
      ...loader,
      launcher,
      options.root,
      options.schema,
      options.viewsSchema,
      options.host,
      String(options.port),
    ],
    {
      cwd: options.folder,
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      env: {
        ...environment,
        // In production Ponder hides why it refuses a query.
        NODE_ENV: 'indexer',
        DATABASE_URL: options.databaseUrl,
        PONDER_TELEMETRY_DISABLED: '1',
        TOCSIN_INDEXER_INPUT: options.inputFile,
        TOCSIN_INDEXER_ENDPOINTS: JSON.stringify(options.endpoints),
        ...(options.readerRole ? { TOCSIN_READER_ROLE: options.readerRole } : {}),
      },
    },
  )
  let complaint = ''
  const onLine = (line: string): void => passOn(line, options.log, (text) => (complaint = text))
  readLines(child.stdout, onLine)
  readLines(child.stderr, onLine)
  const isRunning = (): boolean => child.exitCode === null && child.signalCode === null
  const ended = new Promise<{ how: string; complaint: string }>((resolve) => {
    child.once('error', (error) => resolve({ how: error.message, complaint }))
    child.once('close', (code, signal) =>
      resolve({ how: signal ? `signal ${signal}` : `exit code ${code}`, complaint }),
    )
  })
  return {
    pid: child.pid,
    ended,
    isRunning,
    stop: async () => {
      if (isRunning()) child.kill('SIGTERM')
      const timer = setTimeout(() => child.kill('SIGKILL'), STOP_LIMIT_MS)
      await ended
      clearTimeout(timer)
    },
  }
}

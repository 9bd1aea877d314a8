import { type ChildProcess, spawn } from 'node:child_process'
import { setPriority } from 'node:os'
import { fileURLToPath } from 'node:url'
import { backoffMs, messageOf, readLines, sleep, TocsinError } from '../base/index.ts'
import { BLOCKED_SIGNAL, EXIT } from './exitCodes.ts'
import { watchLifeSigns } from './lifeSigns.ts'

export type ProcessLife = {
  readonly name: string
  readonly pid: () => number | undefined
  readonly restarts: () => number
  /** Resolves at the first `ready`; rejects when the process ends before it. */
  readonly ready: Promise<void>
  /** Resolves when the process is gone for good; rejects when it failed for a reason that a restart cannot mend. */
  readonly over: Promise<void>
  readonly stop: () => Promise<void>
}

export type ProcessLifeOptions = {
  readonly name: string
  /** Arguments of `tocsin`. */
  readonly args: readonly string[]
  /** Arguments of node that run `tocsin`. Default: the program that is running. */
  readonly program?: readonly string[] | undefined
  readonly environment: NodeJS.ProcessEnv
  /** How far it steps back for others when processors are scarce: 0 to 19, as `nice` has it. Default: 0. */
  readonly niceness?: number
  readonly onLine: (line: string) => void
  readonly onRestart: (event: {
    readonly how: string
    readonly pid: number | undefined
    readonly restarts: number
  }) => void
  /** Longest pause between two lives (ms). Default: 30000. */
  readonly restartCapMs?: number
}

/** A process that lived this long starts again with the shortest pause (ms). */
const STEADY_AFTER_MS = 60_000
const STOP_LIMIT_MS = 15_000
const HEAP_MIB = 384

/**
 * A wrong configuration: a restart cannot mend it. A taken port can be one, once the process has run: a killed
 * predecessor's own child may listen for a moment longer.
 */
const isHopeless = (code: number | null): boolean => code === 2

/** The process went down with a bot, which is left out of that block next time: nothing is to be waited for. */
const isBlocked = (ending: {
  readonly code: number | null
  readonly signal: string | null
}): boolean => ending.code === EXIT.botBlocked || ending.signal === BLOCKED_SIGNAL

const command = (): readonly string[] => {
  const fromSource = import.meta.url.endsWith('.ts')
  const main = fileURLToPath(new URL(fromSource ? './main.ts' : './main.js', import.meta.url))
  return fromSource ? ['--conditions=tocsin-source', '--import', 'tsx', main] : [main]
}

type Ending = {
  /** Lines of the complaint that were not passed on yet. */
  readonly held: readonly string[]
  readonly how: string
  readonly code: number | null
  readonly signal: string | null
  readonly complaint: string
}

const describeEnd = (code: number | null, signal: string | null): string => {
  if (isBlocked({ code, signal })) return 'a bot blocked or ended it'
  return signal ? `signal ${signal}` : `exit code ${code}`
}

const stepBack = (child: ChildProcess, niceness: number): void => {
  try {
    if (child.pid !== undefined) setPriority(child.pid, niceness)
  } catch {
    // Where the system does not allow it, or the process is gone already, everything runs as usual.
  }
}

const spawnOnce = (
  options: ProcessLifeOptions,
  onReady: () => void,
  isReady: () => boolean,
): { readonly child: ChildProcess; readonly ended: Promise<Ending> } => {
  const child = spawn(
    process.execPath,
    [`--max-old-space-size=${HEAP_MIB}`, ...(options.program ?? command()), ...options.args],
    {
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      env: options.environment,
    },
  )
  if (options.niceness) stepBack(child, options.niceness)
  // What the process says in clear words before it ends (see printError) is what the operator gets to read: once, by
  // the error with which the start fails.
  let complaint = ''
  const held: string[] = []
  const onLine = (line: string): void => {
    const begins = line.startsWith('tocsin: ')
    const goesOn = !begins && complaint !== '' && line.startsWith('  ')
    if (begins) complaint = line.slice('tocsin: '.length)
    else if (goesOn) complaint = `${complaint}\n${line}`.slice(-4_000)
    if ((begins || goesOn) && !isReady()) held.push(line)
    else options.onLine(line)
  }
  readLines(child.stdout, onLine)
  readLines(child.stderr, onLine)
  child.on('message', (message) => {
    if (message === 'ready') onReady()
  })
  watchLifeSigns(child, {
    onSilent: (silentMs) => {
      const seconds = Math.round(silentMs / 1_000)
      options.onLine(
        `tocsin: The ${options.name} gave no sign of life for ${seconds} s; it is ended.`,
      )
      child.kill('SIGKILL')
    },
  })
  const ended = new Promise<Ending>((resolve) => {
    child.once('error', (error) =>
      resolve({ how: messageOf(error), code: null, signal: null, complaint, held }),
    )
    child.once('close', (code, signal) =>
      resolve({ how: describeEnd(code, signal), code, signal, complaint, held }),
    )
  })
  return { child, ended }
}

const startFailure = (name: string, ending: Ending): TocsinError =>
  new TocsinError(
    'process.start_failed',
    ending.complaint || `The ${name} process did not start (${ending.how}).`,
    {
      exitCode: ending.code !== null && ending.code > 0 ? ending.code : 1,
    },
  )

/** Runs one process of Tocsin and starts it again with back-off, each time it ends, until `stop`. */
export const superviseProcess = (options: ProcessLifeOptions): ProcessLife => {
  const stopping = new AbortController()
  let child: ChildProcess | undefined
  let restarts = 0
  let isReady = false
  let resolveReady: () => void = () => undefined
  let rejectReady: (error: unknown) => void = () => undefined
  const ready = new Promise<void>((resolve, reject) => {
    resolveReady = resolve
    rejectReady = reject
  })
  ready.catch(() => undefined)
  const onReady = (): void => {
    isReady = true
    resolveReady()
  }

  /** One life; how it ended when the process should live again. */
  const live = async (): Promise<Ending | undefined> => {
    const started = spawnOnce(options, onReady, () => isReady)
    child = started.child
    const ending = await started.ended
    const { pid } = child
    child = undefined
    if (stopping.signal.aborted) return undefined
    if ((!isReady && !isBlocked(ending)) || isHopeless(ending.code)) {
      const failure = startFailure(options.name, ending)
      rejectReady(failure)
      throw failure
    }
    for (const line of ending.held) options.onLine(line)
    restarts++
    options.onRestart({ how: ending.how, pid, restarts })
    return ending
  }

  const run = async (): Promise<void> => {
    let attempt = 0
    for (;;) {
      const startedAtMs = Date.now()
      const ending = await live()
      if (!ending) return
      const isSteady = Date.now() - startedAtMs > STEADY_AFTER_MS
      attempt = isSteady || isBlocked(ending) ? 0 : attempt + 1
      await sleep(backoffMs(attempt, 100, options.restartCapMs ?? 30_000), stopping.signal)
      if (stopping.signal.aborted) return
    }
  }
  const over = run()
  over.catch(() => undefined)

  return {
    name: options.name,
    pid: () => child?.pid,
    restarts: () => restarts,
    ready,
    over,
    stop: async () => {
      stopping.abort()
      child?.kill('SIGTERM')
      const timer = setTimeout(() => child?.kill('SIGKILL'), STOP_LIMIT_MS)
      await over.catch(() => undefined)
      clearTimeout(timer)
    },
  }
}

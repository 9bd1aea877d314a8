import { url as debuggerUrl } from 'node:inspector'
import { Worker } from 'node:worker_threads'
import { createLoop, messageOf } from '../base/index.ts'
import { type BotMarks, createBotMarks } from './botMarks.ts'
import type { EngineBot } from './engineBot.ts'
import { AT, viewMarks } from './markLayout.ts'
import type { WatchdogInput, WatchdogMessage } from './watchdogThread.ts'

/** A thread beside the main one that ends the process when a bot does not let go of it. */
export type Watchdog = {
  readonly marks: BotMarks
  /** Resolves once it watches, or cannot (then `onError` was told). */
  readonly ready: Promise<void>
  /** From now on the process may end without anybody asking why. */
  readonly stop: () => Promise<void>
}

export type WatchdogOptions = {
  /** Where the deaths are written down; without it they are only told of. */
  readonly databaseUrl?: string
  /** Exit code of a process that a bot ended, and of one that it blocked where there is no `signal`. */
  readonly exitCode: number
  /** The signal by which a blocked process ends at once. Default: it leaves with `exitCode`. */
  readonly signal?: NodeJS.Signals
  /** How it speaks on stderr. Default: `log`, as the process's own log. */
  readonly voice?: WatchdogInput['voice']
  /** What this process calls itself. */
  readonly service: string
  readonly fileOf?: (definition: EngineBot['definition']) => string | undefined
  readonly onError: (message: string) => void
  /** Beyond a handler's own limit (ms). Default: 1000. */
  readonly marginMs?: number
  /** For how long nothing at all may run where no bot is at work (ms). Default: 60000. */
  readonly outsideMs?: number
}

const BEAT_MS = 100
const EXPLAIN_LIMIT_MS = 12_000
/** `EXIT_ANSWER.bot`; the thread's own module must not be loaded here. */
const BOT_DID_IT = 2

/** Node does not load sources in a thread, not even where the main thread was told how. */
const startThread = (workerData: WatchdogInput): Worker => {
  if (!import.meta.url.endsWith('.ts'))
    return new Worker(new URL('./watchdogThread.js', import.meta.url), { workerData })
  const source = new URL('./watchdogThread.ts', import.meta.url).href
  const loader = import.meta.resolve('tsx/esm/api')
  return new Worker(
    `import('${loader}').then(({ register }) => { register(); return import('${source}') })`,
    { workerData, eval: true },
  )
}

/** Starts the watchdog of this process. Under a debugger, which stops the thread by right, there is none. */
export const createWatchdog = (options: WatchdogOptions): Watchdog => {
  let worker: Worker | undefined
  const send = (message: WatchdogMessage): void => worker?.postMessage(message)
  const marks = createBotMarks({
    onBot: (bot) => send({ kind: 'bot', bot }),
    ...(options.fileOf ? { fileOf: options.fileOf } : {}),
  })
  if (debuggerUrl() !== undefined)
    return { marks, ready: Promise.resolve(), stop: async () => undefined }
  const { ints } = viewMarks(marks.buffer)
  const input: WatchdogInput = {
    buffer: marks.buffer,
    databaseUrl: options.databaseUrl,
    signal: options.signal,
    voice: options.voice ?? 'log',
    service: options.service,
    marginMs: options.marginMs ?? 1_000,
    outsideMs: options.outsideMs ?? 60_000,
  }
  const thread = startThread(input)
  worker = thread
  thread.unref()
  const ready = new Promise<void>((resolve) => {
    thread.on('message', (message) => {
      if (message === 'ready') return resolve()
      // The loop has its turn again, after what blocked it was broken off.
      process.off('exit', onExit)
      process.exit(options.exitCode)
    })
    thread.on('error', (error) => {
      options.onError(`The watchdog ended: ${messageOf(error)}. A bot that blocks is not noticed.`)
      resolve()
    })
    thread.once('exit', () => resolve())
  })
  const beating = createLoop(async () => marks.beat(), {
    pauseMs: BEAT_MS,
    onError: (error) => options.onError(messageOf(error)),
  })

  let fault = ''
  const onFault = (error: unknown): void => {
    fault = error instanceof Error ? String(error.stack) : ''
  }
  const onExit = (code: number): void => {
    const stack = fault || String(new Error('exit').stack)
    send({ kind: 'exit', code, stack: stack.slice(0, 20_000) })
    Atomics.wait(ints, AT.answer, 0, EXPLAIN_LIMIT_MS)
    // Whatever code the bot chose: it must not be taken for a word of the process itself.
    if (Atomics.load(ints, AT.answer) === BOT_DID_IT) process.exitCode = options.exitCode
  }
  process.on('uncaughtExceptionMonitor', onFault)
  process.on('exit', onExit)

  return {
    marks,
    ready,
    stop: async () => {
      await beating.stop()
      process.off('uncaughtExceptionMonitor', onFault)
      process.off('exit', onExit)
      worker = undefined
      await thread.terminate()
    },
  }
}

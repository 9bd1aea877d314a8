import { type ChildProcess, spawn } from 'node:child_process'
import type { Duplex, Readable } from 'node:stream'
import { cleanText, TocsinError } from '../../base/index.ts'
import { encodeFrame, readFrames } from '../child/frames.ts'
import type { FromChild, ReadyMessage, StartMessage } from '../child/protocol.ts'
import { findChildScript } from './childScript.ts'

/** A child that runs one bot; over once it has ended, whatever the reason. */
export type BotProcess = {
  readonly pid: number
  readonly ready: ReadyMessage
  /** Sends one message, given as JSON. */
  readonly send: (json: string) => void
  /** Why it has ended; undefined while it runs. */
  readonly ended: () => string | undefined
  /** Ends it at once and waits until it is gone. */
  readonly kill: (reason: string) => Promise<void>
}

export type BotProcessOptions = {
  readonly dir: string
  readonly start: Omit<StartMessage, 'kind'>
  readonly environment: NodeJS.ProcessEnv
  /** Longest that loading the bot and its `initialize` may take (ms). */
  readonly startMs: number
  readonly onMessage: (message: FromChild) => void
  readonly onEnd: (reason: string) => void
  /** What the bot prints, line by line. */
  readonly onOutput: (line: string) => void
}

/**
 * Events of a block are soon garbage: a small young generation keeps a bot at 50 MiB of its own instead of 77, and
 * threads of the garbage collector, of which each process would have four, gain a bot nothing.
 */
const NODE_FLAGS = ['--max-semi-space-size=2', '--v8-pool-size=0']

/** Kept of what a bot printed on stderr, for the reason of its end (characters). */
const TAIL = 2_000
const MOST_LINE = 4_000

const readLines = (stream: Readable, onLine: (line: string) => void): void => {
  let rest = ''
  stream.setEncoding('utf8')
  stream.on('data', (chunk: string) => {
    const lines = (rest + chunk).split('\n')
    rest = (lines.pop() ?? '').slice(-MOST_LINE)
    for (const line of lines) onLine(line.slice(0, MOST_LINE))
  })
}

const isDuplex = (stream: unknown): stream is Duplex =>
  typeof stream === 'object' && stream !== null && 'write' in stream && 'read' in stream

const listen = (
  child: ChildProcess,
  options: BotProcessOptions,
): { readonly socket: Duplex; readonly tail: () => string } => {
  let tail = ''
  const socket = child.stdio[3]
  if (!isDuplex(socket) || !child.stdout || !child.stderr)
    throw new TocsinError('forta.start_failed', 'The process of the bot has no connection to us.')
  readLines(child.stdout, options.onOutput)
  readLines(child.stderr, (line) => {
    tail = `${tail}${line}\n`.slice(-TAIL)
    options.onOutput(line)
  })
  return { socket, tail: () => tail.trim() }
}

const reasonOf = (code: number | null, signal: string | null, tail: string): string => {
  const how = signal === null ? `it ended by itself with code ${code}` : `it was ended by ${signal}`
  const last = tail.split('\n').find((line) => /error/i.test(line)) ?? tail.split('\n').at(-1)
  return last ? `${how} (${cleanText(last, 200)})` : how
}

/**
 * Starts the process of a bot and waits until the bot is loaded and initialized.
 * @throws TocsinError `forta.start_failed` with what the bot said
 */
export const createBotProcess = async (options: BotProcessOptions): Promise<BotProcess> => {
  const script = await findChildScript()
  const child = spawn(process.execPath, [...NODE_FLAGS, script], {
    cwd: options.dir,
    env: options.environment,
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
  })
  let end: string | undefined
  let killed: string | undefined
  const failed = (reason: string): TocsinError =>
    new TocsinError('forta.start_failed', `The bot does not start: ${cleanText(reason, 600)}`, {
      hints: [`Try it alone: \`tocsin forta test ${options.dir}\`.`],
    })
  const gone = new Promise<void>((resolve) => {
    child.once('close', () => resolve())
    child.once('error', () => resolve())
  })
  const kill = async (reason: string): Promise<void> => {
    killed ??= reason
    if (end === undefined) child.kill('SIGKILL')
    await gone
  }
  try {
    const { socket, tail } = listen(child, options)
    let onReady: (message: ReadyMessage) => void = () => undefined
    let onFailure: (error: TocsinError) => void = () => undefined
    const ready = new Promise<ReadyMessage>((resolve, reject) => {
      onReady = resolve
      onFailure = reject
    })
    const finish = (reason: string): void => {
      if (end !== undefined) return
      end = killed ?? reason
      onFailure(failed(end))
      options.onEnd(end)
    }
    child.once('error', (error) => finish(error.message))
    child.once('close', (code, signal) => finish(reasonOf(code, signal, tail())))
    // What is written to a process that is just ending is told by its end.
    socket.on('error', () => undefined)
    readFrames(socket, (raw) => {
      const message = raw as FromChild
      if (message.kind === 'ready') onReady(message)
      else if (message.kind === 'failed') void kill(message.error)
      else options.onMessage(message)
    })
    const send = (json: string): void => void socket.write(encodeFrame(json))
    const timer = setTimeout(
      () => void kill(`it was not ready after ${options.startMs} ms`),
      options.startMs,
    )
    try {
      const start: StartMessage = { kind: 'start', ...options.start }
      send(JSON.stringify(start))
      const said = await ready
      return { pid: child.pid ?? 0, ready: said, send, ended: () => end, kill }
    } finally {
      clearTimeout(timer)
    }
  } catch (error) {
    await kill('it could not be started')
    throw error
  }
}

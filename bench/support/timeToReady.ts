import { execFile, spawn } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'
import { promisify } from 'node:util'

const run = promisify(execFile)
const TICKS_PER_S = 100
const STOP_LIMIT_MS = 15_000

/** Processor time that a process and everything it started have used so far (s), the ended ones among them. */
export const processorTime = async (root: number): Promise<number> => {
  const { stdout } = await run('ps', ['-eo', 'pid=,ppid='], { timeout: 10_000 })
  const rows = stdout
    .trim()
    .split('\n')
    .map((line) => line.trim().split(/\s+/).map(Number))
  const tree = (pid: number): readonly number[] => [
    pid,
    ...rows.flatMap(([child = 0, parent]) => (parent === pid ? tree(child) : [])),
  ]
  const ticks = await Promise.all(
    tree(root).map(async (pid) => {
      const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '')
      // Fields 14 to 17: its own user and system time, and that of children it has waited for.
      const fields = stat
        .slice(stat.lastIndexOf(')') + 2)
        .split(' ')
        .slice(11, 15)
      return fields.reduce((sum, field) => sum + (Number(field) || 0), 0)
    }),
  )
  return ticks.reduce((sum, value) => sum + value, 0) / TICKS_PER_S
}

export type ReadyRun = {
  /** From the spawn to the first 200 of `/ready`. */
  readonly wallS: number
  /** Processor time of the program's processes until then. */
  readonly cpuS: number
  readonly stop: () => Promise<void>
}

/** Starts a program and waits until `url` answers 200. A program that ends or takes longer than `limitS` is an error. */
export const timeToReady = async (
  command: readonly string[],
  options: {
    readonly url: string
    readonly cwd?: string
    readonly environment: NodeJS.ProcessEnv
    readonly limitS: number
  },
): Promise<ReadyRun> => {
  const [program, ...args] = command
  if (program === undefined) throw new Error('no program')
  const startedMs = performance.now()
  const child = spawn(program, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: options.environment,
    ...(options.cwd ? { cwd: options.cwd } : {}),
  })
  let output = ''
  const keep = (chunk: Buffer): void => {
    output = (output + chunk.toString()).slice(-4_000)
  }
  child.stdout.on('data', keep)
  child.stderr.on('data', keep)
  const ended = new Promise<void>((resolve) => {
    child.once('error', () => resolve())
    child.once('close', () => resolve())
  })
  const isRunning = (): boolean => child.exitCode === null && child.signalCode === null
  const stop = async (): Promise<void> => {
    if (isRunning()) child.kill('SIGTERM')
    const timer = setTimeout(() => child.kill('SIGKILL'), STOP_LIMIT_MS)
    await ended
    clearTimeout(timer)
  }
  while (isRunning() && performance.now() - startedMs < options.limitS * 1_000) {
    const answer = await fetch(options.url, { signal: AbortSignal.timeout(5_000) }).catch(
      () => undefined,
    )
    const wallS = (performance.now() - startedMs) / 1_000
    if (answer?.ok) return { wallS, cpuS: await processorTime(child.pid ?? 0), stop }
    await delay(25)
  }
  await stop()
  throw new Error(`${args.slice(0, 3).join(' ')} did not become ready: ${output}`)
}

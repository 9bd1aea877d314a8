import { spawn } from 'node:child_process'
import { readFile } from 'node:fs/promises'

export type TimedRun = {
  readonly wallS: number
  readonly exitCode: number | null
  readonly stdout: string
  readonly stderr: string
  /** Processor time of the program and the processes that it waited for. */
  readonly cpuS: number
  /** How often `mark` stands in its output. */
  readonly marks: number
  /** Which part of its marks it wrote in a second, between the first of them and the last; NaN without `mark`. */
  readonly steadyShareS: number
  /** Highest resident memory of the process while it was sampled, MiB. */
  readonly peakMib: number
}

/** Processor time of all children that ended so far, their own children included (s). */
const childrenCpuS = async (): Promise<number> => {
  const stat = await readFile('/proc/self/stat', 'utf8')
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[13]) + Number(fields[14])) / 100
}

/** Runs a program to its end, sampling its resident memory. Killed after `limitS`. */
export const runTimed = async (
  command: readonly string[],
  options: {
    readonly cwd?: string
    readonly environment?: NodeJS.ProcessEnv
    readonly limitS?: number
    /** Stands in the output once for each unit of work. */
    readonly mark?: string
  },
): Promise<TimedRun> => {
  const [program, ...args] = command
  if (program === undefined) throw new Error('no program')
  const { mark } = options
  const cpuBeforeS = await childrenCpuS()
  const startedMs = performance.now()
  const child = spawn(program, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    ...(options.cwd ? { cwd: options.cwd } : {}),
    ...(options.environment ? { env: options.environment } : {}),
  })
  let stdout = ''
  let stderr = ''
  let peakMib = 0
  const first = { count: 0, atMs: 0 }
  const last = { count: 0, atMs: 0 }
  let counted = 0
  const count = (): void => {
    if (mark === undefined) return
    const fresh = stdout.slice(counted).split(mark).length - 1
    if (fresh === 0) return
    counted = stdout.lastIndexOf(mark) + mark.length
    last.count += fresh
    last.atMs = performance.now()
    if (first.count === 0) Object.assign(first, last)
  }
  child.stdout.on('data', (chunk: Buffer) => {
    stdout += chunk.toString()
    count()
  })
  child.stderr.on('data', (chunk: Buffer) => {
    stderr = (stderr + chunk.toString()).slice(-20_000)
  })
  const sampler = setTimeout(function sample() {
    readFile(`/proc/${child.pid}/status`, 'utf8')
      .then((status) => {
        const kib = Number(/VmHWM:\s+(\d+)/.exec(status)?.[1] ?? 0)
        peakMib = Math.max(peakMib, kib / 1024)
      })
      .catch(() => undefined)
    sampler.refresh()
  }, 100)
  const limit = setTimeout(() => child.kill('SIGKILL'), (options.limitS ?? 300) * 1000)
  const exitCode = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', resolve)
  })
  clearTimeout(sampler)
  clearTimeout(limit)
  const wallS = (performance.now() - startedMs) / 1000
  const share = last.count > 0 ? (last.count - first.count) / last.count : Number.NaN
  return {
    wallS,
    cpuS: (await childrenCpuS()) - cpuBeforeS,
    marks: last.count,
    steadyShareS: share / ((last.atMs - first.atMs) / 1_000),
    exitCode,
    stdout,
    stderr,
    peakMib,
  }
}

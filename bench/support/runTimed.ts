import { spawn } from 'node:child_process'
import { readFile } from 'node:fs/promises'

export type TimedRun = {
  readonly wallS: number
  readonly exitCode: number | null
  readonly stdout: string
  readonly stderr: string
  /** Highest resident memory of the process while it was sampled, MiB. */
  readonly peakMib: number
}

/** Runs a program to its end, sampling its resident memory. Killed after `limitS`. */
export const runTimed = async (
  command: readonly string[],
  options: {
    readonly cwd?: string
    readonly environment?: NodeJS.ProcessEnv
    readonly limitS?: number
  },
): Promise<TimedRun> => {
  const [program, ...args] = command
  if (program === undefined) throw new Error('no program')
  const startedMs = performance.now()
  const child = spawn(program, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    ...(options.cwd ? { cwd: options.cwd } : {}),
    ...(options.environment ? { env: options.environment } : {}),
  })
  let stdout = ''
  let stderr = ''
  let peakMib = 0
  child.stdout.on('data', (chunk: Buffer) => {
    stdout += chunk.toString()
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
  return { wallS: (performance.now() - startedMs) / 1000, exitCode, stdout, stderr, peakMib }
}

import { execFile } from 'node:child_process'
import { setTimeout as delay } from 'node:timers/promises'
import { promisify } from 'node:util'
import { leftBehind } from '../../test/support/leftBehind.ts'

const run = promisify(execFile)
/** Longest orderly end (ms); what stands after it is killed. */
const ORDERLY_MS = 10_000

/** Process ids of everything that this process started, and they, deepest first. */
const listDescendants = async (): Promise<readonly number[]> => {
  const { stdout } = await run('ps', ['-A', '-o', 'pid=,ppid='])
  const pairs = stdout
    .split('\n')
    .map((line) => line.trim().split(/\s+/).map(Number))
    .flatMap(([pid, parent]) => (pid && parent !== undefined ? [{ pid, parent }] : []))
  const found: number[] = []
  for (const queue = [process.pid]; queue.length > 0; ) {
    const parent = queue.shift()
    const children = pairs.filter((each) => each.parent === parent).map(({ pid }) => pid)
    queue.push(...children)
    found.push(...children)
  }
  return found.reverse()
}

const signalAll = (pids: readonly number[], signal: NodeJS.Signals): void => {
  for (const pid of pids) {
    try {
      process.kill(pid, signal)
    } catch {
      // It is gone already, which is what is wanted.
    }
  }
}

const endAll = async (): Promise<void> => {
  const before = await listDescendants().catch(() => [])
  const orderly = Promise.allSettled([...leftBehind].map((end) => end()))
  await Promise.race([orderly, delay(ORDERLY_MS, undefined, { ref: false })])
  const rest = await listDescendants().catch(() => before)
  signalAll(rest, 'SIGTERM')
  if (rest.length > 0) await delay(500)
  signalAll(await listDescendants().catch(() => rest), 'SIGKILL')
}

/** From now on SIGINT and SIGTERM end all that this program started, by process id, before the program itself. */
export const endOnSignal = (): void => {
  let isEnding = false
  for (const [signal, code] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)
    process.on(signal, () => {
      if (isEnding) return
      isEnding = true
      // What the bench is about falls over now that its ground goes: that must not cut the ending short.
      process.on('uncaughtException', () => undefined)
      process.on('unhandledRejection', () => undefined)
      void endAll().finally(() => process.exit(code))
    })
}

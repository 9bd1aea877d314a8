import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { promisify } from 'node:util'

export type MemoryUse = { readonly name: string; readonly bytes: number }

const run = promisify(execFile)

type Row = { readonly pid: number; readonly parent: number; readonly rssBytes: number }

const listProcesses = async (): Promise<readonly Row[]> => {
  const { stdout } = await run('ps', ['-eo', 'pid=,ppid=,rss='], { timeout: 10_000 })
  return stdout
    .trim()
    .split('\n')
    .map((line) => {
      const [pid = 0, parent = 0, rss = 0] = line.trim().split(/\s+/).map(Number)
      return { pid, parent, rssBytes: rss * 1024 }
    })
}

/** Processes of Postgres share their buffers; each gets its share where the system tells it. */
const shareOf = async (row: Row): Promise<number> => {
  const text = await readFile(`/proc/${row.pid}/smaps_rollup`, 'utf8').catch(() => '')
  const pss = /^Pss:\s+(\d+) kB/m.exec(text)?.[1]
  return pss === undefined ? row.rssBytes : Number(pss) * 1024
}

/**
 * Resident memory of each named process together with everything it started. Shared pages of one name are counted once
 * where the system says so (Linux), else once per process.
 */
export const measureMemory = async (
  roots: readonly {
    readonly name: string
    readonly pid: number | undefined
    /** Without what it started. */
    readonly isAlone?: boolean
  }[],
): Promise<readonly MemoryUse[]> => {
  const rows = await listProcesses()
  const named = new Set(roots.map(({ pid }) => pid))
  const tree = (pid: number): readonly Row[] => [
    ...rows.filter((row) => row.pid === pid),
    ...rows
      .filter((row) => row.parent === pid && !named.has(row.pid))
      .flatMap((row) => tree(row.pid)),
  ]
  const uses: MemoryUse[] = []
  for (const { name, pid, isAlone } of roots) {
    if (pid === undefined) continue
    const family = isAlone ? rows.filter((row) => row.pid === pid) : tree(pid)
    const single = family.length === 1
    const sizes = await Promise.all(
      family.map(async (row) => (single ? row.rssBytes : shareOf(row))),
    )
    uses.push({ name, bytes: sizes.reduce((sum, size) => sum + size, 0) })
  }
  return uses
}

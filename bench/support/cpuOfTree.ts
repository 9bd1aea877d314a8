import { readdir, readFile } from 'node:fs/promises'

/** Clock ticks a second of Linux. */
const TICKS_PER_S = 100

type Row = { readonly pid: number; readonly parent: number; readonly ms: number }

const readRow = async (pid: string): Promise<Row | undefined> => {
  // It may be gone by now.
  const text = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined)
  // The name before the bracket may hold anything.
  const fields = text?.slice(text.lastIndexOf(')') + 2).split(' ')
  if (!fields) return undefined
  // Its own time, and that of children which it has seen end.
  const ticks = fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0)
  return { pid: Number(pid), parent: Number(fields[1]), ms: (ticks * 1_000) / TICKS_PER_S }
}

/** Processor time that a process and all below it have used so far (ms); NaN where there is no `/proc`. */
export const cpuOfTree = async (root: number): Promise<number> => {
  const names = await readdir('/proc').catch(() => [])
  const read = await Promise.all(names.filter((name) => /^\d+$/.test(name)).map(readRow))
  const rows = read.filter((row) => row !== undefined)
  if (!rows.some(({ pid }) => pid === root)) return Number.NaN
  const tree = new Set([root])
  for (let size = 0; size !== tree.size; ) {
    size = tree.size
    for (const { pid, parent } of rows) if (tree.has(parent)) tree.add(pid)
  }
  return rows.reduce((sum, { pid, ms }) => (tree.has(pid) ? sum + ms : sum), 0)
}

import { cleanText, TocsinError } from '../base/index.ts'
import type { Place } from './types.ts'

/** One thing that is wrong with the watchlist. */
export type Fault = Place & {
  /** Dotted path, e.g. `watch[usdc].address`; empty for the file as a whole. */
  readonly path: string
  /** What is wrong, without a full stop. */
  readonly problem: string
  /** How to mend it, one sentence. */
  readonly mend: string
}

/** What a stranger or a file wrote, fit to be shown: one line of bounded length. */
export const shown = (text: unknown, limit = 80): string => cleanText(String(text), limit)

/** `file:line:column: path: what is wrong. mend` */
export const faultLine = (fault: Fault): string => {
  const where = `${fault.file}:${fault.line}:${fault.column}: `
  const path = fault.path ? `${shown(fault.path, 160)}: ` : ''
  return `${where}${path}${fault.problem}. ${fault.mend}`.trimEnd()
}

/** The error that carries every fault found in one pass, in the order in which they stand in the files. */
export class ConfigError extends TocsinError {
  readonly faults: readonly Fault[]

  constructor(faults: readonly Fault[]) {
    const files = [...new Set(faults.map((fault) => fault.file))]
    const rank = (fault: Fault): number => files.indexOf(fault.file)
    const seen = new Set<string>()
    const ordered = [...faults]
      .sort((a, b) => rank(a) - rank(b) || a.line - b.line || a.column - b.column)
      .filter((fault) => {
        const line = faultLine(fault)
        if (seen.has(line)) return false
        seen.add(line)
        return true
      })
    const count = ordered.length === 1 ? '1 fault' : `${ordered.length} faults`
    super('config.invalid', `${files.join(' and ')}: ${count} found; nothing was started.`, {
      hints: ordered.map(faultLine),
      exitCode: 2,
    })
    this.faults = ordered
  }
}

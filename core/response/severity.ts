import type { FindingSeverity } from '../base/index.ts'

const RANK: Readonly<Record<string, number>> = { Critical: 4, High: 3, Medium: 2, Low: 1, Info: 0 }

/** True when `severity` is at least `minimum`. An unknown word is below everything. */
export const isAtLeast = (severity: string, minimum: FindingSeverity): boolean =>
  (RANK[severity] ?? -1) >= (RANK[minimum] ?? 5)

/** Nearest-rank percentile; p in (0, 100]. */
export const percentile = (values: readonly number[], p: number): number => {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.max(0, Math.ceil((p / 100) * sorted.length) - 1)] ?? Number.NaN
}

export const median = (values: readonly number[]): number => percentile(values, 50)

/** Aligned columns on stdout. */
export const printTable = (rows: readonly (readonly string[])[]): void => {
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(...rows.map((row) => row[column]?.length ?? 0)),
  )
  for (const row of rows)
    console.log(
      `  ${row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd()}`,
    )
}

/** One promise held against its target; a bench ends with exit code 1 when a full run misses one. */
export type Verdict = {
  readonly what: string
  readonly measured: string
  readonly target: string
  readonly ok: boolean
}

export const printVerdicts = (verdicts: readonly Verdict[]): void =>
  printTable(
    verdicts.map(({ what, measured, target, ok }) => [
      ok ? 'ok  ' : 'MISS',
      what,
      measured,
      `target ${target}`,
    ]),
  )

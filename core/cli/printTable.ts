import { cleanText } from '../base/index.ts'

export type Column<T> = {
  readonly title: string
  readonly of: (row: T) => string
  readonly max?: number
}

/** Writes rows as aligned text, each cell cleaned and bounded (default: 60 characters). The last column is not padded. */
export const printTable = <T>(
  rows: readonly T[],
  columns: readonly Column<T>[],
  none: string,
): void => {
  if (rows.length === 0) {
    process.stdout.write(`${none}\n`)
    return
  }
  const cells = [
    columns.map(({ title }) => title),
    ...rows.map((row) => columns.map(({ of, max }) => cleanText(of(row), max ?? 60))),
  ]
  const widths = columns.map((_, at) => Math.max(...cells.map((line) => line[at]?.length ?? 0)))
  for (const line of cells) {
    const padded = line.map((cell, at) =>
      at === line.length - 1 ? cell : cell.padEnd(widths[at] ?? 0),
    )
    process.stdout.write(`${padded.join('  ')}\n`)
  }
}

/** Writes names and values below one another; values that are null or empty are left out. */
export const printFields = (
  fields: Readonly<Record<string, string | number | null | undefined>>,
): void => {
  const shown = Object.entries(fields).filter(
    ([, value]) => value !== null && value !== undefined && value !== '',
  )
  const width = Math.max(...shown.map(([name]) => name.length))
  for (const [name, value] of shown)
    process.stdout.write(`${name.padEnd(width)}  ${cleanText(String(value), 1_000)}\n`)
}

export const printJson = (value: unknown): void => {
  process.stdout.write(`${JSON.stringify(value, null, 2)}\n`)
}

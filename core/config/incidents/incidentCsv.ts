import type { Fault } from '../fault.ts'
import { findDelimiter, scanCsv } from '../labels/scanCsv.ts'
import type { Located, LocatedEntry } from '../located.ts'
import { suggestion } from '../suggestName.ts'
import type { Place } from '../types.ts'

const LISTS = ['txs', 'things', 'bots', 'alerts']
const NUMBERS = ['from', 'to', 'loss']
const INCIDENT_COLUMNS = ['name', 'chain', ...NUMBERS, ...LISTS]

const scalar = (field: string, text: string, at: Place): Located => ({
  kind: 'scalar',
  at,
  value: NUMBERS.includes(field) && /^\d{1,15}$/.test(text) ? Number(text) : text,
})

const cellNode = (field: string, text: string, at: Place): Located =>
  LISTS.includes(field)
    ? {
        kind: 'list',
        at,
        items: text
          .split(/[;\s]+/)
          .filter(Boolean)
          .map((part) => scalar(field, part, at)),
      }
    : scalar(field, text, at)

/** Rows of CSV as the map that a YAML file would be; the first row names the columns. */
export const locateIncidentCsv = (
  text: string,
  file: string,
): { readonly root: Located; readonly faults: readonly Fault[] } => {
  const faults: Fault[] = []
  const items: Located[] = []
  const start: Place = { file, line: 1, column: 1 }
  let columns: readonly string[] | undefined
  const { open } = scanCsv(text, findDelimiter(text), ({ line, cells }) => {
    const place = (index: number): Place => ({ file, line, column: cells[index]?.column ?? 1 })
    if (!columns) {
      columns = cells.map((cell) => cell.text.trim().toLowerCase())
      for (const [index, title] of columns.entries())
        if (!INCIDENT_COLUMNS.includes(title))
          faults.push({
            ...place(index),
            path: '',
            problem: `there is no column "${title.slice(0, 40)}"`,
            mend: suggestion(title, INCIDENT_COLUMNS, 'columns'),
          })
        else if (columns.indexOf(title) < index)
          faults.push({
            ...place(index),
            path: '',
            problem: `the column "${title}" stands here a second time`,
            mend: 'Keep one of them.',
          })
      return
    }
    const entries = new Map<string, LocatedEntry>()
    for (const [index, field] of columns.entries()) {
      const value = cells[index]?.text ?? ''
      const at = place(index)
      if (value !== '') entries.set(field, { keyAt: at, node: cellNode(field, value, at) })
    }
    items.push({ kind: 'map', at: { file, line, column: 1 }, entries })
  })
  if (open)
    faults.push({
      file,
      ...open,
      path: '',
      problem: 'a quote begins here and is never closed',
      mend: 'Close it; a quote within quotes is written twice.',
    })
  if (!columns)
    faults.push({
      ...start,
      path: '',
      problem: 'the file is empty',
      mend: `Begin with the columns, such as \`${INCIDENT_COLUMNS.slice(0, 4).join(',')}\`.`,
    })
  const list: Located = { kind: 'list', at: start, items }
  return {
    root: {
      kind: 'map',
      at: start,
      entries: new Map([['incidents', { keyAt: start, node: list }]]),
    },
    faults,
  }
}

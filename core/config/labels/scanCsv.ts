/** One cell, and where it begins. */
export type Cell = { readonly text: string; readonly column: number }

export type CsvRecord = { readonly line: number; readonly cells: readonly Cell[] }

/** Most cells of one record; what comes after is dropped, since no list of labels has so many. */
const MAX_CELLS = 64

/** The delimiter that stands most often in the first line that holds anything, outside quotes. */
export const findDelimiter = (text: string): ',' | ';' | '\t' => {
  const line = text.split(/\r\n|\r|\n/, 200).find((one) => one.trim() && !one.startsWith('#')) ?? ''
  const bare = line.slice(0, 10_000).replace(/"[^"]*"/g, '')
  const count = (mark: string): number => bare.split(mark).length
  if (count('\t') > count(',') && count('\t') >= count(';')) return '\t'
  return count(';') > count(',') ? ';' : ','
}

/**
 * Splits CSV into records: quotes with doubled quotes inside, line breaks within quotes, any line ending. Empty lines
 * and lines that begin with `#` are left out. `open`: the place of a quote that is never closed.
 */
export const scanCsv = (
  text: string,
  delimiter: string,
  onRecord: (record: CsvRecord) => void,
): { readonly open: { readonly line: number; readonly column: number } | undefined } => {
  let line = 1
  let lineStart = 0
  let at = 0
  while (at < text.length) {
    const startLine = line
    const cells: Cell[] = []
    let isOver = false
    if (text[at] === '#') {
      while (at < text.length && text[at] !== '\n' && text[at] !== '\r') at++
      isOver = true
    }
    while (!isOver) {
      const column = at - lineStart + 1
      while (text[at] === ' ') at++
      let value = ''
      if (text[at] === '"') {
        const quote = { line, column: at - lineStart + 1 }
        at++
        for (;;) {
          const end = text.indexOf('"', at)
          if (end === -1) return { open: quote }
          const part = text.slice(at, end)
          value += part
          for (let from = part.indexOf('\n'); from !== -1; from = part.indexOf('\n', from + 1)) {
            line++
            lineStart = at + from + 1
          }
          at = end + 1
          if (text[at] !== '"') break
          value += '"'
          at++
        }
      }
      const begin = at
      while (at < text.length) {
        const mark = text[at]
        if (mark === delimiter || mark === '\n' || mark === '\r') break
        at++
      }
      value = (value + text.slice(begin, at)).trim()
      if (cells.length < MAX_CELLS) cells.push({ text: value, column })
      if (text[at] === delimiter) at++
      else isOver = true
    }
    if (text[at] === '\r' && text[at + 1] === '\n') at++
    if (at < text.length) at++
    line++
    lineStart = at
    if (cells.some((cell) => cell.text !== '')) onRecord({ line: startLine, cells })
  }
  return { open: undefined }
}

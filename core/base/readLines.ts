/** Longest piece of an unfinished line that is kept (characters). */
const MAX_REST = 100_000

/** Calls back per line of a stream of UTF-8, empty ones too; what follows the last line break is dropped. */
export const readLines = (
  stream: NodeJS.ReadableStream | null,
  onLine: (line: string) => void,
): void => {
  let rest = ''
  stream?.setEncoding('utf8')
  stream?.on('data', (chunk: string) => {
    const lines = (rest + chunk).split('\n')
    rest = (lines.pop() ?? '').slice(-MAX_REST)
    for (const line of lines) onLine(line)
  })
}

import { TocsinError } from '../base/index.ts'

const MAX_BYTES = 4_096

const readInput = async (): Promise<string> => {
  const parts: Buffer[] = []
  let bytes = 0
  for await (const chunk of process.stdin) {
    const part = Buffer.from(chunk)
    bytes += part.byteLength
    if (bytes > MAX_BYTES) break
    parts.push(part)
  }
  return Buffer.concat(parts).toString('utf8')
}

/** Reads a line from the terminal without showing it. */
const askHidden = (question: string): Promise<string> =>
  new Promise((resolve, reject) => {
    const { stdin, stderr } = process
    stderr.write(question)
    stdin.setRawMode(true)
    stdin.resume()
    let line = ''
    const end = (): void => {
      stdin.setRawMode(false)
      stdin.pause()
      stdin.off('data', hear)
      stderr.write('\n')
    }
    const hear = (chunk: Buffer): void => {
      for (const character of chunk.toString('utf8')) {
        if (character === '\r' || character === '\n' || character === '\u0004') {
          end()
          return resolve(line)
        }
        if (character === '\u0003') {
          end()
          return reject(new TocsinError('password.cancelled', 'Cancelled.', { exitCode: 130 }))
        }
        line = character === '\u007f' ? line.slice(0, -1) : line + character
      }
    }
    stdin.on('data', hear)
  })

/**
 * A new password: asked for twice at a terminal, else the first line of the standard input. Never an argument, which
 * every process of the machine could read.
 * @throws TocsinError `password.different`, `password.none`
 */
export const readPassword = async (name: string): Promise<string> => {
  if (!process.stdin.isTTY) {
    const line = (await readInput()).split(/\r?\n/)[0] ?? ''
    if (line !== '') return line
    throw new TocsinError('password.none', 'No password came by the standard input.', {
      hints: ['`openssl rand -base64 18 | tocsin users add ada --role responder`'],
      exitCode: 2,
    })
  }
  const first = await askHidden(`Password of ${name}: `)
  if (first !== (await askHidden('The same again: ')))
    throw new TocsinError('password.different', 'These were two different passwords.', {
      exitCode: 2,
    })
  return first
}

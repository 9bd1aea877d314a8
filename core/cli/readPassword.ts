import { createInterface } from 'node:readline/promises'
import { Writable } from 'node:stream'
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
const askHidden = async (question: string): Promise<string> => {
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() })
  const terminal = createInterface({ input: process.stdin, output: nowhere, terminal: true })
  terminal.once('SIGINT', () => {
    terminal.close()
    process.exit(130)
  })
  process.stderr.write(question)
  try {
    return await terminal.question('')
  } finally {
    terminal.close()
    process.stderr.write('\n')
  }
}

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

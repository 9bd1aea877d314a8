import { appendFile, mkdir } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { Channel } from '../types.ts'
import { encodeLine } from './encodeLine.ts'

/** Largest line that is written (characters). */
const MAX_LINE = 60_000

/**
 * Writes each message as one JSON line to a file and, shortened, to the process's standard output. A disk that is full
 * delays messages until it is not.
 */
export const createConsoleChannel = (options: {
  readonly name: string
  /** Absolute path of the JSON-lines file. */
  readonly file: string
  /** Default: standard output. */
  readonly write?: (line: string) => void
}): Channel => {
  const write = options.write ?? ((line: string) => void process.stdout.write(line))
  return {
    name: options.name,
    kind: 'console',
    timeoutMs: 5_000,
    send: async (message, signal) => {
      try {
        signal.throwIfAborted()
        const line = encodeLine({ timestamp: new Date().toISOString(), ...message })
        if (line.length > MAX_LINE) return { kind: 'dead', reason: 'the message is too large' }
        await mkdir(dirname(options.file), { recursive: true })
        await appendFile(options.file, `${line}\n`, { mode: 0o640 })
      } catch (error) {
        return { kind: 'retry', reason: `the alert log cannot be written (${codeOf(error)})` }
      }
      const { dedupKey, change, severity, title, summary, thing, chain, alert, incident } = message
      const text = `${severity} ${change}: ${title}${thing ? ` (${thing})` : ''}`
      const fields = {
        alert,
        incident,
        change,
        severity,
        chain: chain.name,
        thing,
        summary,
        dedupKey,
      }
      write(
        `${encodeLine({ level: 'alert', timestamp: new Date().toISOString(), service: 'notifier', message: text, ...fields })}\n`,
      )
      return { kind: 'sent' }
    },
  }
}

const codeOf = (error: unknown): string =>
  error instanceof Error && 'code' in error ? String(error.code) : 'failed'

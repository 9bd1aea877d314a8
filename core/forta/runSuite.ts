import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { TocsinError } from '../base/index.ts'

/** Longest that a bot's own tests may take (ms). */
const LIMIT_MS = 600_000

const testScript = (dir: string): string | undefined => {
  const pack: unknown = JSON.parse(readFileSync(join(dir, 'package.json'), 'utf8'))
  const scripts = typeof pack === 'object' && pack !== null && 'scripts' in pack && pack.scripts
  const script = typeof scripts === 'object' && scripts && 'test' in scripts && scripts.test
  return typeof script === 'string' ? script : undefined
}

/**
 * Runs a bot's own tests (`npm test` in its folder), with its own packages and nothing of Tocsin about them. What they
 * print goes to stderr. True: they passed.
 * @throws TocsinError `forta.no_tests`
 */
export const runSuite = async (dir: string): Promise<boolean> => {
  if (testScript(dir) === undefined)
    throw new TocsinError('forta.no_tests', 'The bot has no tests of its own.', {
      exitCode: 2,
      hints: ['Its package.json has no `scripts.test`.'],
    })
  const child = spawn('npm', ['test', '--silent'], {
    cwd: dir,
    stdio: ['ignore', process.stderr.fd, process.stderr.fd],
    env: { ...process.env, CI: 'true' },
    timeout: LIMIT_MS,
    killSignal: 'SIGKILL',
  })
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', resolve)
  })
  return code === 0
}

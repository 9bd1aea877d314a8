import { spawn } from 'node:child_process'
import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { programArgs } from './support/program.ts'

const LIMIT_MS = 280_000
/** Eight processes for more than a minute: no part of every run. */
const isLong = process.env['TOCSIN_LONG'] !== undefined
let folder = ''
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tocsin-demo-'))
  // As root, Postgres runs as another user, who must be able to enter.
  await chmod(folder, 0o755)
})
afterAll(() => rm(folder, { recursive: true, force: true }))

/** The demo as the README runs it. A shorter day would not teach the bots what is ordinary. */
const runDemo = (): Promise<{ readonly code: number | null; readonly told: string }> =>
  new Promise((resolve, reject) => {
    const child = spawn(
      process.execPath,
      [...programArgs('core/cli/main'), 'demo', '--exit', '--data-dir', folder],
      { stdio: ['ignore', 'pipe', 'pipe'] },
    )
    let told = ''
    const hear = (chunk: Buffer): void => {
      told += chunk.toString()
    }
    child.stdout.on('data', hear)
    child.stderr.on('data', hear)
    // What it started ends with it.
    const timer = setTimeout(() => child.kill('SIGTERM'), LIMIT_MS)
    child.once('error', reject)
    child.once('close', (code) => {
      clearTimeout(timer)
      resolve({ code, told })
    })
  })

test.runIf(isLong)(
  'behavior: the demo sees the attack, tells of it, pauses, and ends well by itself',
  {
    timeout: LIMIT_MS + 20_000,
  },
  async () => {
    const { code, told } = await runDemo()
    expect(code, told.slice(-6_000)).toBe(0)
    for (const name of ['watcher', 'notifier', 'signer', 'indexer', 'console'])
      expect(told).toContain(name)
  },
)

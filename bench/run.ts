import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'

/** Runs the benches one after another (`npm run bench`, `-- --short` for a quick look, `-- latency` for one). */
const ALL = [
  'throughput',
  'state',
  'latency',
  'pending',
  'response',
  'backtest',
  'indexer',
  'memory',
  'forta',
  'delivery',
  'intake',
  'console',
] as const

const flags = process.argv.slice(2).filter((arg) => arg.startsWith('--'))
const names = process.argv.slice(2).filter((arg) => !arg.startsWith('--'))
const unknown = names.filter((name) => !ALL.some((known) => known === name))
if (unknown.length > 0) {
  console.error(`No bench is called ${unknown.join(', ')}; there are ${ALL.join(', ')}.`)
  process.exit(2)
}

let isStopped = false
const runOne = (name: string): Promise<number> =>
  new Promise((resolve) => {
    const file = fileURLToPath(new URL(`./${name}.js`, import.meta.url))
    const child = spawn(process.execPath, [file, ...flags], {
      stdio: ['ignore', 'inherit', 'inherit'],
    })
    // The bench ends what it started; this program waits for it, and begins no other.
    const pass = (signal: NodeJS.Signals): void => {
      isStopped = true
      child.kill(signal)
    }
    const passed = ['SIGINT', 'SIGTERM'] as const
    for (const signal of passed) process.on(signal, pass)
    const done = (code: number): void => {
      for (const signal of passed) process.off(signal, pass)
      resolve(code)
    }
    child.once('error', () => done(1))
    child.once('close', (code) => done(code ?? 1))
  })

const failed: string[] = []
for (const name of names.length > 0 ? names : ALL)
  if (!isStopped && (await runOne(name)) !== 0) failed.push(name)
if (failed.length > 0) console.error(`Failed: ${failed.join(', ')}.`)
process.exitCode = failed.length > 0 ? 1 : 0

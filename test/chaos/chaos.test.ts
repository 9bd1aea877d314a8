import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { compareFacts } from './compareFacts.ts'

const program = fileURLToPath(new URL('../../dist/test/chaos/runChaos.js', import.meta.url))

test('behavior: a comparison sees what is lost, added and doubled', () => {
  const facts = (lines: readonly string[]) => ({
    sections: { findings: lines },
    problems: [],
    repeats: 0,
    headHash: '',
  })
  expect(compareFacts(facts(['a', 'b', 'c', 'c']), facts(['b', 'b', 'c', 'd']))).toEqual([
    { section: 'findings', expected: 4, found: 4, lost: ['a', 'c'], extra: ['b', 'd'] },
  ])
})

test('behavior: kill -9 at random instants loses nothing and doubles nothing', async () => {
  // Three rounds; `npm run chaos` plays a hundred.
  expect(existsSync(program), 'run `npm run build` first').toBe(true)
  const seed = 1 + (Math.floor(Date.now() / 86_400_000) % 1_000)
  const child = spawn(process.execPath, [program, '--rounds', '3', '--seed', String(seed)])
  let output = ''
  child.stdout.on('data', (text: Buffer) => (output += text.toString()))
  child.stderr.on('data', (text: Buffer) => (output += text.toString()))
  try {
    const code = await new Promise((resolve) => child.once('exit', resolve))
    expect(code, output).toBe(0)
    expect(output).toContain('Nothing lost, nothing doubled.')
  } finally {
    if (child.exitCode === null) child.kill('SIGTERM')
  }
}, 240_000)

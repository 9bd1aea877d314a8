import { type ChildProcess, spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { afterEach, expect, test } from 'vitest'
import { sleep } from '../base/index.ts'
import { watchLifeSigns } from './lifeSigns.ts'

let child: ChildProcess | undefined
afterEach(() => {
  child?.kill('SIGKILL')
})

const start = (work: string): { readonly silences: number[]; readonly child: ChildProcess } => {
  const module = fileURLToPath(new URL('./lifeSigns.ts', import.meta.url))
  const source = `const { sendLifeSigns } = await import(${JSON.stringify(module)})
sendLifeSigns(50)
process.send('ready')
${work}`
  const args = [
    '--conditions=tocsin-source',
    '--import',
    'tsx',
    '--input-type=module',
    '-e',
    source,
  ]
  const started = spawn(process.execPath, args, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
  child = started
  const silences: number[] = []
  watchLifeSigns(started, {
    limitMs: 1_000,
    everyMs: 50,
    onSilent: (silentMs) => silences.push(silentMs),
  })
  return { silences, child: started }
}
const ready = (of: ChildProcess): Promise<void> =>
  new Promise((resolve) =>
    of.on('message', (message) => {
      if (message === 'ready') resolve()
    }),
  )

test('a child whose event loop stands still is told of once; one that works is not', async () => {
  const working = start('setInterval(() => undefined, 1_000)')
  await ready(working.child)
  await sleep(2_500)
  expect(working.silences).toEqual([])
  working.child.kill('SIGKILL')

  const hanging = start('setTimeout(() => { for (;;); }, 300)')
  await ready(hanging.child)
  await sleep(4_000)
  expect(hanging.silences).toHaveLength(1)
  expect(hanging.silences[0]).toBeGreaterThanOrEqual(1_000)
})

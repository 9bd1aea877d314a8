import { getPriority } from 'node:os'
import { expect, test } from 'vitest'
import { hiddenFrom } from './processes.ts'
import { superviseProcess } from './superviseProcess.ts'

const PROGRAM = ['-e', "process.send('ready'); setInterval(() => undefined, 1_000)", '--']

test('behavior: a process steps back for others as far as it is told to', async () => {
  const start = (niceness?: number) =>
    superviseProcess({
      name: 'indexer',
      args: [],
      program: PROGRAM,
      environment: process.env,
      onLine: () => undefined,
      onRestart: () => undefined,
      ...(niceness === undefined ? {} : { niceness }),
    })
  const [humble, usual] = [start(7), start()]
  try {
    await Promise.all([humble.ready, usual.ready])
    const own = getPriority()
    expect([humble.pid(), usual.pid()].map((pid) => getPriority(pid) - own)).toEqual([7, 0])
  } finally {
    await Promise.all([humble.stop(), usual.stop()])
  }
})

test('behavior: a process does not get the variables in which the secrets of others lie', () => {
  const variables = [
    { name: 'PEOPLE', part: 'people' },
    { name: 'SLACK', part: 'channels' },
    { name: 'SHARED', part: 'channels' },
    { name: 'SHARED', part: 'intake' },
    { name: 'DB', part: 'database' },
  ] as const
  expect(hiddenFrom('intake', variables)).toEqual(['PEOPLE', 'SLACK', 'DB'])
  expect(hiddenFrom('notifier', variables)).toEqual(['DB'])
  expect(hiddenFrom('watcher', variables)).toEqual(['PEOPLE', 'SLACK', 'SHARED', 'DB'])
})

import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { readStepOptions } from './readSteps.ts'

const A = `0x${'a'.repeat(64)}` as const
const B = `0x${'b'.repeat(64)}` as const
let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tocsin-steps-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

test('behavior: what is to be shown, in the words of the SDK’s command line', () => {
  expect(readStepOptions({})).toBeUndefined()
  expect(readStepOptions({ tx: `${A},${B}` })).toEqual({
    argv: ['run', '--tx', `${A},${B}`],
    steps: [
      { kind: 'transaction', hash: A },
      { kind: 'transaction', hash: B },
    ],
  })
  expect(readStepOptions({ block: `7, ${A}` })?.steps).toEqual([
    { kind: 'block', block: 7 },
    { kind: 'block', block: A },
  ])
  expect(readStepOptions({ sequence: `tx${A},${B},12` })?.steps).toEqual([
    { kind: 'transaction', hash: A },
    { kind: 'alert', alert: B },
    { kind: 'block', block: 12 },
  ])
})

test('behavior: a file shows blocks, transactions, alerts and sequences, in this order', async () => {
  const file = join(folder, 'events.json')
  const alert = { alertId: 'X' }
  await writeFile(
    file,
    JSON.stringify({
      sequenceEvents: [`tx${B},5`],
      alertEvents: [A, { alert }],
      transactionEvents: [{ hash: 'written' }],
      blockEvents: [3, '4', { block: {} }],
    }),
  )
  expect(readStepOptions({ file })?.steps).toEqual([
    { kind: 'block', block: 3 },
    { kind: 'block', block: 4 },
    { kind: 'event', handler: 'handleBlock', event: { block: {} } },
    { kind: 'event', handler: 'handleTransaction', event: { hash: 'written' } },
    { kind: 'alert', alert: A },
    { kind: 'alert', alert },
    { kind: 'transaction', hash: B },
    { kind: 'block', block: 5 },
  ])
})

test.each([
  [{ tx: '0x12' }, 'is no hash of a transaction'],
  [{ block: 'latest' }, 'is no hash of a block'],
  [{ alert: ' , ' }, 'Nothing is named'],
  [{ tx: A, block: '1' }, '--tx and --block do not go together'],
  [{ file: '/nowhere/events.json' }, 'cannot be read'],
])('error: %o', (options, message) => {
  expect(() => readStepOptions(options)).toThrow(message)
})

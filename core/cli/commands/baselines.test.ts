import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { Command } from 'commander'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { readCorpus } from '../baselines/readCorpus.ts'
import { register } from './baselines.ts'

let folder = ''
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tocsin-corpus-'))
})
afterEach(async () => {
  vi.restoreAllMocks()
  await rm(folder, { recursive: true, force: true })
})

const put = async (path: string, text: string): Promise<void> => {
  await mkdir(dirname(join(folder, path)), { recursive: true })
  await writeFile(join(folder, path), text)
}
const at = (row: number): string =>
  new Date(Date.UTC(2014, 3, 1) + row * 300_000).toISOString().slice(0, 19).replace('T', ' ')
/** Five minutes a row, 100 rows, a spike where it is said. */
const rows = (spikes: readonly number[]): string =>
  [
    'timestamp,value',
    ...Array.from(
      { length: 100 },
      (_, row) => `${at(row)},${spikes.includes(row) ? 500 : 20 + (row % 3)}`,
    ),
    '',
  ].join('\n')
const putCorpus = async (): Promise<void> => {
  await put('data/artificial/one.csv', rows([40]))
  await put('data/real/two.csv', rows([58]))
  await put(
    'labels/combined_windows.json',
    JSON.stringify({
      'artificial/one.csv': [[`${at(40)}.000000`, `${at(49)}.000000`]],
      'real/two.csv': [[`${at(40)}.000000`, `${at(49)}.000000`]],
    }),
  )
}
const run = async (...args: readonly string[]): Promise<string> => {
  const told: string[] = []
  vi.spyOn(process.stdout, 'write').mockImplementation((chunk) => told.push(String(chunk)) > 0)
  const program = new Command('tocsin')
    .exitOverride()
    .configureOutput({ writeErr: () => undefined })
  register(program)
  await program.parseAsync(['baselines', 'score', '--corpus', folder, ...args], { from: 'user' })
  return told.join('')
}

describe('the corpus', () => {
  test('behavior: names, rows and windows as published', async () => {
    await putCorpus()
    await put('data/real/README.txt', 'not a series')
    const corpus = await readCorpus(folder)
    expect(corpus.map(({ name, windows, values }) => [name, windows, values.length])).toEqual([
      ['artificial/one.csv', [[40, 49]], 100],
      ['real/two.csv', [[40, 49]], 100],
    ])
    expect(corpus[0]?.timestampsS[1]).toBe(Date.UTC(2014, 3, 1, 0, 5) / 1000)
    expect(corpus[1]?.values[58]).toBe(500)
  })

  test.each([
    ['no labels', 'labels/combined_windows.json', undefined],
    ['labels of another shape', 'labels/combined_windows.json', '{"artificial/one.csv": "all"}'],
    ['labels of a file that is not there', 'labels/combined_windows.json', '{"x.csv": []}'],
    [
      'a window without rows',
      'labels/combined_windows.json',
      '{"real/two.csv": [["2020-01-01 00:00:00.000000","2020-01-02 00:00:00.000000"]]}',
    ],
    ['another header', 'data/real/two.csv', 'a,b\n'],
    ['a row that is none', 'data/real/two.csv', 'timestamp,value\nyesterday,1\n'],
    ['a value that is none', 'data/real/two.csv', `timestamp,value\n${at(0)},\n`],
  ])('error: %s', async (_, path, text) => {
    await putCorpus()
    if (text === undefined) await rm(join(folder, path))
    else await put(path, text)
    await expect(readCorpus(folder)).rejects.toMatchObject({ code: 'corpus.invalid', exitCode: 2 })
  })
})

describe('the command', () => {
  test('behavior: the scores are those of the published formula', async () => {
    await putCorpus()
    const { files, scores } = JSON.parse(
      await run('--detector', 'robust-z', '--threshold', '0.9', '--json'),
    ) as { files: number; scores: readonly Record<string, unknown>[] }
    expect(files).toBe(2)
    // A hit at the first row of its window (1), a miss (-1), and a false alarm one width behind a window.
    const wrong = 2 / (1 + Math.exp(5)) - 1
    for (const [at, weight, miss] of [
      [0, 0.11, 1],
      [1, 0.22, 1],
      [2, 0.11, 2],
    ] as const) {
      const raw = 1 - miss + weight * wrong
      expect(scores[at]).toMatchObject({ found: 1, windows: 2, falseAlarms: 1 })
      expect(scores[at]?.['raw']).toBeCloseTo(raw, 10)
      expect(scores[at]?.['score']).toBeCloseTo((100 * (raw + 2 * miss)) / (2 + 2 * miss), 10)
    }
  })

  test('behavior: all detectors, as a table', async () => {
    await putCorpus()
    const told = await run()
    expect(told).toContain('2 files, 200 rows')
    for (const name of ['robust-z', 'seasonal', 'ewma', 'cusum', 'change-point'])
      expect(told).toMatch(new RegExp(`^${name} +reward_low_FN +-?\\d+\\.\\d\\d`, 'm'))
  })

  test('error: a detector that does not exist, a threshold that is none', async () => {
    await putCorpus()
    await expect(run('--detector', 'magic')).rejects.toMatchObject({
      code: 'commander.invalidArgument',
    })
    await expect(run('--threshold', '2')).rejects.toMatchObject({
      code: 'commander.invalidArgument',
    })
  })
})

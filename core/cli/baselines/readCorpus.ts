import type { Stats } from 'node:fs'
import { readdir, readFile, stat } from 'node:fs/promises'
import { join, relative, sep } from 'node:path'
import { z } from 'zod'
import { cleanText, messageOf, TocsinError } from '../../base/index.ts'
import type { NabSeries } from '../../engine/light.ts'
import { EXIT } from '../exitCodes.ts'

const MAX_FILES = 5_000
const MAX_BYTES = 64 * 1024 * 1024

const fail = (message: string): never => {
  throw new TocsinError('corpus.invalid', cleanText(message, 400), {
    exitCode: EXIT.invalid,
    hints: [
      'The folder holds data/**/*.csv (timestamp,value) and labels/combined_windows.json, as the Numenta Anomaly Benchmark publishes them.',
    ],
  })
}

/** `2014-04-01 00:00:00`, with or without a fraction; times without a zone are UTC. */
const parseTime = (text: string): number => {
  const [, date, time] = /^(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d:\d\d(?:\.\d{1,9})?)$/.exec(text) ?? []
  return date && time ? Date.parse(`${date}T${time.slice(0, 12)}Z`) / 1_000 : Number.NaN
}

const labelsSchema = z.record(z.string(), z.array(z.tuple([z.string(), z.string()])))
type Labels = z.infer<typeof labelsSchema>

const sizeOf = async (path: string): Promise<Stats> => {
  try {
    return await stat(path)
  } catch (error) {
    return fail(`${path} cannot be read: ${messageOf(error)}`)
  }
}

const readText = async (path: string): Promise<string> => {
  const { size } = await sizeOf(path)
  if (size > MAX_BYTES) fail(`${path} is larger than ${MAX_BYTES / 1024 / 1024} MiB.`)
  return readFile(path, 'utf8')
}

const readLabels = async (folder: string): Promise<Labels> => {
  const path = join(folder, 'labels', 'combined_windows.json')
  const text = await readText(path)
  try {
    return labelsSchema.parse(JSON.parse(text))
  } catch {
    return fail(`${path} does not map names of files to lists of [start, end].`)
  }
}

const parseRows = (name: string, text: string): Pick<NabSeries, 'timestampsS' | 'values'> => {
  const timestampsS: number[] = []
  const values: number[] = []
  const [head = '', ...lines] = text.split(/\r?\n/)
  if (!/^timestamp,value\b/.test(head)) fail(`${name} does not begin with "timestamp,value".`)
  for (const [row, line] of lines.entries()) {
    if (line === '') continue
    const [time = '', number = ''] = line.split(',')
    const at = parseTime(time)
    const value = number.trim() === '' ? Number.NaN : Number(number)
    if (!Number.isFinite(at) || !Number.isFinite(value))
      fail(`${name}, line ${row + 2}: "${line.slice(0, 80)}" is no time and number.`)
    timestampsS.push(at)
    values.push(value)
  }
  return { timestampsS, values }
}

/** Rows of the labelled windows. The published labels are times of rows; others mean the rows between them. */
const findWindows = (
  name: string,
  timestampsS: readonly number[],
  labels: readonly (readonly [string, string])[],
): NabSeries['windows'] =>
  labels
    .map(([start, end]): readonly [number, number] => {
      const [from, to] = [parseTime(start), parseTime(end)]
      const first = timestampsS.findIndex((at) => at >= from)
      const exact = timestampsS.indexOf(to)
      const last = exact >= 0 ? exact : timestampsS.findLastIndex((at) => at <= to)
      if (Number.isNaN(from) || Number.isNaN(to) || first < 0 || last < first)
        fail(`${name} has no rows from ${start} to ${end}.`)
      return [first, last]
    })
    .sort((a, b) => a[0] - b[0])

/**
 * Reads a folder in the format in which the Numenta Anomaly Benchmark publishes its corpus. Files without labels have
 * no windows.
 * @throws TocsinError `corpus.invalid` when something of it is missing or makes no sense
 */
export const readCorpus = async (folder: string): Promise<readonly NabSeries[]> => {
  const labels = await readLabels(folder)
  const data = join(folder, 'data')
  if (!(await sizeOf(data)).isDirectory()) fail(`${data} is no folder.`)
  const entries = await readdir(data, { recursive: true, withFileTypes: true })
  const paths = entries
    .filter((entry) => entry.isFile() && entry.name.endsWith('.csv'))
    .map((entry) => join(entry.parentPath, entry.name))
    .sort()
  if (paths.length === 0) fail(`There are no .csv files in ${data}.`)
  if (paths.length > MAX_FILES) fail(`There are more than ${MAX_FILES} files in ${data}.`)
  const corpus: NabSeries[] = []
  for (const path of paths) {
    const name = relative(data, path).split(sep).join('/')
    const rows = parseRows(name, await readText(path))
    corpus.push({ name, ...rows, windows: findWindows(name, rows.timestampsS, labels[name] ?? []) })
  }
  const unknown = Object.keys(labels).find((name) => !corpus.some((one) => one.name === name))
  if (unknown !== undefined) fail(`The labels name ${unknown}, which is not in ${data}.`)
  return corpus
}

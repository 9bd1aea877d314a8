import { readFileSync, statSync } from 'node:fs'
import { basename, extname } from 'node:path'
import { z } from 'zod'
import { messageOf } from '../../base/index.ts'
import { explainIssue } from '../explainIssue.ts'
import { type Fault, shown } from '../fault.ts'
import { itemsAt, type Located, placeOf, plainOf } from '../located.ts'
import { readYamlFile } from '../readYamlFile.ts'
import type { Place } from '../types.ts'
import { type Collected, createCollector, MAX_LABELS } from './collectRows.ts'
import { createChainReader } from './labelChains.ts'
import { type Columns, findColumns } from './labelColumns.ts'
import { readTag, readTags } from './labelTags.ts'
import { type CsvRecord, findDelimiter, scanCsv } from './scanCsv.ts'

const MAX_BYTES = 40_000_000

export type ReadLabelOptions = {
  /** As faults name it. Default: the path. */
  readonly shownFile?: string
  /** Chains of the watchlist: names with their ids. */
  readonly chains: Readonly<Record<string, number>>
  /** Of rows that name none. Default: every chain. */
  readonly chainId?: number | undefined
  /** Given to every row beside its own. */
  readonly tags?: readonly string[]
}

export type LabelFile = Collected & {
  /** Columns that were not used, by their titles. */
  readonly ignored: readonly string[]
}

/** A file of labels in YAML (or JSON). */
const fileSchema = z.strictObject({
  labels: z
    .array(
      z.strictObject({
        address: z.string(),
        name: z.string(),
        tags: z.union([z.string(), z.array(z.string())]).default([]),
        chain: z.union([z.string(), z.number()]).default(''),
        source: z.string().default(''),
      }),
    )
    .max(MAX_LABELS),
})

const none = (faults: readonly Fault[]): LabelFile => ({
  rows: [],
  faults,
  faulty: faults.length,
  merged: 0,
  ignored: [],
})

const tagList = (value: string | readonly string[], more: readonly string[]): readonly string[] => [
  ...new Set([
    ...(typeof value === 'string' ? readTags(value) : value.flatMap((tag) => readTag(tag) ?? [])),
    ...more.flatMap((tag) => readTag(tag) ?? []),
  ]),
]

const readYaml = (path: string, options: ReadLabelOptions): LabelFile => {
  const { root, faults } = readYamlFile(path, options.shownFile ?? path)
  if (!root)
    return none(
      faults.map((fault) =>
        fault.mend === 'Begin with `version: 1`.'
          ? { ...fault, mend: 'Begin with `labels:` and list them below.' }
          : fault,
      ),
    )
  const parsed = fileSchema.safeParse(plainOf(root))
  if (!parsed.success)
    return none([
      ...faults,
      ...parsed.error.issues
        .slice(0, 50)
        .flatMap((issue) => explainIssue(issue, { root, schema: fileSchema })),
    ])
  if (faults.length > 0) return none(faults)
  const collector = createCollector()
  const readChain = createChainReader(options.chains)
  const items: readonly Located[] = itemsAt(root, ['labels'])
  for (const [index, label] of parsed.data.labels.entries()) {
    const item = items[index] ?? root
    const at = (key: string): Place => placeOf(item, [key])
    const chain = String(label.chain)
    collector.add({
      address: { text: label.address, at: at('address') },
      name: { text: label.name, at: at('name') },
      tags: { list: tagList(label.tags, options.tags ?? []), at: at('tags') },
      chain: {
        answer: chain === '' ? { ok: true, chainId: options.chainId } : readChain(chain),
        at: at('chain'),
      },
      origin: label.source,
    })
  }
  return { ...collector.result(), ignored: [] }
}

const readCsv = (text: string, file: string, options: ReadLabelOptions): LabelFile => {
  const collector = createCollector()
  const readChain = createChainReader(options.chains)
  // Few words stand in many rows.
  const tagLists = new Map<string, readonly string[]>()
  const tagsOf = (words: string): readonly string[] => {
    const known = tagLists.get(words) ?? tagList(words, options.tags ?? [])
    if (tagLists.size < 1_000) tagLists.set(words, known)
    return known
  }
  let columns: Columns | undefined
  let isLost = false
  const onRecord = (record: CsvRecord): void => {
    if (isLost) return
    const { line, cells } = record
    const place = (index: number | undefined): Place => ({
      file,
      line,
      column: (index === undefined ? undefined : cells[index]?.column) ?? 1,
    })
    if (!columns) {
      columns = findColumns(cells)
      if (!columns) {
        isLost = true
        collector.fault(
          place(0),
          'no column holds an address',
          'Begin with a header such as `address,name,tags`, or with a row that holds an address.',
        )
        return
      }
      if (columns.hasHeader) return
    }
    const { address, name, tags, moreTags, chain, origin } = columns
    const cell = (index: number | undefined): string =>
      index === undefined ? '' : (cells[index]?.text ?? '')
    const chainText = cell(chain)
    const words = [cell(tags), ...moreTags.map(cell)].join(';')
    collector.add({
      address: { text: cell(address), at: place(address) },
      name: { text: cell(name), at: place(name) },
      tags: { list: tagsOf(words), at: place(tags) },
      chain: {
        answer: chainText === '' ? { ok: true, chainId: options.chainId } : readChain(chainText),
        at: place(chain),
      },
      origin: cell(origin),
    })
  }
  const { open } = scanCsv(text, findDelimiter(text), onRecord)
  if (open)
    collector.fault(
      { file, ...open },
      'a quote begins here and is never closed',
      'Close it; a quote within quotes is written twice.',
    )
  const result = collector.result()
  if (result.rows.length === 0 && result.faulty === 0)
    collector.fault(
      { file, line: 1, column: 1 },
      'the file holds no labels',
      'Give rows such as `0x…,Binance 14,exchange`.',
    )
  return { ...collector.result(), ignored: columns?.ignored ?? [] }
}

/**
 * Reads a file of labels: YAML or JSON by its ending, anything else as CSV with comma, semicolon or tab, with or without
 * a header. Never throws: what is wrong stands in `faults`, each with its place.
 */
export const readLabelFile = (path: string, options: ReadLabelOptions): LabelFile => {
  const file = options.shownFile ?? path
  const start: Place = { file, line: 1, column: 1 }
  const whole = (problem: string, mend: string): LabelFile =>
    none([{ ...start, path: '', problem, mend }])
  if (['.yaml', '.yml', '.json'].includes(extname(path).toLowerCase()))
    return readYaml(path, options)
  let bytes: Buffer
  try {
    const info = statSync(path)
    if (info.isDirectory()) return whole('this is a folder, not a file', 'Name the file in it.')
    if (info.size > MAX_BYTES)
      return whole('the file is larger than 40 MB', 'Keep the labels that matter.')
    bytes = readFileSync(path)
  } catch (error) {
    const isMissing = messageOf(error).startsWith('ENOENT')
    return isMissing
      ? whole('there is no such file', 'The path is taken from the folder of the watchlist.')
      : whole(`it cannot be read (${shown(messageOf(error))})`, 'Check its permissions.')
  }
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes)
    if (!text.includes('\0')) return readCsv(text, file, options)
  } catch {
    // Told below.
  }
  return whole('the file is not text in UTF-8', 'Save it as UTF-8; other encodings are not read.')
}

/** Under which name a file's labels go: its own, without folder and ending. */
export const sourceOf = (path: string): string => basename(path, extname(path)).slice(0, 60)

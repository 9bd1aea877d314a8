import type { Command } from 'commander'
import { type Address, cleanText, TocsinError } from '../../base/index.ts'
import { ConfigError, readLabelFile, readTag, sourceOf } from '../../config/index.ts'
import type { Config } from '../../config/types.ts'
import {
  findLabels,
  importLabels,
  listLabelRows,
  listLabelSources,
  removeLabels,
} from '../../labels/index.ts'
import { openStore } from '../openStore.ts'
import { type CommonOptions, withCommonOptions } from '../options.ts'
import { parseLimit } from '../parseOptions.ts'
import { printJson, printTable } from '../printTable.ts'

type ImportOptions = CommonOptions & {
  readonly source?: string
  readonly chain?: string
  readonly tag?: readonly string[]
  readonly dryRun?: boolean
}
type ListOptions = CommonOptions & {
  readonly source?: string
  readonly tag?: string
  readonly limit: number
}

const wrong = (code: string, message: string, ...hints: readonly string[]): TocsinError =>
  new TocsinError(code, message, { hints, exitCode: 2 })

const readAddress = (text: string): Address => {
  if (!/^0x[0-9a-fA-F]{40}$/i.test(text))
    throw wrong('labels.address', `"${cleanText(text, 60)}" is not an address.`)
  return text.toLowerCase() as Address
}

const chainName = (config: Config, id: number): string =>
  id === 0 ? 'all' : (config.chains.find((chain) => chain.id === id)?.name ?? String(id))

const chainIdOf = (config: Config, name: string | undefined): number | undefined => {
  if (name === undefined) return undefined
  const chain = config.chains.find((one) => one.name === name)
  if (chain) return chain.id
  throw wrong(
    'chain.unknown',
    `The watchlist has no chain "${cleanText(name, 60)}".`,
    `It has: ${config.chains.map((one) => one.name).join(', ')}.`,
  )
}

const importFile = async (file: string, options: ImportOptions): Promise<void> => {
  const source = cleanText(options.source ?? sourceOf(file), 60)
  if (source === '') throw wrong('labels.source', 'The list needs a name.', 'Give --source <name>.')
  const { store, config, close } = await openStore(options)
  try {
    const read = readLabelFile(file, {
      chains: Object.fromEntries(config.chains.map(({ name, id }) => [name, id])),
      chainId: chainIdOf(config, options.chain),
      tags: options.tag ?? [],
    })
    if (read.faulty > 0) {
      if (!options.json)
        process.stderr.write(
          `${read.faulty} rows are faulty, ${read.rows.length} are good; nothing was imported.\n`,
        )
      throw new ConfigError(read.faults)
    }
    const untagged = read.rows.filter(({ tags }) => tags.length === 0).length
    const facts = { source, labels: read.rows.length, merged: read.merged, untagged }
    const done = options.dryRun ? undefined : await importLabels(store.db, source, read.rows)
    if (options.json) return printJson({ ...facts, ignoredColumns: read.ignored, ...done })
    const lines = [
      done
        ? `${source}: ${done.added} added, ${done.changed} changed, ${done.unchanged} as they were, ${done.removed} removed; ${done.total} labels in all.`
        : `${source}: ${facts.labels} labels would be imported.`,
      read.merged > 0
        ? `${read.merged} rows spoke of an address again: their tags were added.`
        : '',
      untagged > 0
        ? `${untagged} labels have no tag: they are shown, and no bot looks for them. \`--tag exchange\` tags all.`
        : '',
      read.ignored.length > 0
        ? `Columns that were not used: ${read.ignored.map((one) => cleanText(one, 40)).join(', ')}.`
        : '',
    ]
    process.stdout.write(`${lines.filter(Boolean).join('\n')}\n`)
  } finally {
    await close()
  }
}

const list = async (options: ListOptions): Promise<void> => {
  const { store, config, close } = await openStore(options)
  try {
    const { source, limit } = options
    const tag = options.tag === undefined ? undefined : readTag(options.tag)
    const rows = await listLabelRows(store.db, { source, tag, limit })
    if (options.json) return printJson(rows)
    printTable(
      rows,
      [
        { title: 'ADDRESS', of: (row) => row.address },
        { title: 'NAME', of: (row) => row.name },
        { title: 'TAGS', of: (row) => row.tags.join(',') },
        { title: 'CHAIN', of: (row) => chainName(config, row.chainId) },
        { title: 'SOURCE', of: (row) => row.source },
      ],
      'No labels.',
    )
  } finally {
    await close()
  }
}

const listSources = async (options: CommonOptions): Promise<void> => {
  const { store, close } = await openStore(options)
  try {
    const rows = await listLabelSources(store.db)
    if (options.json) return printJson(rows)
    printTable(
      rows,
      [
        { title: 'SOURCE', of: (row) => row.source },
        { title: 'LABELS', of: (row) => String(row.labels) },
        { title: 'IMPORTED', of: (row) => row.importedAt.toISOString() },
      ],
      'Nothing was imported.',
    )
  } finally {
    await close()
  }
}

const show = async (text: string, options: CommonOptions): Promise<void> => {
  const address = readAddress(text)
  const { store, config, close } = await openStore(options)
  try {
    const found = []
    for (const { id, name } of config.chains)
      for (const [index, label] of (await findLabels(store.db, config, id, [address])).entries())
        found.push({ chain: name, holds: index === 0, ...label })
    if (options.json) return printJson(found)
    printTable(
      found,
      [
        { title: 'CHAIN', of: (row) => row.chain },
        { title: 'HOLDS', of: (row) => (row.holds ? 'yes' : 'no') },
        { title: 'NAME', of: (row) => row.name },
        { title: 'TAGS', of: (row) => row.tags.join(',') },
        { title: 'SOURCE', of: (row) => row.source },
      ],
      'Nobody knows this address.',
    )
  } finally {
    await close()
  }
}

const remove = async (
  text: string | undefined,
  options: CommonOptions & { readonly source?: string },
): Promise<void> => {
  const address = text === undefined ? undefined : readAddress(text)
  if (address === undefined && options.source === undefined)
    throw wrong('labels.nothing', 'Say which labels: an address, or --source <name>.')
  const { store, close } = await openStore(options)
  try {
    const removed = await removeLabels(store.db, { source: options.source, address })
    if (options.json) printJson({ removed })
    else process.stdout.write(`${removed} removed.\n`)
  } finally {
    await close()
  }
}

const collect = (value: string, before: readonly string[] = []): readonly string[] => [
  ...before,
  value,
]

/** `tocsin labels`: who is behind an address. */
export const register = (program: Command): void => {
  const labels = program.command('labels').description('who is behind an address')
  withCommonOptions(
    labels
      .command('import <file>')
      .description(
        'replace one list in the table by a CSV, YAML or JSON file: all of it or nothing',
      )
      .option('--source <name>', 'what the list is called (default: the name of the file)')
      .option('--chain <name>', 'chain of rows that name none (default: every chain)')
      .option('--tag <tag>', 'give this tag to every row; may be repeated', collect)
      .option('--dry-run', 'only say what would be imported'),
  ).action(importFile)
  withCommonOptions(
    labels
      .command('list', { isDefault: true })
      .description('imported labels, by name')
      .option('--source <name>', 'of one list')
      .option('--tag <tag>', 'with this tag')
      .option('--limit <n>', 'at most so many', parseLimit, 50),
  ).action(list)
  withCommonOptions(labels.command('sources').description('the lists that were imported')).action(
    listSources,
  )
  withCommonOptions(
    labels
      .command('show <address>')
      .description('all that watchlist, files and table say of it, and which of them holds'),
  ).action(show)
  withCommonOptions(
    labels
      .command('remove [address]')
      .description('remove imported labels: of an address, of a list, or of both together')
      .option('--source <name>', 'of this list'),
  ).action(remove)
  labels.addHelpText(
    'after',
    `
A running watcher takes up an import within seconds. docs/labels.md says what the files may look like.

Examples:
  $ tocsin labels import exchanges.csv --tag exchange
  $ tocsin labels import export.csv --source explorer --chain mainnet
  $ tocsin labels show 0x28C6c06298d514Db089934071355E5743bf21d60
  $ tocsin labels remove --source explorer`,
  )
}

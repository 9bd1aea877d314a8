import { writeFile } from 'node:fs/promises'
import { type Command, Option } from 'commander'
import { cleanText, TocsinError } from '../../base/index.ts'
import { buildPostmortem, readRecord, renderMarkdown } from '../../postmortem/index.ts'
import type { Store } from '../../store/index.ts'
import { openStore } from '../openStore.ts'
import { type CommonOptions, withCommonOptions } from '../options.ts'

type Options = CommonOptions & { readonly format: 'md' | 'json'; readonly out?: string }

/** The whole id of what a person typed the beginning of. */
const findIncident = async ({ pool }: Store, typed: string): Promise<string> => {
  const start = typed.startsWith('i_') ? typed : `i_${typed}`
  const { rows } = await pool.query<{ id: string }>(
    'select id from tocsin.incident where starts_with(id, $1) or id = $2 limit 2',
    [start, typed],
  )
  if (rows.length > 1)
    throw new TocsinError(
      'incident.ambiguous',
      `Several incidents begin with "${cleanText(typed, 60)}".`,
      {
        exitCode: 2,
      },
    )
  return rows[0]?.id ?? typed
}

const write = async (incident: string, options: Options): Promise<void> => {
  const { store, config, close } = await openStore(options)
  try {
    const id = await findIncident(store, incident)
    const report = buildPostmortem(await readRecord(store.db, config, id))
    const isJson = options.json === true || options.format === 'json'
    const text = isJson ? `${JSON.stringify(report, null, 2)}\n` : renderMarkdown(report)
    if (options.out === undefined) process.stdout.write(text)
    else {
      await writeFile(options.out, text, { mode: 0o600 })
      process.stdout.write(`The post-mortem of ${id} is in ${options.out}.\n`)
    }
  } finally {
    await close()
  }
}

export const register = (program: Command): void => {
  withCommonOptions(
    program
      .command('postmortem')
      .description('write the post-mortem of an incident from what is stored about it')
      .argument('<incident>', 'id, or its beginning')
      .addOption(
        new Option('--format <format>', 'Markdown for people, JSON for programs')
          .choices(['md', 'json'])
          .default('md'),
      )
      .option('--out <file>', 'write into this file'),
  ).action(write)
}

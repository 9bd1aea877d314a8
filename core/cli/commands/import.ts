import { existsSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import type { Command } from 'commander'
import { TocsinError } from '../../base/index.ts'
import { EXIT } from '../exitCodes.ts'
import { readFolder } from '../importMonitor/readFolder.ts'
import { type Translation, translate } from '../importMonitor/translate.ts'
import { printJson } from '../printTable.ts'

type ImportOptions = { readonly out: string; readonly json?: boolean }

const line = (text = ''): void => void process.stdout.write(`${text}\n`)

const write = async (out: string, { files }: Translation): Promise<void> => {
  const taken = Object.keys(files).filter((path) => existsSync(join(out, path)))
  if (taken.length > 0)
    throw new TocsinError('import.exists', `There is something in ${out} already.`, {
      exitCode: EXIT.invalid,
      hints: [`It would be overwritten: ${taken.slice(0, 5).join(', ')}.`, 'Name another --out.'],
    })
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(out, path)), { recursive: true })
    await writeFile(join(out, path), text)
  }
}

const importMonitor = async (dir: string, options: ImportOptions): Promise<void> => {
  const translation = translate(readFolder(resolve(dir)), basename(resolve(options.out)))
  await write(resolve(options.out), translation)
  const { bots, monitors, left, files } = translation
  if (options.json)
    return printJson({ out: options.out, bots, monitors, left, files: Object.keys(files) })
  line(`${bots.length} of ${monitors} monitors are bots now, in ${options.out}.`)
  if (left.length > 0) {
    line()
    line('Not taken over, or not as it was:')
    for (const text of left) line(`  ${text}`)
  }
  line()
  line(`Next: tocsin check --config ${join(options.out, 'watchlist.yaml')}`)
}

/** `tocsin import`: the configuration of another watcher as a watchlist and bots. */
export const register = (program: Command): void => {
  const command = program
    .command('import')
    .description('translate the configuration of another watcher into a watchlist and bots')
  command
    .command('openzeppelin-monitor')
    .description('monitors, networks and triggers of OpenZeppelin Monitor')
    .argument('<dir>', 'folder that holds `monitors`, `networks` and `triggers`')
    .option('--out <dir>', 'folder to write to', 'imported')
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      '\nExample:\n  $ tocsin import openzeppelin-monitor ./config --out ops/watch',
    )
    .action(importMonitor)
}

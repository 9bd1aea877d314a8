import { dirname, resolve } from 'node:path'
import { type Command, Option } from 'commander'
import { cleanText, messageOf } from '../../base/index.ts'
import type { Config } from '../../config/types.ts'
import {
  type Halt,
  killSwitchFile,
  liftHalt,
  recordHalt,
  writeHaltFile,
} from '../../response/index.ts'
import { isEmbeddedPostgresRunning } from '../../store/index.ts'
import { findDatabaseUrl, openStore } from '../openStore.ts'
import { type CommonOptions, withCommonOptions } from '../options.ts'
import { readConfig } from '../readConfig.ts'
import { userName } from '../userName.ts'

/** A database that does not answer within this does not hold up a stop (ms). */
const DATABASE_LIMIT_MS = 5_000

type HaltOptions = CommonOptions & { readonly by: string; readonly reason: string }

/** A watchlist that is wrong must not keep anybody from stopping: its folder is then guessed as the default. */
const findPlace = async (
  options: CommonOptions,
): Promise<{ readonly dataDir: string; readonly config: Config | undefined }> => {
  try {
    const config = await readConfig(options, 'none')
    return { dataDir: config.dataDir, config }
  } catch (error) {
    const dataDir = options.dataDir
      ? resolve(options.dataDir)
      : resolve(dirname(options.config), '.tocsin')
    process.stderr.write(`The watchlist cannot be read (${cleanText(messageOf(error), 200)}).\n`)
    return { dataDir, config: undefined }
  }
}

const haltInDatabase = async (
  options: CommonOptions,
  config: Config | undefined,
  halt: Halt,
): Promise<string | undefined> => {
  if (!config) return 'the watchlist cannot be read'
  if (!findDatabaseUrl(config) && !isEmbeddedPostgresRunning(config.dataDir))
    return 'the database does not run'
  const work = async (): Promise<string | undefined> => {
    const { store, close } = await openStore(options)
    try {
      await recordHalt(store.db, halt)
      return undefined
    } finally {
      await close()
    }
  }
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<string>((done) => {
    timer = setTimeout(() => done('the database does not answer'), DATABASE_LIMIT_MS)
  })
  return Promise.race([work(), late])
    .catch((error: unknown) => messageOf(error))
    .finally(() => clearTimeout(timer))
}

const halt = async (options: HaltOptions): Promise<void> => {
  const { dataDir, config } = await findPlace(options)
  const stop: Halt = { who: options.by, via: 'cli', reason: options.reason }
  await writeHaltFile(dataDir, stop)
  const problem = await haltInDatabase(options, config, stop)
  const file = killSwitchFile(dataDir)
  if (options.json)
    process.stdout.write(`${JSON.stringify({ halted: true, file, database: !problem, problem })}\n`)
  else {
    process.stdout.write(`All automatic action is stopped: ${file} is written`)
    process.stdout.write(problem ? '.\n' : ', and the database says so.\n')
    if (problem)
      process.stderr.write(
        `The database was not told (${cleanText(problem, 200)}): a signer with another data folder goes on.\n`,
      )
  }
  // A database that hangs keeps the process no longer.
  if (problem) process.exit(0)
}

const resume = async (options: CommonOptions & { readonly by: string }): Promise<void> => {
  const { store, config, close } = await openStore(options)
  try {
    const lifted = await liftHalt(store.db, config.dataDir, options.by)
    const stood = lifted.rows > 0 || lifted.file
    if (options.json) process.stdout.write(`${JSON.stringify({ resumed: stood, ...lifted })}\n`)
    else
      process.stdout.write(
        stood ? 'Automatic action goes on; people are told.\n' : 'Nothing was stopped.\n',
      )
  } finally {
    await close()
  }
}

const by = (text: string): Option =>
  new Option('--by <name>', text).default(userName(), 'your user name')

/** `tocsin halt`: nothing acts by itself any more, within a second, whoever else is down. */
export const registerHalt = (program: Command): void => {
  withCommonOptions(program.command('halt'))
    .description(
      'stops all automatic action at once: the signer sends nothing until `tocsin resume`',
    )
    .addOption(by('who stops it'))
    .option('--reason <text>', 'why, for whoever is paged', 'no reason given')
    .addHelpText(
      'after',
      `
Writes a file into the data folder, which alone is enough, and a row into the database when it answers. Works while
watcher, notifier, console or database are down. The same by one call: POST /api/halt to the console, with the token of
\`people.haltToken\`.

Examples:
  $ tocsin halt --reason "bots fire on the migration"
  $ curl -X POST -H "Authorization: Bearer $TOKEN" http://127.0.0.1:4680/api/halt`,
    )
    .action(halt)
}

/** `tocsin resume`: only by a person at the machine. */
export const registerResume = (program: Command): void => {
  withCommonOptions(program.command('resume'))
    .description('ends `tocsin halt`, by a person at the machine')
    .addOption(by('who resumes'))
    .action(resume)
}

import { type Command, Option } from 'commander'
import { cleanText, messageOf } from '../../base/index.ts'
import {
  type Halt,
  killSwitchFile,
  liftHalt,
  recordHalt,
  writeHaltFile,
} from '../../response/index.ts'
import { isEmbeddedPostgresRunning } from '../../store/index.ts'
import { EXIT } from '../exitCodes.ts'
import { openRunningStore, type RunningStore } from '../openRunningStore.ts'
import { findDatabaseUrl, openStore } from '../openStore.ts'
import { type CommonOptions, withCommonOptions } from '../options.ts'
import { userName } from '../userName.ts'
import { findHaltPlace, type HaltPlace } from './haltPlace.ts'

/** A database that does not answer within this does not hold up a stop (ms). */
const DATABASE_LIMIT_MS = 5_000

type HaltOptions = CommonOptions & { readonly by: string; readonly reason: string }

/** Why the database was not told, or undefined when it was. */
type Told = { readonly problem: string | undefined; readonly isLate: boolean }

const openFor = async (
  options: CommonOptions,
  { config, dataDirs: [dataDir] }: HaltPlace,
): Promise<RunningStore> => {
  if (!config) return openRunningStore({ url: process.env['DATABASE_URL'] || undefined, dataDir })
  // The address itself may be a secret that was not read yet.
  const isNamed = config.database !== undefined || findDatabaseUrl(config) !== undefined
  return isNamed || isEmbeddedPostgresRunning(config.dataDir)
    ? openStore(options)
    : openRunningStore({ url: undefined, dataDir })
}

const haltInDatabase = async (
  options: CommonOptions,
  place: HaltPlace,
  halt: Halt,
): Promise<Told> => {
  const work = async (): Promise<Told> => {
    const { store, close } = await openFor(options, place)
    try {
      await recordHalt(store.db, halt)
      return { problem: undefined, isLate: false }
    } finally {
      await close()
    }
  }
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<Told>((done) => {
    const told = { problem: 'the database does not answer', isLate: true }
    timer = setTimeout(() => done(told), DATABASE_LIMIT_MS)
  })
  return Promise.race([work(), late])
    .catch((error: unknown) => ({ problem: messageOf(error), isLate: false }))
    .finally(() => clearTimeout(timer))
}

/** Writes the file into every folder; the first problem, or undefined. */
const writeFiles = async (dataDirs: readonly string[], stop: Halt): Promise<string | undefined> => {
  const results = await Promise.allSettled(dataDirs.map((each) => writeHaltFile(each, stop)))
  const failed = results.find((each) => each.status === 'rejected')
  return failed && messageOf(failed.reason)
}

const HOW_ELSE = `Name the data folder of the signer with --data-dir, or its database with DATABASE_URL, and run this again.
Or create the file signer.stop in that folder by hand, or call POST /api/halt of the console, or end the signer.
`

const halt = async (options: HaltOptions): Promise<void> => {
  const place = await findHaltPlace(options)
  const stop: Halt = { who: options.by, via: 'cli', reason: options.reason }
  const fileProblem = await writeFiles(place.dataDirs, stop)
  const { problem, isLate } = await haltInDatabase(options, place, stop)
  const isCertain = problem === undefined || (place.isKnown && fileProblem === undefined)
  const file = killSwitchFile(place.dataDirs[0])
  const written = fileProblem
    ? `${file} could not be written (${cleanText(fileProblem, 200)})`
    : `${place.dataDirs.map(killSwitchFile).join(' and ')} is written`
  const untold = `the database was not told (${cleanText(problem ?? '', 200)})`
  if (!isCertain) process.exitCode = EXIT.failed
  if (options.json)
    process.stdout.write(
      `${JSON.stringify({ halted: isCertain, file, fileProblem, isFolderKnown: place.isKnown, database: !problem, problem })}\n`,
    )
  else if (isCertain) {
    const told = problem ? '' : ', and the database says so'
    process.stdout.write(`All automatic action is stopped: ${written}${told}.\n`)
    if (problem) process.stderr.write(`But ${untold}: a signer with another data folder goes on.\n`)
  } else {
    const doubt = place.isKnown ? '' : ', where no process of Tocsin is known to have run'
    process.stdout.write(
      `NOT CERTAIN that anything is stopped: ${written}${doubt}, and ${untold}.\n`,
    )
    process.stderr.write(HOW_ELSE)
  }
  // A database that hangs keeps the process no longer.
  if (isLate) process.exit()
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

Where the watchlist cannot be read, the data folder is looked for, and the database at DATABASE_URL is tried.

Exit codes: 0 stopped: the database says so, or the file lies where the signer looks. 1 NOT CERTAIN: neither is known.

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

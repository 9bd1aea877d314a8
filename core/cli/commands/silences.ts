import { type Command, Option } from 'commander'
import {
  approveSilence,
  createSilence,
  endSilence,
  isSilenceActive,
  listSilences,
  type Silence,
} from '../../alerts/index.ts'
import { TocsinError } from '../../base/index.ts'
import { findWholeId } from '../findWholeId.ts'
import { openStore } from '../openStore.ts'
import { type CommonOptions, withCommonOptions } from '../options.ts'
import { printJson, printTable } from '../printTable.ts'
import { userName } from '../userName.ts'
import { withStore } from '../withStore.ts'

const MATCHERS = ['bot', 'alertId', 'thing', 'owner', 'protocol', 'chain', 'severity'] as const

type AddOptions = CommonOptions & {
  readonly as: string
  readonly reason: string
  readonly for: string
} & {
  readonly [K in (typeof MATCHERS)[number]]?: readonly string[]
}

const UNITS: Readonly<Record<string, number>> = { m: 60_000, h: 3_600_000 }

/** `90m`, `4h` in ms. */
const parseDuration = (text: string): number => {
  const found = /^(\d{1,4})([mh])$/.exec(text)
  const unit = UNITS[found?.[2] ?? '']
  if (found && unit !== undefined) return Number(found[1]) * unit
  throw new TocsinError('cli.bad_duration', `"${text.slice(0, 20)}" is no time.`, {
    exitCode: 2,
    hints: ['Write minutes or hours: 90m, 4h.'],
  })
}

const covers = ({ matchers }: Silence): string =>
  Object.entries(matchers)
    .flatMap(([name, values]) => (values ? [`${name}=${values.join('|')}`] : []))
    .join(' ')

const addSilence = async (options: AddOptions): Promise<void> => {
  const lastsMs = parseDuration(options.for)
  const { store, close } = await openStore(options)
  try {
    const matchers = Object.fromEntries(
      MATCHERS.flatMap((name) => (options[name] ? [[name, options[name]]] : [])),
    )
    const silence = await createSilence(store.db, {
      matchers,
      reason: options.reason,
      by: options.as,
      role: 'admin',
      endsAt: new Date(Date.now() + lastsMs),
    })
    if (options.json) return printJson(silence)
    process.stdout.write(
      `${silence.id} stands until ${silence.endsAt.toISOString()}: ${covers(silence)}.\n`,
    )
  } finally {
    await close()
  }
}

const showSilences = async (options: CommonOptions & { readonly all?: boolean }): Promise<void> => {
  const { store, close } = await openStore(options)
  try {
    const rows = await listSilences(store.db, { all: options.all ?? false })
    if (options.json) return printJson(rows)
    const now = new Date()
    printTable(
      rows,
      [
        { title: 'ID', of: (row) => row.id },
        {
          title: 'STATE',
          of: (row) =>
            isSilenceActive(row, now) ? 'stands' : row.startsAt > now ? 'to come' : 'over',
        },
        { title: 'UNTIL', of: (row) => (row.endedAt ?? row.endsAt).toISOString() },
        { title: 'BY', of: (row) => row.createdBy },
        { title: 'COVERS', of: covers, max: 80 },
        { title: 'REASON', of: (row) => row.reason, max: 80 },
      ],
      'No silences.',
    )
  } finally {
    await close()
  }
}

type ActOptions = CommonOptions & { readonly as: string }

/** Does something with the silence whose id begins so, and tells what came of it. */
const actOn =
  (act: typeof endSilence | typeof approveSilence, told: (silence: Silence) => string) =>
  (id: string, options: ActOptions): Promise<void> =>
    withStore(options, async (store) => {
      const whole = await findWholeId(store, 'silence', id)
      const silence = await act(store.db, { id: whole, by: options.as })
      if (options.json) printJson(silence)
      else process.stdout.write(`${silence.id} ${told(silence)}\n`)
    })

const stopSilence = actOn(endSilence, () => 'is over. What still holds is told now.')

const agree = actOn(approveSilence, ({ approvedBy }) => `has the agreement of ${approvedBy}.`)

/** `tocsin silences`: what people are not told of for a while. */
export const register = (program: Command): void => {
  const silences = program
    .command('silences')
    .description('what people are not told of for a while')
  withCommonOptions(
    silences
      .command('list', { isDefault: true })
      .description('silences that stand or are to come')
      .option('-a, --all', 'those of the past too'),
  ).action(showSilences)
  const add = silences
    .command('add')
    .description('make one: all of what is named must match')
    .requiredOption('--reason <text>', 'why')
    .requiredOption('--for <time>', 'how long: 90m, 4h; at most 24h, and 2h when it names SEV1')
    .option('--as <name>', 'who does it', userName())
  for (const name of MATCHERS) {
    const option = `--${name === 'alertId' ? 'alert-id' : name} <values...>`
    add.addOption(
      name === 'severity'
        ? new Option(option, 'only of these').choices(['SEV1', 'SEV2', 'SEV3', 'SEV4'])
        : new Option(option, 'only of these; a value may end or begin with *'),
    )
  }
  withCommonOptions(add).action(addSilence)
  withCommonOptions(
    silences
      .command('end <id>')
      .description('end one before its time')
      .option('--as <name>', 'who does it', userName()),
  ).action(stopSilence)
  withCommonOptions(
    silences
      .command('approve <id>')
      .description('agree, as the second person, to one that names SEV1')
      .option('--as <name>', 'who does it', userName()),
  ).action(agree)
  silences.addHelpText(
    'after',
    `
Examples:
  $ tocsin silences add --thing vault --alert-id TVL-DROP --for 2h --reason 'migration of the vault'
  $ tocsin silences
  $ tocsin silences end s_4f2e9c0011223344`,
  )
}

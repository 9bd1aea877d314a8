import { type Command, InvalidArgumentError, Option } from 'commander'
import { TocsinError } from '../../base/index.ts'
import type { OnCallConfig } from '../../config/types.ts'
import {
  createOverride,
  type Level,
  listHandovers,
  listSchedule,
  readFatigue,
  readOverrides,
  removeOverride,
  renderShift,
  reportShift,
  whoIsOnCall,
} from '../../oncall/index.ts'
import type { Store } from '../../store/index.ts'
import { EXIT } from '../exitCodes.ts'
import { openStore } from '../openStore.ts'
import { type CommonOptions, withCommonOptions } from '../options.ts'
import { printJson, printTable } from '../printTable.ts'
import { userName } from '../userName.ts'

type TeamOptions = CommonOptions & { readonly team?: string }
type ShowOptions = TeamOptions & { readonly days: number }
type OverrideOptions = CommonOptions & {
  readonly level: Level
  readonly from?: Date
  readonly until: Date
  readonly reason?: string
  readonly by: string
}

const DAY_MS = 86_400_000

const withOnCall = async (
  options: CommonOptions,
  work: (store: Store, onCall: OnCallConfig) => Promise<void>,
): Promise<void> => {
  const { store, config, close } = await openStore(options)
  try {
    if (!config.onCall)
      throw new TocsinError('oncall.none', 'The watchlist has no `onCall`.', {
        exitCode: EXIT.invalid,
        hints: ['Name people, rotations and teams: docs/on-call.md says how.'],
      })
    await work(store, config.onCall)
  } finally {
    await close()
  }
}

const teamsIn = (onCall: OnCallConfig, team: string | undefined): readonly string[] => {
  if (team === undefined) return Object.keys(onCall.teams)
  // Says which there are when this is none of them.
  whoIsOnCall(onCall, [], team, new Date())
  return [team]
}

const parseMoment = (text: string): Date => {
  const found = /^\+(\d{1,4})([mhd])$/.exec(text)
  if (found) {
    const unit = { m: 60_000, h: 3_600_000, d: DAY_MS }[found[2] ?? 'm'] ?? 0
    return new Date(Date.now() + Number(found[1]) * unit)
  }
  const moment = new Date(text)
  const hasZone = /(Z|[+-]\d\d:\d\d)$/.test(text)
  if (Number.isNaN(+moment) || !hasZone)
    throw new InvalidArgumentError('Give 2026-12-24T09:00:00+01:00, or +8h, +30m, +2d from now.')
  return moment
}

const parseDays = (text: string): number => {
  const days = Number(text)
  if (!Number.isSafeInteger(days) || days < 1 || days > 366)
    throw new InvalidArgumentError('Give 1 to 366.')
  return days
}

const minute = (at: Date): string => at.toISOString().slice(0, 16).replace('T', ' ')

const printNow = (options: TeamOptions): Promise<void> =>
  withOnCall(options, async ({ db }, onCall) => {
    const now = new Date()
    const overrides = await readOverrides(db, now)
    const rows = teamsIn(onCall, options.team).map((team) =>
      whoIsOnCall(onCall, overrides, team, now),
    )
    if (options.json) return printJson(rows)
    printTable(
      rows,
      [
        { title: 'TEAM', of: (row) => row.team },
        { title: 'PRIMARY', of: (row) => row.primary?.person ?? 'nobody' },
        { title: 'SECONDARY', of: (row) => row.secondary?.person ?? 'nobody' },
        { title: 'LEAD', of: (row) => row.lead.join(', ') },
        { title: 'UNTIL (UTC)', of: (row) => (row.primary ? minute(row.primary.until) : '-') },
        { title: 'BY', of: (row) => row.primary?.override ?? row.primary?.rotation ?? '-' },
      ],
      'There is no team.',
    )
  })

const printSchedule = (options: ShowOptions): Promise<void> =>
  withOnCall(options, async ({ db }, onCall) => {
    const from = new Date()
    const to = new Date(+from + options.days * DAY_MS)
    const overrides = await readOverrides(db, from)
    const rows = teamsIn(onCall, options.team).flatMap((team) =>
      listSchedule(onCall, overrides, team, from, to).map((entry) => ({ team, ...entry })),
    )
    if (options.json) return printJson(rows)
    printTable(
      rows,
      [
        { title: 'TEAM', of: (row) => row.team },
        { title: 'FROM (UTC)', of: (row) => minute(row.from) },
        { title: 'TO (UTC)', of: (row) => minute(row.to) },
        { title: 'PRIMARY', of: (row) => row.primary ?? 'nobody' },
        { title: 'SECONDARY', of: (row) => row.secondary ?? 'nobody' },
        { title: '', of: (row) => (row.isOverride ? 'override' : '') },
      ],
      'There is no team.',
    )
  })

const printFatigue = (options: ShowOptions): Promise<void> =>
  withOnCall(options, async ({ db }, onCall) => {
    const figures = await readFatigue(db, new Date(Date.now() - options.days * DAY_MS))
    const teams = teamsIn(onCall, options.team)
    const rows = figures.filter(({ team }) => teams.includes(team))
    if (options.json) return printJson(rows)
    printTable(
      rows,
      [
        { title: 'TEAM', of: (row) => row.team },
        { title: 'PERSON', of: (row) => row.person },
        { title: 'SHIFT SINCE (UTC)', of: (row) => minute(row.shiftSince) },
        { title: 'PAGES', of: (row) => String(row.pages) },
        { title: 'NIGHT', of: (row) => String(row.nights) },
        { title: 'SEV1', of: (row) => String(row.sev1) },
        { title: 'INCIDENTS', of: (row) => String(row.incidents) },
        {
          title: '',
          of: (row) => (row.pages > onCall.maxPagesPerShift ? 'too many: tune what rings' : ''),
        },
      ],
      `Nobody was paged within ${options.days} days.`,
    )
  })

const printHandover = (options: TeamOptions & { readonly past?: boolean }): Promise<void> =>
  withOnCall(options, async ({ db }, onCall) => {
    const teams = teamsIn(onCall, options.team)
    if (options.past) {
      const rows = (await Promise.all(teams.map((team) => listHandovers(db, team)))).flat()
      if (options.json) return printJson(rows)
      const texts = rows.map(({ report }) => report)
      process.stdout.write(`${texts.join('\n\n') || 'There was no hand-over yet.'}\n`)
      return
    }
    const now = new Date()
    const reports = await Promise.all(teams.map((team) => reportShift(db, onCall, team, now)))
    if (options.json) return printJson(reports)
    process.stdout.write(`${reports.map((one) => renderShift(onCall, one)).join('\n\n')}\n`)
  })

const addOverride = (team: string, person: string, options: OverrideOptions): Promise<void> =>
  withOnCall(options, async ({ db }, onCall) => {
    const row = await createOverride(db, onCall, {
      team,
      person,
      level: options.level,
      startsAt: options.from ?? new Date(),
      endsAt: options.until,
      by: options.by,
      reason: options.reason,
    })
    if (options.json) return printJson(row)
    process.stdout.write(
      `${row.id}: ${row.person} is ${row.level} of ${row.team} from ${minute(row.startsAt)} to ${minute(row.endsAt)} UTC.\n`,
    )
  })

const listOverrides = (options: CommonOptions): Promise<void> =>
  withOnCall(options, async ({ db }) => {
    const rows = await readOverrides(db, new Date())
    if (options.json) return printJson(rows)
    printTable(
      rows,
      [
        { title: 'ID', of: (row) => row.id },
        { title: 'TEAM', of: (row) => row.team },
        { title: 'PLACE', of: (row) => row.level },
        { title: 'PERSON', of: (row) => row.person },
        { title: 'FROM (UTC)', of: (row) => minute(row.startsAt) },
        { title: 'TO (UTC)', of: (row) => minute(row.endsAt) },
        { title: 'BY', of: (row) => row.createdBy },
        { title: 'WHY', of: (row) => row.reason },
      ],
      'No override stands.',
    )
  })

const registerOverrides = (oncall: Command): void => {
  const override = oncall.command('override').description('somebody takes a place for a time')
  withCommonOptions(
    override
      .command('add <team> <person>')
      .description('put a person into a place')
      .addOption(
        new Option('--level <place>', 'which place')
          .choices(['primary', 'secondary'])
          .default('primary'),
      )
      .option('--from <moment>', 'from when on; default: now', parseMoment)
      .requiredOption('--until <moment>', 'until when', parseMoment)
      .option('--reason <text>', 'why')
      .option('--by <name>', 'who says so', userName()),
  ).action(addOverride)
  withCommonOptions(override.command('list').description('those that stand or are to come')).action(
    listOverrides,
  )
  withCommonOptions(
    override
      .command('remove <id>')
      .description('take one back; the rotation counts again')
      .option('--by <name>', 'who says so', userName()),
  ).action((id: string, options: CommonOptions & { readonly by: string }) =>
    withOnCall(options, async ({ db }) => {
      const row = await removeOverride(db, id, options.by)
      if (options.json) return printJson(row)
      process.stdout.write(`${row.id} is taken back.\n`)
    }),
  )
}

/** `tocsin oncall`: who is on call, who takes over when, and how it was. */
export const register = (program: Command): void => {
  const oncall = program.command('oncall').description('who is on call, and how it goes')
  const team = (command: Command): Command => command.option('--team <name>', 'one team alone')
  withCommonOptions(
    team(oncall.command('now', { isDefault: true }).description('whom a page reaches now')),
  ).action(printNow)
  withCommonOptions(
    team(oncall.command('schedule').description('who comes when')).option(
      '--days <n>',
      'how far',
      parseDays,
      28,
    ),
  ).action(printSchedule)
  withCommonOptions(
    team(oncall.command('show').description('pages per person and shift')).option(
      '--days <n>',
      'how far back',
      parseDays,
      28,
    ),
  ).action(printFatigue)
  withCommonOptions(
    team(oncall.command('handover').description('the report of the shift, as of now')).option(
      '--past',
      'the reports of past hand-overs',
    ),
  ).action(printHandover)
  registerOverrides(oncall)
}

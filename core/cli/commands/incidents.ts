import type { Command } from 'commander'
import { asc, desc, eq } from 'drizzle-orm'
import {
  type ActResult,
  acknowledgeIncident,
  commentIncident,
  incidentState,
  mitigateIncident,
  readIncident,
  resolveIncident,
  type TargetFigure,
  unacknowledgeIncident,
} from '../../alerts/index.ts'
import type { Config } from '../../config/types.ts'
import { type Store, tables } from '../../store/index.ts'
import { findWholeId } from '../findWholeId.ts'
import { type CommonOptions, withCommonOptions } from '../options.ts'
import { parseLimit } from '../parseOptions.ts'
import { printFields, printJson, printTable } from '../printTable.ts'
import { userName } from '../userName.ts'
import { withStore } from '../withStore.ts'
import { registerMerging } from './incidentsMerge.ts'

type ActOptions = CommonOptions & { readonly as: string; readonly force?: boolean }

const listIncidents = (
  options: CommonOptions & { readonly all?: boolean; readonly limit: number },
): Promise<void> =>
  withStore(options, async ({ db }) => {
    const { incident } = tables
    const rows = await db
      .select()
      .from(incident)
      .where(options.all ? undefined : eq(incident.status, 'open'))
      .orderBy(...(options.all ? [] : [asc(incident.severity)]), desc(incident.openedAt))
      .limit(options.limit)
    if (options.json) return printJson(rows)
    printTable(
      rows,
      [
        { title: 'ID', of: (row) => row.id.slice(0, 14) },
        { title: 'SEV', of: (row) => row.severity },
        { title: 'STATE', of: (row) => incidentState(row, []) },
        { title: 'OPENED', of: (row) => row.openedAt.toISOString() },
        { title: 'BY', of: (row) => row.acknowledgedBy ?? '-' },
        { title: 'WHAT', of: (row) => row.title, max: 100 },
      ],
      options.all ? 'No incidents.' : 'No open incidents.',
    )
  })

const target = ({ tookS, dueAt, verdict }: TargetFigure): string =>
  `${verdict}${tookS === null ? '' : ` after ${Math.round(tookS)} s`}${dueAt ? `, due ${dueAt}` : ''}`

const showIncident = (id: string, options: CommonOptions): Promise<void> =>
  withStore(options, async (store, config) => {
    const view = await readIncident(store.db, {
      id: await findWholeId(store, 'incident', id),
      config,
    })
    if (options.json) return printJson(view)
    const { incident, blastRadius, cause, held } = view
    const waiting = held.filter(({ releasedAt }) => releasedAt === null)
    printFields({
      id: incident.id,
      what: incident.title,
      severity: incident.severity,
      state: view.state,
      opened: incident.openedAt.toISOString(),
      inHandOf: incident.acknowledgedBy,
      acknowledged: target(view.targets.acknowledged),
      mitigated: target(view.targets.mitigated),
      cause: cause && `${cause.title}: ${cause.why}`,
      leaning: blastRadius.leaning.map(({ name }) => name).join(', ') || null,
      valueUsd: blastRadius.valueUsd,
      notTold: waiting.map(({ reason, alertId }) => `${alertId} ${reason}`).join(', ') || null,
      inhibitedBy: incident.inhibitedBy,
    })
    process.stdout.write('\n')
    printTable(
      view.alerts,
      [
        { title: 'ALERT', of: (row) => row.id.slice(0, 14) },
        { title: 'SEV', of: (row) => row.severity },
        { title: 'STATE', of: (row) => row.status },
        { title: 'THING', of: (row) => row.thing ?? '-' },
        { title: 'WHAT', of: (row) => row.title, max: 80 },
        { title: 'RUNBOOK', of: (row) => row.runbook ?? '-', max: 80 },
      ],
      'No alerts.',
    )
    process.stdout.write('\n')
    printTable(
      view.timeline,
      [
        { title: 'AT', of: (row) => row.at.toISOString() },
        { title: 'KIND', of: (row) => row.kind },
        { title: 'WHO', of: (row) => row.actor ?? row.channel ?? '-' },
        { title: 'WHAT', of: (row) => row.text, max: 120 },
      ],
      'Nothing happened yet.',
    )
  })

const act =
  (work: (store: Store, config: Config, id: string, options: ActOptions) => Promise<ActResult>) =>
  (id: string, options: ActOptions): Promise<void> =>
    withStore(options, async (store, config) => {
      const result = await work(store, config, await findWholeId(store, 'incident', id), options)
      if (options.json) printJson(result)
      else process.stdout.write(`${result.text}\n`)
      if (!result.accepted) process.exitCode = 1
    })

/** `tocsin incidents`: what people work on. */
export const register = (program: Command): void => {
  const incidents = program
    .command('incidents')
    .description('what people work on: alerts that belong together')
  const withAs = (command: Command): Command =>
    withCommonOptions(command.option('--as <name>', 'who does it', userName()))
  withCommonOptions(
    incidents
      .command('list', { isDefault: true })
      .description('open incidents, gravest first')
      .option('-a, --all', 'closed ones too, newest first')
      .option('--limit <n>', 'at most so many', parseLimit, 50),
  ).action(listIncidents)
  withCommonOptions(
    incidents.command('show <id>').description('one incident: cause, reach, alerts and timeline'),
  ).action(showIncident)
  withAs(incidents.command('ack <id>').description('take it in hand: it stays open')).action(
    act((store, _, incidentId, { as }) =>
      acknowledgeIncident(store.db, { incidentId, by: as, via: 'cli' }),
    ),
  )
  withAs(
    incidents.command('unack <id>').description('give it back: whoever is on call is asked again'),
  ).action(
    act((store, _, incidentId, { as }) =>
      unacknowledgeIncident(store.db, { incidentId, by: as, via: 'cli' }),
    ),
  )
  withAs(incidents.command('mitigate <id>').description('say that the harm is stopped')).action(
    act((store, _, incidentId, { as }) =>
      mitigateIncident(store.db, { incidentId, by: as, via: 'cli' }),
    ),
  )
  withAs(
    incidents
      .command('resolve <id>')
      .description('close it with all its alerts, and tell their channels')
      .option('--force', 'even so, if a condition still holds'),
  ).action(
    act((store, config, incidentId, { as, force }) =>
      resolveIncident(store.db, {
        incidentId,
        by: as,
        via: 'cli',
        config,
        evenIfHolding: force ?? false,
      }),
    ),
  )
  const comment = incidents
    .command('comment <id> <words...>')
    .description('write into its timeline')
    .option('--as <name>', 'who does it', userName())
  withCommonOptions(comment).action((id: string, words: string[], options: ActOptions) =>
    act((store, _, incidentId, { as }) =>
      commentIncident(store.db, { incidentId, by: as, via: 'cli', text: words.join(' ') }),
    )(id, options),
  )
  registerMerging(incidents)
  incidents.addHelpText(
    'after',
    `
Examples:
  $ tocsin incidents
  $ tocsin incidents show i_4f2e9c
  $ tocsin incidents ack i_4f2e9c --as ada
  $ tocsin incidents merge i_4f2e9c i_77b0d1 --as ada
  $ tocsin incidents comment i_4f2e9c the pause is mined, watching --as ada`,
  )
}

import type { Command } from 'commander'
import { type ActResult, mergeIncidents, splitIncident } from '../../alerts/index.ts'
import { findWholeId } from '../findWholeId.ts'
import { type CommonOptions, withCommonOptions } from '../options.ts'
import { printJson } from '../printTable.ts'
import { userName } from '../userName.ts'
import { withStore } from '../withStore.ts'

type Options = CommonOptions & { readonly as: string }

const show = (result: ActResult, options: Options): void => {
  if (options.json) printJson(result)
  else process.stdout.write(`${result.text}\n`)
  if (!result.accepted) process.exitCode = 1
}

const merge = (into: string, other: string, options: Options): Promise<void> =>
  withStore(options, async (store, config) =>
    show(
      await mergeIncidents(store.db, {
        incidentId: await findWholeId(store, 'incident', into),
        otherId: await findWholeId(store, 'incident', other),
        by: options.as,
        via: 'cli',
        config,
      }),
      options,
    ),
  )

const split = (id: string, alerts: readonly string[], options: Options): Promise<void> =>
  withStore(options, async (store, config) => {
    const alertIds: string[] = []
    for (const alert of alerts) alertIds.push(await findWholeId(store, 'alert', alert))
    const incidentId = await findWholeId(store, 'incident', id)
    const given = { incidentId, alertIds, by: options.as, via: 'cli', config }
    show(await splitIncident(store.db, given), options)
  })

/** `tocsin incidents merge` and `split`: what the grouping at insert could not know. */
export const registerMerging = (incidents: Command): void => {
  const withAs = (command: Command): Command =>
    withCommonOptions(command.option('--as <name>', 'who does it', userName()))
  withAs(
    incidents
      .command('merge <into> <other>')
      .description('make two incidents one: the other goes into the first, with its alerts'),
  ).action(merge)
  withAs(
    incidents
      .command('split <id> <alerts...>')
      .description('take alerts out of an incident into one of their own'),
  ).action(split)
}

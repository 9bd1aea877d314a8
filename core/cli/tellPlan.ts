import type { Config } from '../config/types.ts'
import type { BotDefinition } from '../engine/types.ts'
import type { LoadedPolicy } from '../response/index.ts'
import { type Store, tables } from '../store/index.ts'
import { planWatch } from './check/planWatch.ts'

/** Writes down which bots look at which thing, for the console: it loads no bots of its own. */
export const tellPlan = async (
  { db }: Pick<Store, 'db'>,
  config: Config,
  bots: readonly BotDefinition<unknown>[],
  policies: readonly LoadedPolicy[],
): Promise<void> => {
  const { hash, things, warnings } = planWatch(config, bots, policies)
  const value = {
    hash,
    things: Object.fromEntries(things.map((thing) => [thing.name, [...thing.bots]])),
    warnings: warnings.slice(0, 50).map((warning) => warning.slice(0, 500)),
  }
  const row = { key: 'watch.plan', value, updatedAt: new Date() }
  await db
    .insert(tables.keyValue)
    .values(row)
    .onConflictDoUpdate({ target: tables.keyValue.key, set: row })
}

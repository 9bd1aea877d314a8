import type pg from 'pg'
import { sleep, TocsinError } from '../base/index.ts'
import { BUILD_PREFIX } from './schemaName.ts'

const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`

const hasMeta = async (client: pg.ClientBase, schema: string): Promise<boolean> => {
  const { rows } = await client.query('select to_regclass($1) is not null as found', [
    `${quoted(schema)}._ponder_meta`,
  ])
  return rows[0]?.found === true
}

/** Connections that a Ponder on this schema holds: it names each after the schema. */
const countConnections = async (client: pg.ClientBase, schema: string): Promise<number> => {
  const { rows } = await client.query<{ n: number }>(
    `select count(*)::int as n from pg_stat_activity
     where datname = current_database() and application_name like $1 || '\\_%'`,
    [schema.replaceAll('_', '\\_')],
  )
  return rows[0]?.n ?? 0
}

/**
 * Frees a build that a killed indexer left locked. Ponder would wait for its heartbeat to grow old; we look whether
 * anybody is still connected, which is both surer and faster.
 * @throws TocsinError `indexer.in_use` when another indexer works on it
 */
export const freeBuildSchema = async (
  client: pg.ClientBase,
  schema: string,
  patienceMs = 20_000,
): Promise<void> => {
  if (!(await hasMeta(client, schema))) return
  for (let waitedMs = 0; (await countConnections(client, schema)) > 0; waitedMs += 250) {
    if (waitedMs >= patienceMs)
      throw new TocsinError('indexer.in_use', `Another indexer works on schema ${schema}.`, {
        exitCode: 4,
        hints: ['One indexer per database and watchlist is enough: stop the other one.'],
      })
    await sleep(250)
  }
  await client.query(
    `update ${quoted(schema)}._ponder_meta
     set value = jsonb_set(value, '{is_locked}', to_jsonb(0)) where key = 'app'`,
  )
}

/** Drops the builds of former code or former watchlists, except the newest of them. Names what was dropped. */
export const dropOldBuilds = async (
  client: pg.ClientBase,
  current: string,
): Promise<readonly string[]> => {
  const { rows } = await client.query<{ name: string }>(
    "select nspname as name from pg_namespace where nspname ~ ('^' || $1 || '[0-9a-f]{8}$')",
    [BUILD_PREFIX],
  )
  const old: { name: string; heartbeatAt: number }[] = []
  for (const { name } of rows) {
    if (name === current || (await countConnections(client, name)) > 0) continue
    let heartbeatAt = 0
    if (await hasMeta(client, name)) {
      const meta = await client.query<{ at: string | null }>(
        `select value->>'heartbeat_at' as at from ${quoted(name)}._ponder_meta where key = 'app'`,
      )
      heartbeatAt = Number(meta.rows[0]?.at ?? 0)
    }
    old.push({ name, heartbeatAt })
  }
  const dropped = old.sort((a, b) => b.heartbeatAt - a.heartbeatAt).slice(1)
  for (const { name } of dropped) await client.query(`drop schema ${quoted(name)} cascade`)
  return dropped.map(({ name }) => name)
}

import type pg from 'pg'
import { messageOf } from '../base/index.ts'
import type { Logger } from '../telemetry/index.ts'

/** Logs in only after an operator has given it a password; the indexer's HTTP interface takes it on as well. */
export const READER_ROLE = 'tocsin_reader'

/** What investigations may read of Tocsin's own tables. A table that is not named here stays closed. */
const READABLE = [
  'alert',
  'alert_finding',
  'bot_health',
  'chain_block',
  'chain_cursor',
  'config_change',
  'cross_check',
  'execution',
  'execution_log',
  'finding',
  'incident',
  'label',
  'process_status',
] as const

const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`

/** Roles belong to the whole server: another database's indexer may be creating it at this very moment. */
const createRole = async (client: pg.ClientBase): Promise<void> => {
  await client.query(`do $$ begin
    create role ${READER_ROLE} login;
  exception when duplicate_object or unique_violation then null;
  end $$`)
  for (const setting of [
    'default_transaction_read_only = on',
    "statement_timeout = '15s'",
    "lock_timeout = '1s'",
    "idle_in_transaction_session_timeout = '60s'",
    'search_path = indexer, tocsin',
  ])
    await client.query(`do $$ begin
      alter role ${READER_ROLE} set ${setting};
    exception when others then
      if sqlerrm not like '%concurrently%' then raise; end if;
    end $$`)
  await client.query(`do $$ begin
    if not pg_has_role(current_user, '${READER_ROLE}', 'member') then
      grant ${READER_ROLE} to current_user;
    end if;
  exception when others then
    if sqlerrm not like '%concurrently%' then raise; end if;
  end $$`)
}

/**
 * Creates the read-only role and lets it read the index (`schemas`, also tables that appear later) and the named tables
 * of Tocsin. False when the database user may not create roles and there is none yet.
 */
export const ensureReaderRole = async (
  client: pg.ClientBase,
  schemas: readonly string[],
  log: Logger,
): Promise<boolean> => {
  try {
    await createRole(client)
  } catch (error) {
    const { rows } = await client.query('select 1 from pg_roles where rolname = $1', [READER_ROLE])
    if (rows.length === 0) {
      log.warn(
        { error: messageOf(error) },
        `The role ${READER_ROLE} cannot be created: GraphQL and SQL run as the database's own user, read-only.`,
      )
      return false
    }
  }
  for (const schema of schemas) {
    const name = quoted(schema)
    await client.query(`create schema if not exists ${name}`)
    await client.query(`grant usage on schema ${name} to ${READER_ROLE}`)
    await client.query(`grant select on all tables in schema ${name} to ${READER_ROLE}`)
    await client.query(
      `alter default privileges in schema ${name} grant select on tables to ${READER_ROLE}`,
    )
  }
  const { rows } = await client.query<{ name: string }>(
    "select tablename as name from pg_tables where schemaname = 'tocsin' and tablename = any($1)",
    [READABLE],
  )
  if (rows.length === 0) return true
  await client.query(`grant usage on schema tocsin to ${READER_ROLE}`)
  const names = rows.map(({ name }) => `tocsin.${quoted(name)}`).join(', ')
  await client.query(`grant select on ${names} to ${READER_ROLE}`)
  return true
}

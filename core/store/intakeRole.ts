import { createHash, createHmac, pbkdf2Sync, randomBytes } from 'node:crypto'
import type pg from 'pg'

/**
 * What the intake does in the database, and no more. It is the process that strangers reach: what is not named here, it
 * can neither read nor change.
 */
const RIGHTS: Readonly<Record<string, string>> = {
  // Deliveries, and what they tell.
  intake_delivery: 'select, insert, update, delete',
  finding: 'select, insert',
  finding_queue: 'insert',
  finding_event: 'insert',
  // Answers of people: to pages ...
  answer_button: 'select, update (used_at, used_by)',
  alert: 'select, insert, update',
  alert_finding: 'select, insert, update',
  incident: 'select, insert, update',
  incident_key: 'select, insert',
  incident_event: 'select, insert',
  oncall_page: 'select',
  outbox: 'select, insert, update',
  silence: 'select',
  held_notice: 'select, insert, update',
  key_value: 'select, insert, update',
  // ... and to proposals. An approval counts by its proof, which nobody makes here.
  execution: 'select',
  execution_approval: 'select, insert, update',
  execution_log: 'select, insert',
  // Its own life.
  process_status: 'select, insert, update',
  config_change: 'insert',
}

type Fence = { readonly table: string; readonly to: 'insert' | 'all'; readonly rows: string }

/** Of these tables only such rows are the intake's. A finding of another bot would be a second voice in a quorum. */
const FENCES: readonly Fence[] = [
  { table: 'finding', to: 'insert', rows: "bot_id like 'external-%'" },
  { table: 'key_value', to: 'all', rows: "key like 'told:%'" },
]

const SCHEMA = 'tocsin'
const MIGRATIONS = 'tocsin_migrations'
const ROLE_LOCK = 7_268_334
/** Postgres cuts names off here. */
const MAX_NAME = 63

const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`

/** Name of the intake's role in a database: roles belong to the whole server, so that each database has its own. */
export const intakeRoleOf = (database: string): string => {
  const name = `${database}_intake`
  if (Buffer.byteLength(name) <= MAX_NAME) return name
  return `${createHash('sha256').update(database).digest('hex').slice(0, 40)}_intake`
}

/** What Postgres keeps of a password: what is logged of statements tells nobody the password itself. */
const verifierOf = (password: string): string => {
  const salt = randomBytes(16)
  const rounds = 4_096
  const salted = pbkdf2Sync(password, salt, rounds, 32, 'sha256')
  const keyOf = (name: string): Buffer => createHmac('sha256', salted).update(name).digest()
  const stored = createHash('sha256').update(keyOf('Client Key')).digest('base64')
  return `SCRAM-SHA-256$${rounds}:${salt.toString('base64')}$${stored}:${keyOf('Server Key').toString('base64')}`
}

/**
 * The password of the role as every supervisor of this database finds it by itself. Slow on purpose: whoever has it
 * shall not find the owner's by trying.
 */
const passwordFor = (ownerUrl: URL, role: string): string =>
  ownerUrl.password
    ? pbkdf2Sync(
        decodeURIComponent(ownerUrl.password),
        `tocsin ${role}`,
        300_000,
        32,
        'sha256',
      ).toString('hex')
    : randomBytes(32).toString('hex')

const grant = async (client: pg.ClientBase, role: string): Promise<void> => {
  const name = quoted(role)
  await client.query(`revoke all on all tables in schema ${SCHEMA} from ${name}`)
  await client.query(`revoke all on all sequences in schema ${SCHEMA} from ${name}`)
  await client.query(`grant usage on schema ${SCHEMA}, ${MIGRATIONS} to ${name}`)
  await client.query(`grant select on ${MIGRATIONS}.__drizzle_migrations to ${name}`)
  for (const [table, rights] of Object.entries(RIGHTS))
    await client.query(`grant ${rights} on ${SCHEMA}.${quoted(table)} to ${name}`)
  const { rows } = await client.query<{ sequence: string }>(
    `select s.oid::regclass::text as sequence from pg_class s
     join pg_depend d on d.objid = s.oid and d.deptype = 'a' join pg_class t on t.oid = d.refobjid
     where s.relkind = 'S' and t.relnamespace = $1::regnamespace and t.relname = any($2)`,
    [SCHEMA, Object.keys(RIGHTS).filter((table) => RIGHTS[table]?.includes('insert'))],
  )
  for (const { sequence } of rows)
    await client.query(`grant usage on sequence ${sequence} to ${name}`)
}

/** Puts up what is not up yet. For everybody else it all goes on as before. */
const fence = async (client: pg.ClientBase, role: string, one: Fence): Promise<void> => {
  const table = `${SCHEMA}.${quoted(one.table)}`
  const { rows } = await client.query<{ name: string }>(
    'select policyname as name from pg_policies where schemaname = $1 and tablename = $2',
    [SCHEMA, one.table],
  )
  const known = new Set(rows.map(({ name }) => name))
  if (!known.has('everybody')) {
    await client.query(`create policy everybody on ${table} using (true) with check (true)`)
    await client.query(`alter table ${table} enable row level security`)
  }
  if (known.has('intake')) return
  const reads = one.to === 'all' ? `using (${one.rows})` : ''
  await client.query(
    `create policy intake on ${table} as restrictive for ${one.to} to ${quoted(role)} ${reads} with check (${one.rows})`,
  )
}

/**
 * Creates the intake's role of this database where it is missing, and gives it what the intake does and nothing else.
 * It logs in only once it has a password. All or nothing.
 * @throws Error of Postgres, where the user of the database may not create roles and there is none yet
 */
export const ensureIntakeRole = async (pool: pg.Pool): Promise<string> => {
  const client = await pool.connect()
  try {
    await client.query('begin')
    await client.query('select pg_advisory_xact_lock($1)', [ROLE_LOCK])
    const { rows } = await client.query<{ name: string }>('select current_database() as name')
    const role = intakeRoleOf(rows[0]?.name ?? '')
    const { rows: found } = await client.query('select 1 from pg_roles where rolname = $1', [role])
    if (found.length === 0) await client.query(`create role ${quoted(role)} login`)
    await grant(client, role)
    for (const one of FENCES) await fence(client, role, one)
    await client.query('commit')
    return role
  } catch (error) {
    await client.query('rollback').catch(() => undefined)
    throw error
  } finally {
    client.release()
  }
}

/**
 * Address by which the intake logs in: as its own role, whose password is set to one that only whoever knows the
 * owner's can find.
 * @throws Error of Postgres, where the user of the database may not create roles
 */
export const openIntakeRole = async (pool: pg.Pool, ownerUrl: string): Promise<string> => {
  const role = await ensureIntakeRole(pool)
  const url = new URL(ownerUrl)
  const password = passwordFor(url, role)
  await pool.query(`alter role ${quoted(role)} password '${verifierOf(password)}'`)
  url.username = encodeURIComponent(role)
  url.password = password
  return url.href
}

import { db } from 'ponder:api'
import schema from 'ponder:schema'
import { drizzle } from 'drizzle-orm/node-postgres'
import { Hono } from 'hono'
import type pg from 'pg'
import { client, graphql } from 'ponder'
import { LIMITS, limitRequests } from './limits.ts'
import * as stored from './stored.ts'

/*
 * GraphQL and SQL over HTTP. Ponder does not hash this folder into the build: it may change without another index.
 */

/** Longest that one statement may take (ms). */
const STATEMENT_TIMEOUT_MS = 15_000

const everything = { ...schema, ...stored }

// Ponder's own pool for reads: its sessions are read-only already; the role also keeps them to the index and to the
// tables of Tocsin that may be read.
const pool = (db as unknown as { $client: pg.Pool }).$client
const role = process.env['TOCSIN_READER_ROLE']
pool.on('connect', (connection) => {
  const asReader = role && /^\w+$/.test(role) ? `set role ${role};` : ''
  connection
    .query(`${asReader} set statement_timeout = ${STATEMENT_TIMEOUT_MS}; set work_mem = '32MB'`)
    // Without the role nothing shall be read at all.
    .catch(() => connection.end())
})

// Look-ups of single rows go through `db.query`, which knows the tables of ponder.schema.ts alone.
const { query } = drizzle(pool, { schema: everything, casing: 'snake_case' })
Object.assign((db as unknown as { query: object }).query, query)

const app = new Hono()
app.use('/graphql', limitRequests)
app.use(
  '/graphql',
  graphql(
    { db, schema: everything as unknown as typeof schema },
    {
      maxOperationDepth: LIMITS.depth,
      maxOperationAliases: LIMITS.aliases,
      maxOperationTokens: LIMITS.tokens,
    },
  ),
)
app.use('/sql/*', client({ db, schema }))

export default app

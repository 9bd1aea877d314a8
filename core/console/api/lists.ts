import {
  and,
  arrayContains,
  asc,
  desc,
  eq,
  gt,
  gte,
  inArray,
  lt,
  lte,
  or,
  type SQL,
} from 'drizzle-orm'
import type { PgColumn } from 'drizzle-orm/pg-core'
import { z } from 'zod'
import { TocsinError } from '../../base/index.ts'
import type { Config } from '../../config/types.ts'
import { type Database, tables } from '../../store/index.ts'
import { decodeCursor, PAGE, toPage } from './operation.ts'

const word = z.string().min(1).max(200)
const sev = z.enum(['SEV1', 'SEV2', 'SEV3', 'SEV4'])
const moment = z.iso.datetime({ offset: true }).transform((text) => new Date(text))
const block = z.coerce.number().int().min(0).max(Number.MAX_SAFE_INTEGER)

const byTime = z.tuple([z.number(), z.string()])
const bySeq = z.tuple([z.number()])

/** Newest first, and the id where two are of one moment. */
const after = (cursor: string | undefined, time: PgColumn, id: PgColumn): SQL | undefined => {
  const parts = decodeCursor(byTime, cursor)
  if (!parts) return undefined
  const at = new Date(parts[0])
  return or(lt(time, at), and(eq(time, at), lt(id, parts[1])))
}

const is = (column: PgColumn, value: unknown): SQL | undefined =>
  value === undefined ? undefined : eq(column, value)

export const incidentFilter = {
  ...PAGE,
  status: z.enum(['open', 'resolved', 'all']).default('all'),
  severity: sev.optional(),
  owner: word.optional(),
}
export const listIncidents = async (
  db: Database,
  query: z.output<z.ZodObject<typeof incidentFilter>>,
) => {
  const { incident: t } = tables
  const rows = await db
    .select()
    .from(t)
    .where(
      and(
        query.status === 'all' ? undefined : eq(t.status, query.status),
        is(t.severity, query.severity),
        is(t.owner, query.owner),
        after(query.cursor, t.openedAt, t.id),
      ),
    )
    .orderBy(desc(t.openedAt), desc(t.id))
    .limit(query.limit + 1)
  return toPage(rows, query.limit, ({ openedAt, id }) => [openedAt.getTime(), id])
}

export const listTimeline = async (
  db: Database,
  incidentId: string,
  query: z.output<z.ZodObject<typeof PAGE>>,
) => {
  const { incidentEvent: t } = tables
  const cursor = decodeCursor(bySeq, query.cursor)
  const rows = await db
    .select()
    .from(t)
    .where(and(eq(t.incidentId, incidentId), cursor ? gt(t.seq, cursor[0]) : undefined))
    .orderBy(asc(t.seq))
    .limit(query.limit + 1)
  return toPage(rows, query.limit, ({ seq }) => [seq])
}

export const alertFilter = {
  ...PAGE,
  status: z.enum(['open', 'unknown', 'resolved', 'retracted', 'all']).default('all'),
  severity: sev.optional(),
  bot: word.optional(),
  thing: word.optional(),
  incident: word.optional(),
}
export const listAlerts = async (
  db: Database,
  query: z.output<z.ZodObject<typeof alertFilter>>,
) => {
  const { alert: t } = tables
  const rows = await db
    .select()
    .from(t)
    .where(
      and(
        query.status === 'all' ? undefined : eq(t.status, query.status),
        is(t.severity, query.severity),
        is(t.botId, query.bot),
        is(t.thing, query.thing),
        is(t.incidentId, query.incident),
        after(query.cursor, t.openedAt, t.id),
      ),
    )
    .orderBy(desc(t.openedAt), desc(t.id))
    .limit(query.limit + 1)
  return toPage(rows, query.limit, ({ openedAt, id }) => [openedAt.getTime(), id])
}

/** @throws TocsinError `query.unknown_chain` */
const chainIdOf = (config: Config, name: string | undefined): number | undefined => {
  if (name === undefined) return undefined
  const chain = config.chains.find((each) => each.name === name || String(each.id) === name)
  if (chain) return chain.id
  throw new TocsinError('query.unknown_chain', 'The watchlist has no such chain.', {
    hints: [`Chains: ${config.chains.map((each) => each.name).join(', ')}.`],
  })
}

export const findingFilter = {
  ...PAGE,
  bot: word.optional(),
  alertId: word.optional(),
  severity: z.enum(['Critical', 'High', 'Medium', 'Low', 'Info']).optional(),
  status: z.enum(['provisional', 'final', 'retracted', 'pending', 'landed', 'dropped']).optional(),
  chain: word.optional().describe('Name or id'),
  address: z
    .string()
    .regex(/^0x[0-9a-fA-F]{40}$/, 'an address')
    .optional()
    .describe('One of those that the finding names'),
  thing: word.optional(),
  tx: z
    .string()
    .regex(/^0x[0-9a-fA-F]{64}$/, 'a hash')
    .optional(),
  fromBlock: block.optional(),
  toBlock: block.optional(),
  since: moment.optional().describe('Found at or after'),
  until: moment.optional().describe('Found before'),
}
export const listFindings = async (
  db: Database,
  config: Config,
  query: z.output<z.ZodObject<typeof findingFilter>>,
) => {
  const { finding: t } = tables
  const cursor = decodeCursor(bySeq, query.cursor)
  const rows = await db
    .select()
    .from(t)
    .where(
      and(
        is(t.botId, query.bot),
        is(t.alertId, query.alertId),
        is(t.severity, query.severity),
        is(t.status, query.status),
        is(t.chainId, chainIdOf(config, query.chain)),
        query.address === undefined
          ? undefined
          : arrayContains(t.addresses, [query.address.toLowerCase()]),
        is(t.thing, query.thing),
        is(t.txHash, query.tx?.toLowerCase()),
        query.fromBlock === undefined ? undefined : gte(t.blockNumber, query.fromBlock),
        query.toBlock === undefined ? undefined : lte(t.blockNumber, query.toBlock),
        query.since === undefined ? undefined : gte(t.createdAt, query.since),
        query.until === undefined ? undefined : lt(t.createdAt, query.until),
        cursor ? lt(t.seq, cursor[0]) : undefined,
      ),
    )
    .orderBy(desc(t.seq))
    .limit(query.limit + 1)
  return toPage(rows, query.limit, ({ seq }) => [seq])
}

export const EXECUTION_STATUSES = [
  'requested',
  'refused',
  'observed',
  'proposed',
  'sending',
  'sent',
  'mined',
  'succeeded',
  'failed',
  'not_needed',
] as const

export const executionFilter = {
  ...PAGE,
  status: z.enum(EXECUTION_STATUSES).optional(),
  action: word.optional(),
}
export const listExecutions = async (
  db: Database,
  query: z.output<z.ZodObject<typeof executionFilter>>,
) => {
  const { execution: t } = tables
  const rows = await db
    .select()
    .from(t)
    .where(
      and(
        is(t.status, query.status),
        is(t.actionId, query.action),
        after(query.cursor, t.requestedAt, t.id),
      ),
    )
    .orderBy(desc(t.requestedAt), desc(t.id))
    .limit(query.limit + 1)
  return toPage(rows, query.limit, ({ requestedAt, id }) => [requestedAt.getTime(), id])
}

export const decisionFilter = { ...PAGE, execution: word.optional() }
export const listDecisions = async (
  db: Database,
  query: z.output<z.ZodObject<typeof decisionFilter>>,
) => {
  const { executionLog: t } = tables
  const cursor = decodeCursor(bySeq, query.cursor)
  const rows = await db
    .select()
    .from(t)
    .where(and(is(t.executionId, query.execution), cursor ? lt(t.seq, cursor[0]) : undefined))
    .orderBy(desc(t.seq))
    .limit(query.limit + 1)
  return toPage(rows, query.limit, ({ seq }) => [seq])
}

/** How each bot does, with the reason of a quarantine. */
export const listBots = async (db: Database) => {
  const { botHealth, botQuarantine } = tables
  const rows = await db.select().from(botHealth).orderBy(botHealth.botId, botHealth.chainId)
  const held = await db
    .select()
    .from(botQuarantine)
    .where(inArray(botQuarantine.botId, rows.length > 0 ? rows.map(({ botId }) => botId) : ['']))
  return rows.map((row) => ({
    ...row,
    quarantine:
      held.find(({ botId, chainId }) => botId === row.botId && chainId === row.chainId)?.reason ??
      null,
  }))
}

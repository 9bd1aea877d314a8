import { arrayContains, gte, inArray, lt, lte } from 'drizzle-orm'
import { z } from 'zod'
import { TocsinError } from '../../base/index.ts'
import type { Config } from '../../config/types.ts'
import { type Database, tables } from '../../store/index.ts'
import { bySeq, is, listPage, newestFirst } from './listPage.ts'
import { PAGE } from './operation.ts'

const word = z.string().min(1).max(200)
const sev = z.enum(['SEV1', 'SEV2', 'SEV3', 'SEV4'])
const moment = z.iso.datetime({ offset: true }).transform((text) => new Date(text))
const block = z.coerce.number().int().min(0).max(Number.MAX_SAFE_INTEGER)

export const incidentFilter = {
  ...PAGE,
  status: z.enum(['open', 'resolved', 'all']).default('all'),
  severity: sev.optional(),
  owner: word.optional(),
}
type Asked<Filter extends z.ZodRawShape> = z.output<z.ZodObject<Filter>>

const incidents = newestFirst<typeof tables.incident.$inferSelect>(
  tables.incident.openedAt,
  tables.incident.id,
  ({ openedAt, id }) => [openedAt, id],
)
export const listIncidents = (db: Database, query: Asked<typeof incidentFilter>) => {
  const { incident: t } = tables
  return listPage(db, t, incidents, query, [
    is(t.status, query.status === 'all' ? undefined : query.status),
    is(t.severity, query.severity),
    is(t.owner, query.owner),
  ])
}

export const listTimeline = (db: Database, incidentId: string, query: Asked<typeof PAGE>) => {
  const { incidentEvent: t } = tables
  return listPage(db, t, bySeq(t.seq, 'on'), query, [is(t.incidentId, incidentId)])
}

export const alertFilter = {
  ...PAGE,
  status: z.enum(['open', 'unknown', 'resolved', 'retracted', 'all']).default('all'),
  severity: sev.optional(),
  bot: word.optional(),
  thing: word.optional(),
  incident: word.optional(),
}
const alerts = newestFirst<typeof tables.alert.$inferSelect>(
  tables.alert.openedAt,
  tables.alert.id,
  ({ openedAt, id }) => [openedAt, id],
)
export const listAlerts = (db: Database, query: Asked<typeof alertFilter>) => {
  const { alert: t } = tables
  return listPage(db, t, alerts, query, [
    is(t.status, query.status === 'all' ? undefined : query.status),
    is(t.severity, query.severity),
    is(t.botId, query.bot),
    is(t.thing, query.thing),
    is(t.incidentId, query.incident),
  ])
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
  query: Asked<typeof findingFilter>,
) => {
  const { finding: t } = tables
  const { address, fromBlock, toBlock, since, until } = query
  return listPage(db, t, bySeq(t.seq, 'back'), query, [
    is(t.botId, query.bot),
    is(t.alertId, query.alertId),
    is(t.severity, query.severity),
    is(t.status, query.status),
    is(t.chainId, chainIdOf(config, query.chain)),
    address === undefined ? undefined : arrayContains(t.addresses, [address.toLowerCase()]),
    is(t.thing, query.thing),
    is(t.txHash, query.tx?.toLowerCase()),
    fromBlock === undefined ? undefined : gte(t.blockNumber, fromBlock),
    toBlock === undefined ? undefined : lte(t.blockNumber, toBlock),
    since === undefined ? undefined : gte(t.createdAt, since),
    until === undefined ? undefined : lt(t.createdAt, until),
  ])
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
const executions = newestFirst<typeof tables.execution.$inferSelect>(
  tables.execution.requestedAt,
  tables.execution.id,
  ({ requestedAt, id }) => [requestedAt, id],
)
export const listExecutions = (db: Database, query: Asked<typeof executionFilter>) => {
  const { execution: t } = tables
  return listPage(db, t, executions, query, [
    is(t.status, query.status),
    is(t.actionId, query.action),
  ])
}

export const decisionFilter = { ...PAGE, execution: word.optional() }
export const listDecisions = (db: Database, query: Asked<typeof decisionFilter>) => {
  const { executionLog: t } = tables
  return listPage(db, t, bySeq(t.seq, 'back'), query, [is(t.executionId, query.execution)])
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

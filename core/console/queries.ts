import { and, asc, desc, eq, getTableColumns, gte, inArray, type SQL, sql } from 'drizzle-orm'
import type { AnyPgColumn } from 'drizzle-orm/pg-core'
import { CANARY_ALERT_ID, SELF_BOT_ID, type Sev } from '../base/index.ts'
import { type Database, tables } from '../store/index.ts'
import type { AlertView, ExecutionView, FindingView, IncidentView } from './overviewTypes.ts'

type Page = { readonly limit: number }

const live = ['open', 'unknown'] as const

/** A canary counts nowhere. */
const isReal = (table: { readonly botId: AnyPgColumn; readonly alertId: AnyPgColumn }): SQL =>
  sql`not (${table.botId} = ${SELF_BOT_ID} and ${table.alertId} = ${CANARY_ALERT_ID})`

export const listAlerts = async (
  db: Database,
  options: Page & { readonly which: 'open' | 'closed' | 'all'; readonly since?: Date | undefined },
): Promise<readonly AlertView[]> => {
  const { alert } = tables
  const {
    key: _,
    lastSeq: _s,
    channels: _c,
    changes: _n,
    lastFindingAt: _l,
    condition: _d,
    ...columns
  } = getTableColumns(alert)
  const isLive = inArray(alert.status, [...live])
  // In the words of the index of ended alerts.
  const hasEnded = sql`${alert.status} not in ('open', 'unknown')`
  const where: SQL | undefined =
    options.which === 'all'
      ? undefined
      : options.which === 'open'
        ? isLive
        : and(hasEnded, options.since ? gte(alert.updatedAt, options.since) : undefined)
  return db
    .select(columns)
    .from(alert)
    .where(and(isReal(alert), where))
    .orderBy(
      ...{
        open: [asc(alert.severity), desc(alert.updatedAt)],
        closed: [desc(alert.updatedAt)],
        all: [desc(alert.openedAt)],
      }[options.which],
    )
    .limit(options.limit)
}

export const listIncidents = async (
  db: Database,
  options: Page & { readonly isOpen: boolean },
): Promise<readonly IncidentView[]> =>
  db
    .select()
    .from(tables.incident)
    .where(options.isOpen ? eq(tables.incident.status, 'open') : undefined)
    .orderBy(
      ...(options.isOpen ? [asc(tables.incident.severity)] : []),
      desc(tables.incident.openedAt),
    )
    .limit(options.limit)

export type FindingFilter = Page & {
  readonly bot?: string | undefined
  readonly severity?: string | undefined
  readonly status?: FindingView['status'] | undefined
  readonly since?: Date | undefined
}

export const listFindings = async (
  db: Database,
  filter: FindingFilter,
): Promise<readonly FindingView[]> => {
  const { finding } = tables
  const {
    botVersion: _v,
    uniqueKey: _u,
    labels: _l,
    finalizedAt: _f,
    revision: _r,
    ...columns
  } = getTableColumns(finding)
  return db
    .select(columns)
    .from(finding)
    .where(
      and(
        isReal(finding),
        filter.bot ? eq(finding.botId, filter.bot) : undefined,
        filter.severity ? eq(finding.severity, filter.severity) : undefined,
        filter.status ? eq(finding.status, filter.status) : undefined,
        filter.since ? gte(finding.createdAt, filter.since) : undefined,
      ),
    )
    .orderBy(desc(finding.seq))
    .limit(filter.limit)
}

const executionColumns = {
  id: tables.execution.id,
  actionId: tables.execution.actionId,
  mode: tables.execution.mode,
  chainId: tables.execution.chainId,
  findingId: tables.execution.findingId,
  thing: tables.execution.thing,
  status: tables.execution.status,
  reason: tables.execution.reason,
  reasonCode: tables.execution.reasonCode,
  target: tables.execution.target,
  calldata: tables.execution.calldata,
  signerAddress: tables.execution.signerAddress,
  txHashes: tables.execution.txHashes,
  minedTxHash: tables.execution.minedTxHash,
  minedBlock: tables.execution.minedBlock,
  seenAtMs: tables.execution.seenAtMs,
  requestedAt: tables.execution.requestedAt,
  broadcastAt: tables.execution.broadcastAt,
  minedAt: tables.execution.minedAt,
  confirmedAt: tables.execution.confirmedAt,
  updatedAt: tables.execution.updatedAt,
  approvedBy: tables.execution.approvedBy,
}

export const listExecutions = async (
  db: Database,
  options: Page,
): Promise<readonly ExecutionView[]> =>
  db
    .select(executionColumns)
    .from(tables.execution)
    .orderBy(desc(tables.execution.requestedAt))
    .limit(options.limit)

/** Actions that wait for people, the oldest first. */
export const listWaiting = async (db: Database): Promise<readonly ExecutionView[]> =>
  db
    .select(executionColumns)
    .from(tables.execution)
    .where(eq(tables.execution.status, 'proposed'))
    .orderBy(asc(tables.execution.requestedAt))
    .limit(50)

/** Open alerts by severity, all of them. */
export const countOpenAlerts = async (db: Database): Promise<Readonly<Record<Sev, number>>> => {
  const { severity, status } = tables.alert
  const rows = await db
    .select({ severity, count: sql<number>`count(*)::int` })
    .from(tables.alert)
    .where(and(isReal(tables.alert), inArray(status, [...live])))
    .groupBy(severity)
  const counts = { SEV1: 0, SEV2: 0, SEV3: 0, SEV4: 0 }
  for (const row of rows) counts[row.severity] = row.count
  return counts
}

import { and, asc, desc, eq, getTableColumns, gte, inArray, type SQL, sql } from 'drizzle-orm'
import type { Sev } from '../base/index.ts'
import { type Database, tables } from '../store/index.ts'
import type { AlertView, ExecutionView, FindingView, IncidentView } from './overviewTypes.ts'

type Page = { readonly limit: number }

const live = ['open', 'unknown'] as const

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
  const where: SQL | undefined =
    options.which === 'all'
      ? undefined
      : options.which === 'open'
        ? isLive
        : and(sql`not ${isLive}`, options.since ? gte(alert.updatedAt, options.since) : undefined)
  return db
    .select(columns)
    .from(alert)
    .where(where)
    .orderBy(
      ...(options.which === 'open'
        ? [asc(alert.severity), desc(alert.updatedAt)]
        : [desc(alert.openedAt)]),
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
        filter.bot ? eq(finding.botId, filter.bot) : undefined,
        filter.severity ? eq(finding.severity, filter.severity) : undefined,
        filter.status ? eq(finding.status, filter.status) : undefined,
        filter.since ? gte(finding.createdAt, filter.since) : undefined,
      ),
    )
    .orderBy(desc(finding.seq))
    .limit(filter.limit)
}

export const listExecutions = async (
  db: Database,
  options: Page,
): Promise<readonly ExecutionView[]> => {
  const { execution: e } = tables
  return db
    .select({
      id: e.id,
      actionId: e.actionId,
      mode: e.mode,
      chainId: e.chainId,
      findingId: e.findingId,
      thing: e.thing,
      status: e.status,
      reason: e.reason,
      reasonCode: e.reasonCode,
      target: e.target,
      calldata: e.calldata,
      signerAddress: e.signerAddress,
      txHashes: e.txHashes,
      minedTxHash: e.minedTxHash,
      minedBlock: e.minedBlock,
      seenAtMs: e.seenAtMs,
      requestedAt: e.requestedAt,
      broadcastAt: e.broadcastAt,
      minedAt: e.minedAt,
      confirmedAt: e.confirmedAt,
      updatedAt: e.updatedAt,
      approvedBy: e.approvedBy,
    })
    .from(e)
    .orderBy(desc(e.requestedAt))
    .limit(options.limit)
}

/** Open alerts by severity, all of them. */
export const countOpenAlerts = async (db: Database): Promise<Readonly<Record<Sev, number>>> => {
  const { severity, status } = tables.alert
  const rows = await db
    .select({ severity, count: sql<number>`count(*)::int` })
    .from(tables.alert)
    .where(inArray(status, [...live]))
    .groupBy(severity)
  const counts = { SEV1: 0, SEV2: 0, SEV3: 0, SEV4: 0 }
  for (const row of rows) counts[row.severity] = row.count
  return counts
}

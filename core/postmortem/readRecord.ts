import { asc, eq, inArray, sql } from 'drizzle-orm'
import { cleanText, TocsinError } from '../base/index.ts'
import type { Config } from '../config/types.ts'
import { type Database, tables } from '../store/index.ts'
import type { IncidentRecord } from './types.ts'

/** Most rows of a kind that are read (a storm may bring more; what was left out is said). */
const MOST = 2_000

/**
 * Reads all that is stored about an incident.
 * @throws TocsinError `incident.unknown`
 */
export const readRecord = async (
  db: Database,
  config: Pick<Config, 'chains'>,
  id: string,
  most = MOST,
): Promise<IncidentRecord> => {
  const { alert, alertFinding, execution, executionApproval, executionLog, finding, incident } =
    tables
  const [row] = await db.select().from(incident).where(eq(incident.id, id))
  if (!row)
    throw new TocsinError('incident.unknown', `There is no incident "${cleanText(id, 60)}".`, {
      hints: ['`tocsin incidents list --all` shows them.'],
      exitCode: 2,
    })
  const alerts = await db
    .select()
    .from(alert)
    .where(eq(alert.incidentId, id))
    .orderBy(asc(alert.openedAt))
    .limit(most + 1)
  const alertIds = alerts.map((each) => each.id)
  const [findings, events, deliveries] = await Promise.all([
    alertIds.length === 0
      ? []
      : db
          .select()
          .from(finding)
          .where(
            inArray(
              finding.id,
              db
                .select({ id: alertFinding.findingId })
                .from(alertFinding)
                .where(inArray(alertFinding.alertId, alertIds)),
            ),
          )
          .orderBy(asc(finding.seq))
          .limit(most + 1),
    db
      .select()
      .from(tables.incidentEvent)
      .where(eq(tables.incidentEvent.incidentId, id))
      .orderBy(asc(tables.incidentEvent.seq))
      .limit(most * 2 + 1),
    alertIds.length === 0
      ? []
      : db
          .select({
            seq: tables.outbox.seq,
            channel: tables.outbox.channel,
            alertId: tables.outbox.alertId,
            severity: tables.outbox.severity,
            status: tables.outbox.status,
            attempts: tables.outbox.attempts,
            lastError: tables.outbox.lastError,
            createdAt: tables.outbox.createdAt,
            sentAt: tables.outbox.sentAt,
            change: sql<string>`coalesce(${tables.outbox.payload}->>'change', 'told')`,
          })
          .from(tables.outbox)
          .where(inArray(tables.outbox.alertId, alertIds))
          .orderBy(asc(tables.outbox.seq))
          .limit(most + 1),
  ])
  const findingIds = findings.map((each) => each.id)
  const executions =
    findingIds.length === 0
      ? []
      : await db
          .select({
            id: execution.id,
            actionId: execution.actionId,
            mode: execution.mode,
            chainId: execution.chainId,
            findingId: execution.findingId,
            thing: execution.thing,
            status: execution.status,
            reason: execution.reason,
            target: execution.target,
            minedTxHash: execution.minedTxHash,
            minedBlock: execution.minedBlock,
            feeWei: execution.feeWei,
            requestedAt: execution.requestedAt,
            broadcastAt: execution.broadcastAt,
            minedAt: execution.minedAt,
            confirmedAt: execution.confirmedAt,
          })
          .from(execution)
          .where(inArray(execution.findingId, findingIds))
          .orderBy(asc(execution.requestedAt))
          .limit(200)
  const executionIds = executions.map((each) => each.id)
  const [answers, log] =
    executionIds.length === 0
      ? [[], []]
      : await Promise.all([
          db
            .select({
              executionId: executionApproval.executionId,
              who: executionApproval.who,
              role: executionApproval.role,
              decision: executionApproval.decision,
              via: executionApproval.via,
              at: executionApproval.at,
            })
            .from(executionApproval)
            .where(inArray(executionApproval.executionId, executionIds))
            .orderBy(asc(executionApproval.at))
            .limit(500),
          db
            .select({
              seq: executionLog.seq,
              executionId: executionLog.executionId,
              at: executionLog.at,
              event: executionLog.event,
              detail: executionLog.detail,
            })
            .from(executionLog)
            .where(inArray(executionLog.executionId, executionIds))
            .orderBy(asc(executionLog.seq))
            .limit(most),
        ])
  const lists = { alerts, findings, messages: deliveries }
  return {
    at: new Date(),
    incident: row,
    alerts: alerts.slice(0, most),
    findings: findings.slice(0, most),
    events: events.slice(0, most * 2),
    deliveries: deliveries.slice(0, most),
    executions,
    answers,
    log,
    chains: new Map(config.chains.map(({ id: chainId, name }) => [chainId, name])),
    cut: [
      ...Object.entries(lists).flatMap(([name, list]) =>
        list.length > most ? [`${name}: the first ${most} only`] : [],
      ),
      ...(events.length > most * 2 ? [`timeline: the first ${most * 2} events only`] : []),
    ],
  }
}

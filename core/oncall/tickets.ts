import { and, desc, eq, sql } from 'drizzle-orm'
import { cleanText, stableHash, TocsinError } from '../base/index.ts'
import { type Database, tables } from '../store/index.ts'
import { teamsOf } from './teamsOf.ts'
import type { OnCallConfig } from './types.ts'

/** Filing is one notifier's at a time: it counts. */
const FILE_LOCK = 7_268_351
/** Alerts that are filed in one turn. */
const MOST_AT_ONCE = 500

export type TicketRow = typeof tables.ticket.$inferSelect
type AlertRow = typeof tables.alert.$inferSelect

/** One ticket for all alerts of one sort about one thing: a noisy bot fills one line, not the queue. */
const keyOf = (row: AlertRow): string =>
  `${row.botId}/${row.alertId}/${row.chainId}/${row.thing ?? row.protocol ?? ''}`

/**
 * Files what waits for the next business day. What bots call Info is a log line and no ticket. Answers how many alerts
 * were filed.
 */
export const fileTickets = async (
  db: Database,
  config: OnCallConfig,
  now: Date,
): Promise<number> => {
  const { severity } = config.tickets
  return db.transaction(async (tx) => {
    await tx.execute(sql`select pg_advisory_xact_lock(${FILE_LOCK})`)
    const fresh = await tx
      .select()
      .from(tables.alert)
      .where(
        sql`${tables.alert.severity} = any(${sql.param(severity)}::text[])
          and ${tables.alert.status} in ('open', 'unknown')
          and not exists (select 1 from tocsin.ticket_alert t where t.alert_id = ${tables.alert.id})
          and exists (select 1 from tocsin.alert_finding af
            join tocsin.finding f on f.id = af.finding_id
            where af.alert_id = ${tables.alert.id} and f.severity <> 'Info')`,
      )
      .orderBy(tables.alert.openedAt)
      .limit(MOST_AT_ONCE)
    let filed = 0
    for (const row of fresh) {
      const key = keyOf(row)
      const values = {
        id: `t_${stableHash('ticket', key, row.id).slice(0, 16)}`,
        key,
        team: teamsOf(config, row)[0] ?? '',
        title: cleanText(row.title, 200),
        summary: cleanText(row.summary, 1_000),
        severity: row.severity,
        thing: row.thing,
        owner: row.owner,
        runbook: row.runbook,
        lastAlertId: row.id,
        openedAt: now,
        updatedAt: now,
      }
      const [kept] = await tx
        .insert(tables.ticket)
        .values(values)
        .onConflictDoUpdate({
          target: tables.ticket.key,
          targetWhere: sql`status = 'open'`,
          set: {
            alerts: sql`${tables.ticket.alerts} + 1`,
            lastAlertId: row.id,
            summary: values.summary,
            updatedAt: now,
          },
        })
        .returning({ id: tables.ticket.id })
      if (!kept) continue
      const { rowCount } = await tx
        .insert(tables.ticketAlert)
        .values({ alertId: row.id, ticketId: kept.id })
        .onConflictDoNothing()
      filed += rowCount ?? 0
    }
    return filed
  })
}

export const listTickets = (
  db: Database,
  filter: { readonly all?: boolean | undefined; readonly team?: string | undefined } = {},
): Promise<TicketRow[]> =>
  db
    .select()
    .from(tables.ticket)
    .where(
      and(
        filter.all ? undefined : eq(tables.ticket.status, 'open'),
        filter.team === undefined ? undefined : eq(tables.ticket.team, filter.team),
      ),
    )
    .orderBy(desc(tables.ticket.updatedAt))
    .limit(500)

/**
 * Closes a ticket; the next alert of its sort opens a new one.
 * @throws TocsinError `ticket.unknown`
 */
export const closeTicket = async (db: Database, id: string, by: string): Promise<TicketRow> => {
  const [row] = await db
    .update(tables.ticket)
    .set({ status: 'closed', closedAt: new Date(), closedBy: cleanText(by, 100) })
    .where(and(eq(tables.ticket.id, id), eq(tables.ticket.status, 'open')))
    .returning()
  if (!row)
    throw new TocsinError('ticket.unknown', `There is no open ticket "${cleanText(id, 40)}".`, {
      hints: ['`tocsin tickets list` shows them.'],
      exitCode: 2,
    })
  return row
}

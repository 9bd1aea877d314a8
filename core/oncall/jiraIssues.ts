import { and, eq, isNull, sql } from 'drizzle-orm'
import { z } from 'zod'
import { backoffMs, cleanText, messageOf } from '../base/index.ts'
import { type Database, tables } from '../store/index.ts'
import type { TicketRow } from './tickets.ts'
import type { OnCallConfig } from './types.ts'

type Jira = NonNullable<OnCallConfig['tickets']['jira']>

const TIMEOUT_MS = 10_000
const MOST_AT_ONCE = 20
const MAX_ATTEMPTS = 50

const created = z.object({ key: z.string().regex(/^[A-Z][A-Z0-9_]+-\d+$/) })
const found = z.object({ issues: z.array(created) })

const labelOf = (ticket: TicketRow): string => `tocsin-${ticket.id}`

const paragraph = (text: string) => ({
  type: 'paragraph',
  content: text === '' ? [] : [{ type: 'text', text }],
})

/** An issue as version 3 of Jira's REST API takes it. Text of strangers stands in text nodes and is never read as marks. */
const encodeIssue = (jira: Jira, ticket: TicketRow) => ({
  fields: {
    project: { key: jira.project },
    issuetype: { name: jira.issueType },
    summary: cleanText(ticket.title, 240),
    labels: ['tocsin', labelOf(ticket), ticket.team].map((label) => label.replace(/\s+/g, '-')),
    description: {
      type: 'doc',
      version: 1,
      content: [
        paragraph(cleanText(ticket.summary, 1_000)),
        paragraph(`${ticket.key}, ${ticket.severity}, team ${ticket.team}`),
        ...(ticket.runbook ? [paragraph(`Runbook: ${cleanText(ticket.runbook, 300)}`)] : []),
      ],
    },
  },
})

const call = async (jira: Jira, path: string, body?: unknown): Promise<unknown> => {
  const response = await fetch(new URL(`${jira.url.replace(/\/+$/, '')}${path}`), {
    method: body === undefined ? 'GET' : 'POST',
    redirect: 'manual',
    signal: AbortSignal.timeout(TIMEOUT_MS),
    headers: {
      'content-type': 'application/json',
      accept: 'application/json',
      authorization: `Basic ${Buffer.from(`${jira.user}:${jira.token}`).toString('base64')}`,
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
  if (!response.ok) throw new Error(`Jira answered ${response.status}`)
  return response.json()
}

const createIssue = async (jira: Jira, ticket: TicketRow): Promise<string> => {
  // An answer that was lost may have left an issue: its label tells.
  if (ticket.issueAttempts > 0) {
    const jql = encodeURIComponent(`labels = "${labelOf(ticket)}"`)
    const known = found.parse(await call(jira, `/rest/api/3/search/jql?jql=${jql}&fields=key`))
    const [first] = known.issues
    if (first) return first.key
  }
  return created.parse(await call(jira, '/rest/api/3/issue', encodeIssue(jira, ticket))).key
}

/** Makes an issue of every open ticket that has none. What fails is tried again, later and later. Answers how many were made. */
export const sendIssues = async (db: Database, jira: Jira): Promise<number> => {
  // The attempt is counted before it is made, and the row is out of others' hands for as long as it may take.
  const { rows } = await db.execute<{ id: string }>(sql`
    update tocsin.ticket set issue_attempts = issue_attempts + 1,
      issue_due_at = now() + interval '1 minute'
    where id in (
      select id from tocsin.ticket
      where issue is null and status = 'open' and issue_due_at <= now()
        and issue_attempts < ${MAX_ATTEMPTS}
      order by opened_at limit ${MOST_AT_ONCE} for update skip locked)
    returning id`)
  let made = 0
  for (const { id } of rows) {
    const [ticket] = await db.select().from(tables.ticket).where(eq(tables.ticket.id, id))
    if (!ticket) continue
    const attempts = ticket.issueAttempts - 1
    try {
      const issue = await createIssue(jira, { ...ticket, issueAttempts: attempts })
      await db
        .update(tables.ticket)
        .set({ issue, issueError: null })
        .where(and(eq(tables.ticket.id, id), isNull(tables.ticket.issue)))
      made += 1
    } catch (error) {
      const pauseMs = backoffMs(attempts, 5_000, 3_600_000)
      await db
        .update(tables.ticket)
        .set({
          issueError: cleanText(messageOf(error), 200),
          issueDueAt: sql`now() + ${pauseMs} * interval '1 millisecond'`,
        })
        .where(eq(tables.ticket.id, id))
    }
  }
  return made
}

import { sql } from 'drizzle-orm'
import {
  bigserial,
  boolean,
  index,
  integer,
  primaryKey,
  text,
  uniqueIndex,
} from 'drizzle-orm/pg-core'
import { at, tocsin } from './columns.ts'

type Sev = 'SEV1' | 'SEV2' | 'SEV3' | 'SEV4'

/** Somebody takes a place in a rotation for a time. */
export const oncallOverride = tocsin.table(
  'oncall_override',
  {
    id: text('id').primaryKey(),
    team: text('team').notNull(),
    level: text('level').$type<'primary' | 'secondary'>().notNull(),
    /** A key of `onCall.people`. */
    person: text('person').notNull(),
    startsAt: at('starts_at').notNull(),
    endsAt: at('ends_at').notNull(),
    reason: text('reason').notNull().default(''),
    createdBy: text('created_by').notNull(),
    createdAt: at('created_at').notNull().defaultNow(),
    removedAt: at('removed_at'),
    removedBy: text('removed_by'),
  },
  (t) => [index('oncall_override_ends').on(t.team, t.endsAt)],
)

/**
 * The timer of an incident that people are paged for, one per team; what is due is claimed by whichever notifier comes
 * first. An acknowledgement ends it.
 */
export const oncallEscalation = tocsin.table(
  'oncall_escalation',
  {
    id: text('id').primaryKey(),
    incidentId: text('incident_id').notNull(),
    team: text('team').notNull(),
    severity: text('severity').$type<Sev>().notNull(),
    /** `waiting`: for business hours. */
    status: text('status').$type<'waiting' | 'active' | 'ended'>().notNull(),
    /** Which step comes next, from 0: primary, secondary, lead, all; then again. */
    step: integer('step').notNull().default(0),
    dueAt: at('due_at').notNull(),
    /** Alert that the pages speak of. */
    alertId: text('alert_id').notNull(),
    openedAt: at('opened_at').notNull().defaultNow(),
    endedAt: at('ended_at'),
    /** `acknowledged`, `over`, `silenced`, `inhibited`, `milder`, `gone`. */
    endedBy: text('ended_by'),
  },
  (t) => [
    uniqueIndex('oncall_escalation_live').on(t.incidentId, t.team).where(sql`status <> 'ended'`),
    index('oncall_escalation_due').on(t.dueAt).where(sql`status <> 'ended'`),
    index('oncall_escalation_incident').on(t.incidentId),
  ],
)

/** Every time somebody was paged: what fatigue, hand-over and post-mortem are told from. */
export const oncallPage = tocsin.table(
  'oncall_page',
  {
    seq: bigserial('seq', { mode: 'number' }).primaryKey(),
    escalationId: text('escalation_id').notNull(),
    incidentId: text('incident_id').notNull(),
    team: text('team').notNull(),
    step: integer('step').notNull(),
    level: text('level').$type<'primary' | 'secondary' | 'lead' | 'all'>().notNull(),
    /** A key of `onCall.people`; null where a channel was paged and no person. */
    person: text('person'),
    severity: text('severity').$type<Sev>().notNull(),
    /** `dedup_key` of the messages in the outbox. */
    messages: text('messages').array().notNull().default(sql`'{}'::text[]`),
    at: at('at').notNull().defaultNow(),
    /** Between 22:00 and 07:00 where the person is. */
    isNight: boolean('is_night').notNull().default(false),
    /** Beginning of the shift that the person had; null when they had none. */
    shiftSince: at('shift_since'),
  },
  (t) => [
    index('oncall_page_escalation').on(t.escalationId),
    index('oncall_page_incident').on(t.incidentId),
    index('oncall_page_at').on(t.at),
    index('oncall_page_shift').on(t.person, t.shiftSince),
  ],
)

/** Hand-overs that were reported. */
export const oncallHandover = tocsin.table(
  'oncall_handover',
  {
    team: text('team').notNull(),
    at: at('at').notNull(),
    gone: text('gone'),
    comes: text('comes'),
    /** The report as people read it. */
    report: text('report').notNull(),
    createdAt: at('created_at').notNull().defaultNow(),
  },
  (t) => [primaryKey({ columns: [t.team, t.at] })],
)

/** What waits for the next business day: one row for all alerts of one sort about one thing. */
export const ticket = tocsin.table(
  'ticket',
  {
    id: text('id').primaryKey(),
    /** Bot, alertId and what it is about: one open ticket per key. */
    key: text('key').notNull(),
    status: text('status').$type<'open' | 'closed'>().notNull().default('open'),
    team: text('team').notNull(),
    title: text('title').notNull(),
    summary: text('summary').notNull(),
    severity: text('severity').$type<Sev>().notNull(),
    thing: text('thing'),
    owner: text('owner'),
    runbook: text('runbook'),
    alerts: integer('alerts').notNull().default(1),
    lastAlertId: text('last_alert_id').notNull(),
    openedAt: at('opened_at').notNull().defaultNow(),
    updatedAt: at('updated_at').notNull().defaultNow(),
    closedAt: at('closed_at'),
    closedBy: text('closed_by'),
    /** Key of the issue that stands for it in Jira. */
    issue: text('issue'),
    issueAttempts: integer('issue_attempts').notNull().default(0),
    issueDueAt: at('issue_due_at').notNull().defaultNow(),
    issueError: text('issue_error'),
  },
  (t) => [
    uniqueIndex('ticket_open_key').on(t.key).where(sql`status = 'open'`),
    index('ticket_opened').on(t.openedAt),
    index('ticket_issue_due').on(t.issueDueAt).where(sql`issue is null and status = 'open'`),
  ],
)

/** Alerts that stand in a ticket. */
export const ticketAlert = tocsin.table(
  'ticket_alert',
  {
    alertId: text('alert_id').primaryKey(),
    ticketId: text('ticket_id').notNull(),
  },
  (t) => [index('ticket_alert_ticket').on(t.ticketId)],
)

/**
 * Buttons that were sent out: what each one means, once, and until when. What a button carries is not in here, only its
 * hash: whoever reads this table can press none, and can open nothing that is sealed in it.
 */
export const answerButton = tocsin.table(
  'answer_button',
  {
    /** SHA-256 of what the button carries. */
    id: text('id').primaryKey(),
    act: text('act').$type<'acknowledge' | 'approve' | 'deny'>().notNull(),
    incidentId: text('incident_id'),
    /** Of an approval: what it is bound to. */
    executionId: text('execution_id'),
    bytesHash: text('bytes_hash'),
    role: text('role'),
    /** What each approver would say by it, signed beforehand; only what the button carries opens it. */
    claims: text('claims'),
    channel: text('channel').notNull(),
    /** Of the message that has the button: what stands in its place afterwards is made from it. */
    dedupKey: text('dedup_key').notNull(),
    createdAt: at('created_at').notNull().defaultNow(),
    expiresAt: at('expires_at').notNull(),
    usedAt: at('used_at'),
    usedBy: text('used_by'),
  },
  (t) => [index('answer_button_expires').on(t.expiresAt)],
)

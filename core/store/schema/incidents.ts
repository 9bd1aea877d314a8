import { sql } from 'drizzle-orm'
import { bigserial, index, jsonb, primaryKey, text, uniqueIndex } from 'drizzle-orm/pg-core'
import type { Json } from '../../base/index.ts'
import { at, tocsin } from './columns.ts'

/** What happened to an incident, in the order in which it was written; nothing here is ever changed or deleted. */
export const incidentEvent = tocsin.table(
  'incident_event',
  {
    seq: bigserial('seq', { mode: 'number' }).primaryKey(),
    incidentId: text('incident_id').notNull(),
    alertId: text('alert_id'),
    at: at('at').notNull().defaultNow(),
    /** `opened`, `joined`, `raised`, `acknowledged`, `paged`, `comment`, …: see `IncidentEventKind` of core/alerts. */
    kind: text('kind').notNull(),
    /** Who did it; null when Tocsin did. */
    actor: text('actor'),
    /** By which channel of the watchlist, or `console`, `api`, `cli`. */
    channel: text('channel'),
    /** One sentence for people. */
    text: text('text').notNull(),
    detail: jsonb('detail').$type<Json>().notNull().default({}),
  },
  (t) => [
    index('incident_event_incident').on(t.incidentId, t.seq),
    index('incident_event_at').on(t.at),
  ],
)

/** What an incident is about, for the grouping of later alerts: protocol, thing, transaction, address. */
export const incidentKey = tocsin.table(
  'incident_key',
  {
    /** `protocol:aave`, `thing:vault`, `tx:1:0x…`, `address:1:0x…`. */
    key: text('key').notNull(),
    incidentId: text('incident_id').notNull(),
    at: at('at').notNull().defaultNow(),
  },
  (t) => [
    primaryKey({ columns: [t.key, t.incidentId] }),
    index('incident_key_incident').on(t.incidentId),
  ],
)

/** People are not told of what matches, for a while. */
export const silence = tocsin.table(
  'silence',
  {
    id: text('id').primaryKey(),
    /** `{bot: [...], alertId: [...], thing: [...], owner: [...], chain: [...], severity: [...]}`; all must match. */
    matchers: jsonb('matchers').$type<Json>().notNull(),
    reason: text('reason').notNull(),
    createdBy: text('created_by').notNull(),
    createdAt: at('created_at').notNull().defaultNow(),
    /** Of a SEV1 silence: the second person, without whom it covers no SEV1. */
    approvedBy: text('approved_by'),
    approvedAt: at('approved_at'),
    startsAt: at('starts_at').notNull(),
    endsAt: at('ends_at').notNull(),
    endedAt: at('ended_at'),
    endedBy: text('ended_by'),
    /** When what still held at its end was told; null while that is to come. */
    releasedAt: at('released_at'),
  },
  (t) => [
    index('silence_ends').on(t.endsAt),
    index('silence_unreleased').on(t.endsAt).where(sql`released_at is null`),
  ],
)

/** A change of an alert that people were not told at once, and why. At most one row per alert that still waits. */
export const heldNotice = tocsin.table(
  'held_notice',
  {
    seq: bigserial('seq', { mode: 'number' }).primaryKey(),
    alertId: text('alert_id').notNull(),
    incidentId: text('incident_id').notNull(),
    reason: text('reason')
      .$type<'silenced' | 'inhibited' | 'grouped' | 'cooldown' | 'flapping' | 'storm' | 'hours'>()
      .notNull(),
    /** Of the silence, incident or maintenance window that holds it back; else empty. */
    heldBy: text('held_by').notNull().default(''),
    change: text('change').notNull(),
    severity: text('severity').$type<'SEV1' | 'SEV2' | 'SEV3' | 'SEV4'>().notNull(),
    channels: text('channels').array().notNull().default(sql`'{}'::text[]`),
    heldAt: at('held_at').notNull(),
    /** When it is to be told if it is still true; null: when what holds it back ends. */
    dueAt: at('due_at'),
    releasedAt: at('released_at'),
    /** What came of it: `told`, `digest`, `over`. */
    outcome: text('outcome'),
  },
  (t) => [
    uniqueIndex('held_notice_waiting').on(t.alertId).where(sql`released_at is null`),
    index('held_notice_due').on(t.dueAt).where(sql`released_at is null`),
    index('held_notice_incident').on(t.incidentId),
  ],
)

import { sql } from 'drizzle-orm'
import {
  bigint,
  bigserial,
  doublePrecision,
  index,
  integer,
  text,
  uniqueIndex,
} from 'drizzle-orm/pg-core'
import { at, tocsin } from './columns.ts'

/**
 * What became of findings, for those who follow them from outside: a row for each that is new, final, retracted, back,
 * landed or dropped. A trigger on `finding` writes it in the writer's own transaction.
 */
export const findingEvent = tocsin.table(
  'finding_event',
  {
    key: bigserial('key', { mode: 'number' }).primaryKey(),
    /**
     * Place in the order that readers follow, given after the commit by one writer at a time: unlike `key` it never
     * appears below a place that somebody has read past. Null until then.
     */
    seq: bigint('seq', { mode: 'number' }),
    findingId: text('finding_id').notNull(),
    type: text('type')
      .$type<'detected' | 'finalized' | 'retracted' | 'restored' | 'landed' | 'dropped'>()
      .notNull(),
    /** Of the finding, after this. */
    status: text('status')
      .$type<'provisional' | 'final' | 'retracted' | 'pending' | 'landed' | 'dropped'>()
      .notNull(),
    at: at('at').notNull().defaultNow(),
  },
  (t) => [
    uniqueIndex('finding_event_seq').on(t.seq),
    index('finding_event_fresh').on(t.key).where(sql`seq is null`),
    index('finding_event_at').on(t.at),
    index('finding_event_finding').on(t.findingId),
  ],
)

/** Where each subscriber stands. */
export const subscription = tocsin.table('subscription', {
  name: text('name').primaryKey(),
  /** `seq` of the last event that is settled: delivered, not wanted, or given up. */
  cursor: bigint('cursor', { mode: 'number' }).notNull(),
  status: text('status').$type<'active' | 'disabled'>().notNull().default('active'),
  /** Why it is disabled. */
  reason: text('reason'),
  /** Failures in a row, over restarts. */
  failures: integer('failures').notNull().default(0),
  nextAttemptAt: at('next_attempt_at').notNull().defaultNow(),
  createdAt: at('created_at').notNull().defaultNow(),
  updatedAt: at('updated_at').notNull().defaultNow(),
})

/** The delivery log: one row per subscriber and event, and per event of a replay. */
export const subscriptionDelivery = tocsin.table(
  'subscription_delivery',
  {
    seq: bigserial('seq', { mode: 'number' }).primaryKey(),
    subscription: text('subscription').notNull(),
    eventSeq: bigint('event_seq', { mode: 'number' }).notNull(),
    /** The `webhook-id`: the same over retries and replays. */
    eventId: text('event_id').notNull(),
    eventType: text('event_type').notNull(),
    findingId: text('finding_id').notNull(),
    /** Id of the replay; 0 for what is live. */
    replay: integer('replay').notNull().default(0),
    status: text('status').$type<'pending' | 'delivered' | 'dead'>().notNull(),
    attempts: integer('attempts').notNull().default(0),
    httpStatus: integer('http_status'),
    /** How long the last attempt took (ms). */
    tookMs: doublePrecision('took_ms'),
    lastError: text('last_error'),
    createdAt: at('created_at').notNull().defaultNow(),
    lastAttemptAt: at('last_attempt_at'),
    deliveredAt: at('delivered_at'),
  },
  (t) => [
    uniqueIndex('subscription_delivery_event').on(t.subscription, t.replay, t.eventSeq),
    index('subscription_delivery_at').on(t.createdAt),
    index('subscription_delivery_dead').on(t.createdAt).where(sql`status = 'dead'`),
  ],
)

/** What a subscriber gets once more. */
export const subscriptionReplay = tocsin.table(
  'subscription_replay',
  {
    id: bigserial('id', { mode: 'number' }).primaryKey(),
    subscription: text('subscription').notNull(),
    fromAt: at('from_at').notNull(),
    toAt: at('to_at').notNull(),
    cursor: bigint('cursor', { mode: 'number' }).notNull().default(0),
    status: text('status').$type<'open' | 'done'>().notNull().default('open'),
    sent: integer('sent').notNull().default(0),
    requestedBy: text('requested_by').notNull(),
    createdAt: at('created_at').notNull().defaultNow(),
    doneAt: at('done_at'),
  },
  (t) => [index('subscription_replay_open').on(t.subscription, t.id).where(sql`status = 'open'`)],
)

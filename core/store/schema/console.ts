import { sql } from 'drizzle-orm'
import { bigint, bigserial, index, integer, jsonb, primaryKey, text } from 'drizzle-orm/pg-core'
import type { Json } from '../../base/index.ts'
import { at, tocsin } from './columns.ts'

type Role = 'viewer' | 'responder' | 'approver' | 'admin'

/**
 * Who may sign in to the console with a password. A row counts only with a `proof` by the secret of `people`: whoever
 * can write here, but does not hold that, makes nobody a user.
 */
export const consoleUser = tocsin.table('console_user', {
  /** As they sign in, in lower case. */
  name: text('name').primaryKey(),
  role: text('role').$type<Role>().notNull(),
  /** Name under `signer.approvers` for which they answer proposals. */
  approver: text('approver'),
  /** Argon2id in its encoded form. */
  passwordHash: text('password_hash').notNull(),
  createdAt: at('created_at').notNull().defaultNow(),
  /** When password, role or approver were last changed. */
  changedAt: at('changed_at').notNull().defaultNow(),
  disabledAt: at('disabled_at'),
  /** Key of the second factor, sealed by the secret of `people`; null without one. */
  totp: text('totp'),
  /** Step of the newest code that was taken: no code counts twice. */
  totpStep: bigint('totp_step', { mode: 'number' }),
  proof: text('proof').notNull(),
})

/** Codes for whoever lost their authenticator; kept as keyed hashes. */
export const consoleRecovery = tocsin.table(
  'console_recovery',
  {
    user: text('user').notNull(),
    hash: text('hash').notNull(),
    usedAt: at('used_at'),
  },
  (t) => [primaryKey({ columns: [t.user, t.hash] })],
)

/** Who is signed in. The cookie itself is not stored; `proof` binds the row to the secret of `people`. */
export const consoleSession = tocsin.table(
  'console_session',
  {
    /** SHA-256 of the cookie. */
    idHash: text('id_hash').primaryKey(),
    user: text('user').notNull(),
    role: text('role').$type<Role>().notNull(),
    approver: text('approver'),
    via: text('via').$type<'password' | 'oidc'>().notNull(),
    csrf: text('csrf').notNull(),
    createdAt: at('created_at').notNull(),
    seenAt: at('seen_at').notNull(),
    /** When they last proved who they are. */
    verifiedAt: at('verified_at').notNull(),
    expiresAt: at('expires_at').notNull(),
    /** Where they signed in from, as far as it is known. */
    address: text('address').notNull(),
    agent: text('agent').notNull(),
    proof: text('proof').notNull(),
  },
  (t) => [index('console_session_user').on(t.user)],
)

/** Failed tries to sign in, by user and by address, for as long as they hold anybody up. */
export const consoleAttempt = tocsin.table('console_attempt', {
  /** `user:ada`, `address:10.0.0.7`. */
  key: text('key').primaryKey(),
  failures: integer('failures').notNull(),
  lastAt: at('last_at').notNull(),
  blockedUntil: at('blocked_until').notNull(),
})

/** Keys of programs for the API. What is given away at creation is not stored. */
export const apiToken = tocsin.table('api_token', {
  /** What stands before the secret part, so that people recognize it. */
  id: text('id').primaryKey(),
  name: text('name').notNull(),
  /** SHA-256 of the whole token. */
  hash: text('hash').notNull(),
  scopes: text('scopes').array().notNull().default(sql`'{}'::text[]`),
  /** Most requests in a minute. */
  perMinute: integer('per_minute').notNull(),
  createdBy: text('created_by').notNull(),
  createdAt: at('created_at').notNull().defaultNow(),
  expiresAt: at('expires_at').notNull(),
  lastUsedAt: at('last_used_at'),
  revokedAt: at('revoked_at'),
})

/** Everything that people did by the console, its API and its commands; a trigger refuses changes and deletions. */
export const consoleAudit = tocsin.table(
  'console_audit',
  {
    seq: bigserial('seq', { mode: 'number' }).primaryKey(),
    at: at('at').notNull().defaultNow(),
    who: text('who').notNull(),
    via: text('via').$type<'session' | 'token' | 'local' | 'cli' | 'none'>().notNull(),
    /** `sign-in`, `incident.acknowledge`, `silence.create`, `user.add`, … */
    act: text('act').notNull(),
    /** What it was done to. */
    subject: text('subject').notNull().default(''),
    /** Address of the caller, or `machine`. */
    origin: text('origin').notNull(),
    /** `done`, `refused`, or `failed`. */
    result: text('result').$type<'done' | 'refused' | 'failed'>().notNull(),
    detail: jsonb('detail').$type<Json>().notNull().default({}),
  },
  (t) => [index('console_audit_at').on(t.at), index('console_audit_who').on(t.who, t.seq)],
)

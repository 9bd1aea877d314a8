import { randomUUID } from 'node:crypto'
import { and, desc, eq, gt, isNull, or } from 'drizzle-orm'
import { cleanText, TocsinError, toJson } from '../../base/index.ts'
import { type Database, type DatabaseTransaction, notify, tables } from '../../store/index.ts'
import { recordSelfFinding } from '../../telemetry/index.ts'
import { databaseNow, lockAlerts } from '../alertLock.ts'
import {
  isNarrow,
  matchesSilence,
  type Silenceable,
  type SilenceMatchers,
  silenceMatchersSchema,
} from './silenceMatchers.ts'

type Row = typeof tables.silence.$inferSelect

export type Silence = Omit<Row, 'matchers'> & { readonly matchers: SilenceMatchers }

/** Who wants a silence. Two people, or one admin, silence a SEV1. */
export type Silencer = { readonly by: string; readonly role?: 'responder' | 'approver' | 'admin' }

/** Longest that a silence lasts (ms); one that covers SEV1 much shorter. */
export const MAX_SILENCE_MS = 24 * 3_600_000
export const MAX_SEV1_SILENCE_MS = 2 * 3_600_000

/** How long before it begins a silence may be made (ms). */
const MAX_AHEAD_MS = 30 * 24 * 3_600_000

const fromRow = (row: Row): Silence => ({
  ...row,
  matchers: silenceMatchersSchema.parse(row.matchers),
})

export const coversSev1 = ({ matchers }: Pick<Silence, 'matchers'>): boolean =>
  matchers.severity?.includes('SEV1') ?? false

/** Whether it stands now: from its beginning on, up to but not at its end. One that names SEV1 wants its second person. */
export const isSilenceActive = (silence: Silence, now: Date): boolean => {
  const ends =
    silence.endedAt && silence.endedAt < silence.endsAt ? silence.endedAt : silence.endsAt
  return silence.startsAt <= now && now < ends
}

/** The silence that covers an alert now, the longest one first. */
export const silenceOf = (
  silences: readonly Silence[],
  alert: Silenceable,
  now: Date,
): Silence | undefined =>
  silences
    .filter((silence) => isSilenceActive(silence, now))
    .filter(
      (silence) =>
        matchesSilence(silence.matchers, alert) &&
        // Until the second person agrees it covers what is milder.
        (alert.severity !== 'SEV1' || silence.approvedBy !== null),
    )
    .sort((a, b) => b.endsAt.getTime() - a.endsAt.getTime())[0]

const checkWindow = (startsAt: Date, endsAt: Date, now: Date, sev1: boolean): void => {
  const lasts = endsAt.getTime() - startsAt.getTime()
  if (!Number.isFinite(lasts) || lasts <= 0 || endsAt <= now) {
    throw new TocsinError('silence.bad_window', 'A silence ends after it begins, and after now.')
  }
  const most = sev1 ? MAX_SEV1_SILENCE_MS : MAX_SILENCE_MS
  if (lasts > most) {
    const hours = most / 3_600_000
    throw new TocsinError(
      'silence.too_long',
      `A silence ${sev1 ? 'that covers SEV1 ' : ''}lasts at most ${hours} hours.`,
      { hints: ['Make another when it ends, or move the threshold of the bot in the watchlist.'] },
    )
  }
  if (startsAt.getTime() - now.getTime() > MAX_AHEAD_MS) {
    throw new TocsinError('silence.too_early', 'A silence begins within 30 days.')
  }
}

const parseMatchers = (value: unknown): SilenceMatchers => {
  const parsed = silenceMatchersSchema.safeParse(value)
  if (!parsed.success) {
    const [issue] = parsed.error.issues
    const place = issue?.path.join('.') || 'matchers'
    throw new TocsinError(
      'silence.bad_matchers',
      `${place}: ${issue?.message ?? 'not understood'}.`,
    )
  }
  if (!isNarrow(parsed.data)) {
    throw new TocsinError(
      'silence.too_wide',
      'A silence says what it covers: a severity is not enough.',
      {
        hints: ['Name a bot, an alertId, a thing, an owner, a protocol or a chain.'],
      },
    )
  }
  return parsed.data
}

const describeMatchers = (matchers: SilenceMatchers): string =>
  Object.entries(matchers)
    .flatMap(([name, values]) => (values ? [`${name} ${values.join(' or ')}`] : []))
    .join(', ')

const tellPeople = (tx: DatabaseTransaction, silence: Silence, what: string): Promise<void> =>
  recordSelfFinding(tx, {
    alertId: coversSev1(silence) ? 'SILENCE-SEV1' : 'SILENCE',
    name: coversSev1(silence) ? 'SEV1 alerts are silenced' : 'Alerts are silenced',
    description: `${what} Covers ${describeMatchers(silence.matchers)}, until ${silence.endsAt.toISOString()}. Reason: ${silence.reason}`,
    severity: coversSev1(silence) ? 'High' : 'Low',
    uniqueKey: `${silence.id}:${what}`.slice(0, 200),
  })

/**
 * Keeps people from being told of what matches, for a while that is bounded; what still holds when it ends is told then.
 * One that names SEV1 covers SEV1 only once a second person, or an admin, agrees (`approveSilence`).
 * @throws TocsinError `silence.bad_matchers`, `silence.too_wide`, `silence.no_reason`, `silence.bad_window`, `silence.too_long`
 */
export const createSilence = (
  db: Database,
  options: Silencer & {
    readonly matchers: unknown
    readonly reason: string
    readonly endsAt: Date
    /** Default: now. */
    readonly startsAt?: Date
    /** Default: the database's now. */
    readonly at?: Date
  },
): Promise<Silence> =>
  db.transaction(async (tx) => {
    await lockAlerts(tx)
    const now = options.at ?? (await databaseNow(tx))
    const matchers = parseMatchers(options.matchers)
    const reason = cleanText(options.reason, 500).trim()
    if (reason.length < 3) {
      throw new TocsinError('silence.no_reason', 'A silence says why.')
    }
    const startsAt = options.startsAt ?? now
    const sev1 = matchers.severity?.includes('SEV1') ?? false
    checkWindow(startsAt, options.endsAt, now, sev1)
    const by = cleanText(options.by, 100)
    const agreed = !sev1 || options.role === 'admin'
    const row: Row = {
      id: `s_${randomUUID().replaceAll('-', '').slice(0, 16)}`,
      matchers: toJson(matchers),
      reason,
      createdBy: by,
      createdAt: now,
      approvedBy: agreed ? by : null,
      approvedAt: agreed ? now : null,
      startsAt,
      endsAt: options.endsAt,
      endedAt: null,
      endedBy: null,
      releasedAt: null,
    }
    await tx.insert(tables.silence).values(row)
    const silence = fromRow(row)
    await tellPeople(tx, silence, `${by} made silence ${row.id}.`)
    await notify(tx, 'tocsin_alert')
    return silence
  })

const lockSilence = async (tx: DatabaseTransaction, id: string): Promise<Silence> => {
  await lockAlerts(tx)
  const [row] = await tx
    .select()
    .from(tables.silence)
    .where(eq(tables.silence.id, id))
    .for('update')
  if (row) return fromRow(row)
  throw new TocsinError('silence.unknown', `There is no silence "${cleanText(id, 60)}".`, {
    hints: ['`tocsin silences list` shows them.'],
  })
}

/**
 * Agrees to a silence that names SEV1, as a second person or as admin.
 * @throws TocsinError `silence.unknown`, `silence.same_person`
 */
export const approveSilence = (
  db: Database,
  options: Silencer & { readonly id: string; readonly at?: Date },
): Promise<Silence> =>
  db.transaction(async (tx) => {
    const silence = await lockSilence(tx, options.id)
    const now = options.at ?? (await databaseNow(tx))
    if (silence.approvedBy !== null) return silence
    const by = cleanText(options.by, 100)
    if (by === silence.createdBy && options.role !== 'admin') {
      throw new TocsinError('silence.same_person', 'A silence of SEV1 wants a second person.')
    }
    const set = { approvedBy: by, approvedAt: now }
    await tx.update(tables.silence).set(set).where(eq(tables.silence.id, silence.id))
    await tellPeople(tx, { ...silence, ...set }, `${by} agreed to silence ${silence.id}.`)
    await notify(tx, 'tocsin_alert')
    return { ...silence, ...set }
  })

/**
 * Ends a silence before its time. Ending one twice changes nothing.
 * @throws TocsinError `silence.unknown`
 */
export const endSilence = (
  db: Database,
  options: { readonly id: string; readonly by: string; readonly at?: Date },
): Promise<Silence> =>
  db.transaction(async (tx) => {
    const silence = await lockSilence(tx, options.id)
    const now = options.at ?? (await databaseNow(tx))
    if (silence.endedAt || silence.endsAt <= now) return silence
    const set = { endedAt: now, endedBy: cleanText(options.by, 100) }
    await tx.update(tables.silence).set(set).where(eq(tables.silence.id, silence.id))
    await notify(tx, 'tocsin_alert')
    return { ...silence, ...set }
  })

/** Silences that stand or are to come, soonest end first; `all`: those of the past too, newest first. */
export const listSilences = async (
  db: Database | DatabaseTransaction,
  options: { readonly at?: Date; readonly all?: boolean; readonly limit?: number } = {},
): Promise<readonly Silence[]> => {
  const { silence } = tables
  const at = options.at ?? new Date()
  const stands = and(gt(silence.endsAt, at), or(isNull(silence.endedAt), gt(silence.endedAt, at)))
  const rows = await db
    .select()
    .from(silence)
    .where(options.all ? undefined : stands)
    .orderBy(...(options.all ? [desc(silence.createdAt)] : [silence.endsAt]))
    .limit(options.limit ?? 500)
  return rows.map(fromRow)
}

import { randomBytes } from 'node:crypto'
import { and, desc, eq, gt, isNull } from 'drizzle-orm'
import { cleanText, TocsinError } from '../base/index.ts'
import { type Database, type DatabaseTransaction, tables } from '../store/index.ts'
import type { Level, Override } from './types.ts'
import type { WhoConfig } from './whoIsOnCall.ts'

const MAX_DAYS = 60
const DAY_MS = 86_400_000

export type OverrideRow = typeof tables.oncallOverride.$inferSelect

/** Overrides that were not removed and end after a moment, the newest first. */
export const readOverrides = async (
  db: Database | DatabaseTransaction,
  after: Date,
): Promise<readonly OverrideRow[]> =>
  db
    .select()
    .from(tables.oncallOverride)
    .where(and(gt(tables.oncallOverride.endsAt, after), isNull(tables.oncallOverride.removedAt)))
    .orderBy(desc(tables.oncallOverride.createdAt))
    .limit(500)

const refuse = (code: string, message: string, hint: string): never => {
  throw new TocsinError(code, message, { hints: [hint], exitCode: 2 })
}

/**
 * Puts somebody into a place for a time.
 * @throws TocsinError `oncall.unknown_team`, `oncall.unknown_person`, `oncall.bad_window`
 */
export const createOverride = async (
  db: Database,
  config: WhoConfig,
  wish: {
    readonly team: string
    readonly person: string
    readonly level?: Level | undefined
    readonly startsAt: Date
    readonly endsAt: Date
    readonly by: string
    readonly reason?: string | undefined
  },
): Promise<OverrideRow> => {
  const { team, person, startsAt, endsAt } = wish
  if (!Object.hasOwn(config.teams, team))
    refuse(
      'oncall.unknown_team',
      `There is no team "${cleanText(team, 60)}".`,
      `There are: ${Object.keys(config.teams).join(', ')}.`,
    )
  if (!Object.hasOwn(config.people, person))
    refuse(
      'oncall.unknown_person',
      `There is no person "${cleanText(person, 60)}".`,
      `There are: ${Object.keys(config.people).join(', ')}.`,
    )
  const lasts = +endsAt - +startsAt
  if (!(lasts > 0) || lasts > MAX_DAYS * DAY_MS)
    refuse(
      'oncall.bad_window',
      'The override does not end after it begins, or lasts too long.',
      `At most ${MAX_DAYS} days; give moments as 2026-12-24T09:00:00+01:00.`,
    )
  const [row] = await db
    .insert(tables.oncallOverride)
    .values({
      id: `v_${randomBytes(6).toString('hex')}`,
      team,
      person,
      level: wish.level ?? 'primary',
      startsAt,
      endsAt,
      reason: cleanText(wish.reason ?? '', 300),
      createdBy: cleanText(wish.by, 100),
    })
    .returning()
  if (!row) throw new TocsinError('oncall.not_stored', 'The override was not stored.')
  return row
}

/**
 * Takes an override back; the rotation counts again at once.
 * @throws TocsinError `oncall.unknown_override`
 */
export const removeOverride = async (db: Database, id: string, by: string): Promise<Override> => {
  const [row] = await db
    .update(tables.oncallOverride)
    .set({ removedAt: new Date(), removedBy: cleanText(by, 100) })
    .where(and(eq(tables.oncallOverride.id, id), isNull(tables.oncallOverride.removedAt)))
    .returning()
  if (!row)
    throw new TocsinError(
      'oncall.unknown_override',
      `There is no override "${cleanText(id, 40)}" that stands.`,
      { hints: ['`tocsin oncall override list` shows them.'], exitCode: 2 },
    )
  return row
}

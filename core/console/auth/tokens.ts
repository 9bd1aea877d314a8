import { randomBytes, timingSafeEqual } from 'node:crypto'
import { and, desc, eq, isNull, sql } from 'drizzle-orm'
import { cleanText, TocsinError } from '../../base/index.ts'
import { type Database, tables } from '../../store/index.ts'
import { type Principal, SCOPES, type Scope } from '../principal.ts'
import { createPace } from './pace.ts'
import { hashOf } from './sessions.ts'

type Row = typeof tables.apiToken.$inferSelect

/** A token as people may see it. */
export type ApiToken = Omit<Row, 'hash' | 'scopes'> & { readonly scopes: readonly Scope[] }

/** Begins every token, so that scanners for secrets know it. */
const MARK = 'tcs'
const MAX_DAYS = 366
const USED_MS = 60_000

const isScope = (text: string): text is Scope => SCOPES.some((scope) => scope === text)

/** @throws TocsinError `token.bad_scope` */
export const parseScopes = (words: readonly string[]): readonly Scope[] => {
  const odd = words.find((word) => !isScope(word))
  if (odd !== undefined || words.length === 0)
    throw new TocsinError(
      'token.bad_scope',
      odd === undefined ? 'A token needs a scope.' : `There is no scope "${cleanText(odd, 40)}".`,
      { hints: [`Scopes: ${SCOPES.join(', ')}. No token approves.`], exitCode: 2 },
    )
  return SCOPES.filter((scope) => words.includes(scope))
}

const publicOf = ({ hash: _, scopes, ...rest }: Row): ApiToken => ({
  ...rest,
  scopes: scopes.filter(isScope),
})

/**
 * Makes a token; `token` is shown once and kept nowhere.
 * @throws TocsinError `token.bad_scope`, `token.bad_name`, `token.bad_term`, `token.bad_rate`
 */
export const createToken = async (
  db: Database,
  given: {
    readonly name: string
    readonly scopes: readonly string[]
    readonly days: number
    readonly perMinute: number
    readonly by: string
    readonly now?: Date
  },
): Promise<{ readonly token: string; readonly row: ApiToken }> => {
  const fail = (code: string, message: string): never => {
    throw new TocsinError(code, message, { exitCode: 2 })
  }
  const name = cleanText(given.name, 100).trim()
  if (name === '') fail('token.bad_name', 'A token needs a name.')
  if (!Number.isInteger(given.days) || given.days < 1 || given.days > MAX_DAYS)
    fail('token.bad_term', `A token lasts 1 to ${MAX_DAYS} days.`)
  if (!Number.isInteger(given.perMinute) || given.perMinute < 1 || given.perMinute > 60_000)
    fail('token.bad_rate', 'A token allows 1 to 60000 requests a minute.')
  const scopes = parseScopes(given.scopes)
  const id = `${MARK}_${randomBytes(5).toString('hex')}`
  const token = `${id}_${randomBytes(32).toString('base64url')}`
  const now = given.now ?? new Date()
  const [row] = await db
    .insert(tables.apiToken)
    .values({
      id,
      name,
      hash: hashOf(token),
      scopes: [...scopes],
      perMinute: given.perMinute,
      createdBy: cleanText(given.by, 100),
      createdAt: now,
      expiresAt: new Date(now.getTime() + given.days * 86_400_000),
    })
    .returning()
  if (!row) throw new Error('the row was not returned')
  return { token, row: publicOf(row) }
}

export const listTokens = async (db: Database): Promise<readonly ApiToken[]> => {
  const rows = await db
    .select()
    .from(tables.apiToken)
    .orderBy(desc(tables.apiToken.createdAt))
    .limit(1_000)
  return rows.map(publicOf)
}

/** Ends a token at once. @throws TocsinError `token.unknown` */
export const revokeToken = async (db: Database, id: string): Promise<ApiToken> => {
  const { apiToken: t } = tables
  const [row] = await db
    .update(t)
    .set({ revokedAt: sql`coalesce(${t.revokedAt}, now())` })
    .where(eq(t.id, id))
    .returning()
  if (row) return publicOf(row)
  throw new TocsinError('token.unknown', `There is no token "${cleanText(id, 40)}".`, {
    hints: ['`tocsin tokens list` shows them; the id is what stands before the second underscore.'],
    exitCode: 2,
  })
}

export type TokenDoor = {
  /** Who a token stands for. @throws TocsinError `auth.bad_token`, `auth.rate_limited` */
  readonly admit: (token: string) => Promise<Principal>
}

/** Lets programs in by their tokens, each at its own rate. */
export const createTokenDoor = (db: Database, clock = (): number => Date.now()): TokenDoor => {
  const spend = createPace(clock)
  return {
    admit: async (token) => {
      const bad = new TocsinError('auth.bad_token', 'This token is unknown, revoked or expired.')
      const id = /^(tcs_[0-9a-f]{10})_[\w-]{43}$/.exec(token)?.[1]
      if (!id) throw bad
      const { apiToken: t } = tables
      const [row] = await db
        .select()
        .from(t)
        .where(and(eq(t.id, id), isNull(t.revokedAt)))
      const given = Buffer.from(hashOf(token))
      const kept = Buffer.from(row?.hash ?? hashOf(''))
      const isRight = given.length === kept.length && timingSafeEqual(given, kept)
      if (!row || !isRight || row.expiresAt.getTime() <= clock()) throw bad
      spend(id, row.perMinute, 'This token allows')
      if (!row.lastUsedAt || clock() - row.lastUsedAt.getTime() > USED_MS)
        await db
          .update(t)
          .set({ lastUsedAt: new Date(clock()) })
          .where(eq(t.id, id))
      const { scopes } = publicOf(row)
      return {
        name: `${row.name} (token)`,
        role: scopes.some((scope) => scope !== 'read' && scope !== 'subscribe')
          ? 'responder'
          : 'viewer',
        via: 'token',
        scopes,
        approver: undefined,
        verifiedAt: undefined,
      }
    },
  }
}

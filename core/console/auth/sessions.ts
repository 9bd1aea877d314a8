import { createHash, randomBytes } from 'node:crypto'
import { and, desc, eq, lt, or } from 'drizzle-orm'
import { cleanText } from '../../base/index.ts'
import type { PeopleSecret } from '../../response/light.ts'
import { type Database, tables } from '../../store/index.ts'
import type { Role } from '../principal.ts'

type Row = typeof tables.consoleSession.$inferSelect

/** How long somebody stays signed in. */
export type SessionLimits = { readonly idleS: number; readonly absoluteS: number }

export const SESSION_LIMITS: SessionLimits = { idleS: 3_600, absoluteS: 43_200 }

/** Who signed in, and how. */
export type SignedIn = {
  readonly user: string
  readonly role: Role
  readonly approver: string | null
  readonly via: 'password' | 'oidc'
}

export type Session = Omit<Row, 'proof'>

/** When a session was last used is written no oftener than this (ms). */
const TOUCH_MS = 30_000

export const hashOf = (text: string): string => createHash('sha256').update(text).digest('hex')

const sign = (secret: PeopleSecret, row: Session): string =>
  secret.sign('console-session', [
    row.idHash,
    row.user,
    row.role,
    row.approver ?? '',
    row.via,
    row.csrf,
    row.createdAt.getTime(),
    row.verifiedAt.getTime(),
    row.expiresAt.getTime(),
  ])

/**
 * Begins a session; of the id that is returned only the hash is kept. A session that was before ends with it, so that
 * an id somebody knew beforehand is worth nothing.
 */
export const createSession = async (
  db: Database,
  secret: PeopleSecret,
  given: SignedIn & {
    readonly address: string
    readonly agent: string
    readonly limits: SessionLimits
    readonly replaces?: string | undefined
    /** When they proved who they are. Default: now. */
    readonly verifiedAt?: Date | undefined
    readonly now?: Date
  },
): Promise<{ readonly id: string; readonly session: Session }> => {
  const id = randomBytes(32).toString('base64url')
  const now = given.now ?? new Date()
  const session: Session = {
    idHash: hashOf(id),
    user: given.user,
    role: given.role,
    approver: given.approver,
    via: given.via,
    csrf: randomBytes(32).toString('base64url'),
    createdAt: now,
    seenAt: now,
    verifiedAt: given.verifiedAt ?? now,
    expiresAt: new Date(now.getTime() + given.limits.absoluteS * 1_000),
    address: cleanText(given.address, 64),
    agent: cleanText(given.agent, 200),
  }
  await db.transaction(async (tx) => {
    const old = given.replaces === undefined ? undefined : hashOf(given.replaces)
    const gone = lt(tables.consoleSession.expiresAt, now)
    await tx
      .delete(tables.consoleSession)
      .where(old ? or(gone, eq(tables.consoleSession.idHash, old)) : gone)
    await tx.insert(tables.consoleSession).values({ ...session, proof: sign(secret, session) })
  })
  return { id, session }
}

/** The session of a cookie, while it lasts; noted as used. */
export const findSession = async (
  db: Database,
  secret: PeopleSecret,
  id: string,
  limits: SessionLimits,
  now = new Date(),
): Promise<Session | undefined> => {
  if (!/^[\w-]{43}$/.test(id)) return undefined
  const { consoleSession } = tables
  const idHash = hashOf(id)
  const [row] = await db.select().from(consoleSession).where(eq(consoleSession.idHash, idHash))
  if (!row) return undefined
  const { proof, ...session } = row
  if (sign(secret, session) !== proof) return undefined
  const idle = now.getTime() - session.seenAt.getTime()
  if (session.expiresAt <= now || idle >= limits.idleS * 1_000) {
    await db.delete(consoleSession).where(eq(consoleSession.idHash, idHash))
    return undefined
  }
  if (idle > TOUCH_MS)
    await db
      .update(consoleSession)
      .set({ seenAt: now })
      .where(and(eq(consoleSession.idHash, idHash), lt(consoleSession.seenAt, now)))
  return session
}

export const endSession = async (db: Database, id: string): Promise<void> => {
  await db.delete(tables.consoleSession).where(eq(tables.consoleSession.idHash, hashOf(id)))
}

/** Signs somebody out everywhere. Returns how many sessions that were. */
export const endSessionsOf = async (
  db: Pick<Database, 'delete'>,
  user: string,
): Promise<number> => {
  const ended = await db
    .delete(tables.consoleSession)
    .where(eq(tables.consoleSession.user, user))
    .returning({ id: tables.consoleSession.idHash })
  return ended.length
}

/** Who is signed in, newest first; `id` is enough to tell sessions apart and to nothing else. */
export const listSessions = async (
  db: Database,
): Promise<readonly (Omit<Session, 'idHash' | 'csrf'> & { readonly id: string })[]> => {
  const rows = await db
    .select()
    .from(tables.consoleSession)
    .orderBy(desc(tables.consoleSession.createdAt))
    .limit(500)
  return rows.map(({ idHash, csrf: _, proof: _p, ...rest }) => ({
    ...rest,
    id: idHash.slice(0, 12),
  }))
}

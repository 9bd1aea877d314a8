import { randomBytes } from 'node:crypto'
import { and, eq, isNull, lt, or, sql } from 'drizzle-orm'
import { TocsinError } from '../../base/index.ts'
import type { PeopleSecret } from '../../response/light.ts'
import { type Database, type DatabaseTransaction, tables } from '../../store/index.ts'
import { openTicket, seal, sealTicket, unseal } from './seal.ts'
import { createTotpKey, encodeBase32, findStep, otpauthUri } from './totp.ts'
import { setFactor, type UserBook } from './users.ts'

type Row = typeof tables.consoleUser.$inferSelect

const RECOVERY_CODES = 10
/** So long the page with a new key may lie open (ms). */
const ENROL_MS = 900_000

const wrong = (): TocsinError => new TocsinError('auth.wrong', 'This code is not the right one.')

/** As it is shown: two groups of five letters and digits that are not mistaken for one another. */
const createRecoveryCode = (): string => {
  const letters = encodeBase32(randomBytes(7)).slice(0, 10).toLowerCase()
  return `${letters.slice(0, 5)}-${letters.slice(5)}`
}

/** Whoever can write into the database, but does not hold the secret, makes no code that counts. */
const hashOfCode = (secret: PeopleSecret, user: string, code: string): string =>
  secret.sign('console-recovery', [user, code.toLowerCase().replaceAll(/[^a-z0-9]/g, '')])

/** What the page of an enrolment shows; nothing is stored before the first code proved that the key arrived. */
export const beginFactor = (
  secret: PeopleSecret,
  user: string,
  issuer: string,
  now = Date.now(),
): { readonly key: string; readonly uri: string; readonly ticket: string } => {
  const key = createTotpKey()
  return {
    key: encodeBase32(key),
    uri: otpauthUri(key, user, issuer),
    ticket: sealTicket(
      secret,
      'enrol',
      { text: key.toString('hex'), expiresMs: now + ENROL_MS },
      user,
    ),
  }
}

/** New recovery codes in place of all before; they are shown once and kept as keyed hashes. */
export const renewRecoveryCodes = async (
  db: Database | DatabaseTransaction,
  secret: PeopleSecret,
  user: string,
): Promise<readonly string[]> => {
  const { consoleRecovery: t } = tables
  const codes = Array.from({ length: RECOVERY_CODES }, createRecoveryCode)
  await db.delete(t).where(eq(t.user, user))
  await db.insert(t).values(codes.map((code) => ({ user, hash: hashOfCode(secret, user, code) })))
  return codes
}

/**
 * Makes a second factor count: the code proves that the authenticator holds the key of the ticket. Signs the person out
 * everywhere; returns the recovery codes.
 * @throws TocsinError `auth.ticket_expired`, `auth.wrong`
 */
export const confirmFactor = async (
  book: UserBook,
  user: string,
  given: { readonly ticket: string; readonly code: string; readonly now?: number },
): Promise<readonly string[]> => {
  const now = given.now ?? Date.now()
  const hex = openTicket(book.secret, 'enrol', given.ticket, user, now)
  if (hex === undefined)
    throw new TocsinError('auth.ticket_expired', 'This page lay open for too long. Begin again.')
  const step = findStep(Buffer.from(hex, 'hex'), given.code, { now })
  if (step === undefined) throw wrong()
  return setFactor(book, user, { totp: seal(book.secret, 'totp', user, hex), step }, (tx) =>
    renewRecoveryCodes(tx, book.secret, user),
  )
}

/** How many recovery codes somebody has left. */
export const countRecoveryCodes = async (db: Database, user: string): Promise<number> => {
  const { consoleRecovery: t } = tables
  const [row] = await db
    .select({ n: sql<number>`count(*)::int` })
    .from(t)
    .where(and(eq(t.user, user), isNull(t.usedAt)))
  return row?.n ?? 0
}

const takeStep = async (db: Database, user: string, step: number): Promise<boolean> => {
  const { consoleUser: t } = tables
  const taken = await db
    .update(t)
    .set({ totpStep: step })
    .where(and(eq(t.name, user), or(isNull(t.totpStep), lt(t.totpStep, step))))
    .returning({ name: t.name })
  return taken.length > 0
}

const takeRecoveryCode = async (
  { db, secret }: UserBook,
  user: string,
  code: string,
): Promise<boolean> => {
  const { consoleRecovery: t } = tables
  const taken = await db
    .update(t)
    .set({ usedAt: new Date() })
    .where(and(eq(t.user, user), eq(t.hash, hashOfCode(secret, user, code)), isNull(t.usedAt)))
    .returning({ hash: t.hash })
  return taken.length > 0
}

/**
 * Takes a code of somebody's authenticator, or one of their recovery codes; each counts once, also when it comes twice
 * at once. Returns which it was.
 * @throws TocsinError `auth.wrong`
 */
export const spendCode = async (
  book: UserBook,
  row: Row,
  given: string,
  now = Date.now(),
): Promise<'code' | 'recovery'> => {
  const code = given.replaceAll(/\s/g, '').slice(0, 40)
  if (/^\d{6}$/.test(code)) {
    const hex = row.totp === null ? undefined : unseal(book.secret, 'totp', row.name, row.totp)
    const after = row.totpStep ?? undefined
    const step = hex && findStep(Buffer.from(hex, 'hex'), code, { now, after })
    if (step === undefined || step === '' || !(await takeStep(book.db, row.name, step)))
      throw wrong()
    return 'code'
  }
  if (row.totp === null || !(await takeRecoveryCode(book, row.name, code))) throw wrong()
  return 'recovery'
}

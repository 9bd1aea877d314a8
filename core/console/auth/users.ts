import { asc, eq, sql } from 'drizzle-orm'
import { cleanText, TocsinError } from '../../base/index.ts'
import type { PeopleSecret } from '../../response/light.ts'
import { type Database, type DatabaseTransaction, tables } from '../../store/index.ts'
import { ROLES, type Role } from '../principal.ts'
import { hashPassword, type PasswordCost } from './passwords.ts'
import { endSessionsOf } from './sessions.ts'

type Row = typeof tables.consoleUser.$inferSelect

/** Somebody who may sign in with a password. */
export type User = Omit<Row, 'proof' | 'passwordHash' | 'totp' | 'totpStep'> & {
  /** Whether they need a code of their authenticator beside the password. */
  readonly hasFactor: boolean
  /** Whether the row is one that we wrote: any other lets nobody in. */
  readonly isProven: boolean
}

/** Where users are kept, and what proves their rows. */
export type UserBook = { readonly db: Database; readonly secret: PeopleSecret }

/** A second factor is part of the proof: whoever takes it out of the row takes away the user. */
const sign = (secret: PeopleSecret, row: Omit<Row, 'proof'>): string =>
  secret.sign('console-user', [
    row.name,
    row.role,
    row.approver ?? '',
    row.passwordHash,
    row.changedAt.getTime(),
    row.disabledAt?.getTime() ?? 0,
    ...(row.totp === null ? [] : [row.totp]),
  ])

const isProven = (secret: PeopleSecret, row: Row): boolean => {
  const { proof, ...rest } = row
  return proof.length === 64 && sign(secret, rest) === proof
}

const publicOf = (secret: PeopleSecret, row: Row): User => {
  const { proof: _, passwordHash: _h, totp, totpStep: _s, ...rest } = row
  return { ...rest, hasFactor: totp !== null, isProven: isProven(secret, row) }
}

/** As a user signs in: lower case, no blanks around. */
export const userNameOf = (text: string): string =>
  text.replaceAll('\0', '').trim().normalize('NFKC').toLowerCase()

/** @throws TocsinError `user.bad_name` */
export const checkName = (name: string): string => {
  const clean = userNameOf(name)
  if (!/^[a-z0-9][a-z0-9._@+-]{0,99}$/.test(clean))
    throw new TocsinError('user.bad_name', `"${cleanText(name, 60)}" is no name for a user.`, {
      hints: ['Letters, digits and . _ @ + - ; an e-mail address will do.'],
      exitCode: 2,
    })
  return clean
}

export const parseRole = (text: string): Role => {
  const role = ROLES.find((each) => each === text)
  if (role) return role
  throw new TocsinError('user.bad_role', `There is no role "${cleanText(text, 60)}".`, {
    hints: [`Roles: ${ROLES.join(', ')}.`],
    exitCode: 2,
  })
}

/** The row of a user, held until the transaction ends: what others change meanwhile is not lost. */
const findRow = async (db: DatabaseTransaction, name: string): Promise<Row> => {
  const [row] = await db
    .select()
    .from(tables.consoleUser)
    .where(eq(tables.consoleUser.name, userNameOf(name)))
    .for('update')
  if (row) return row
  throw new TocsinError('user.unknown', `There is no user "${cleanText(name, 60)}".`, {
    hints: ['`tocsin users list` shows them.'],
    exitCode: 2,
  })
}

/** One approver is one person: no two users answer for the same name. */
const checkApprover = async (
  db: Database | DatabaseTransaction,
  name: string,
  approver: string | null,
): Promise<void> => {
  if (approver === null) return
  const rows = await db.select().from(tables.consoleUser)
  const other = rows.find(
    (row) =>
      row.name !== name && row.approver?.trim().toLowerCase() === approver.trim().toLowerCase(),
  )
  if (other)
    throw new TocsinError(
      'user.approver_taken',
      `User ${other.name} answers as "${cleanText(approver, 60)}" already.`,
      { exitCode: 2 },
    )
}

/**
 * Adds somebody who may sign in.
 * @throws TocsinError `user.bad_name`, `user.exists`, `user.weak_password`, `user.approver_taken`
 */
export const addUser = async (
  { db, secret }: UserBook,
  given: {
    readonly name: string
    readonly role: Role
    readonly password: string
    readonly approver?: string | undefined
    readonly cost?: PasswordCost | undefined
  },
): Promise<User> => {
  const name = checkName(given.name)
  const approver = given.approver?.trim() || null
  await checkApprover(db, name, approver)
  const now = new Date()
  const row = {
    name,
    role: given.role,
    approver,
    passwordHash: await hashPassword(given.password, name, given.cost),
    createdAt: now,
    changedAt: now,
    disabledAt: null,
    totp: null,
    totpStep: null,
  }
  const [added] = await db
    .insert(tables.consoleUser)
    .values({ ...row, proof: sign(secret, row) })
    .onConflictDoNothing()
    .returning()
  if (!added)
    throw new TocsinError('user.exists', `There is a user "${name}" already.`, { exitCode: 2 })
  return publicOf(secret, added)
}

export const listUsers = async ({ db, secret }: UserBook): Promise<readonly User[]> => {
  const rows = await db.select().from(tables.consoleUser).orderBy(asc(tables.consoleUser.name))
  return rows.map((row) => publicOf(secret, row))
}

/** What may be changed of a user. */
export type UserChange = {
  readonly role?: Role
  /** `null` takes it away. */
  readonly approver?: string | null
  readonly password?: string
  readonly disabled?: boolean
  /** `null` takes the second factor away, with its recovery codes. */
  readonly factor?: null
  readonly cost?: PasswordCost | undefined
  /** Refuses what would leave nobody who may manage users by the console. */
  readonly keepAdmin?: boolean
  /** Refuses when the user was changed at another time than this (ms). */
  readonly ifUnchangedSince?: number
}

/** One change of users at a time, so that two admins do not take the role from each other. */
const holdUsers = async (tx: DatabaseTransaction): Promise<void> => {
  await tx.execute(sql`select pg_advisory_xact_lock(hashtextextended('tocsin:console_user', 0))`)
}

/** @throws TocsinError `user.last_admin` */
const demandAdmin = async (
  tx: DatabaseTransaction,
  secret: PeopleSecret,
  next: Row,
): Promise<void> => {
  const rows = await tx.select().from(tables.consoleUser)
  const isAdmin = (row: Row): boolean =>
    row.role === 'admin' && row.disabledAt === null && isProven(secret, row)
  const others = rows.filter((row) => row.name !== next.name && isAdmin(row))
  if (others.length === 0 && !(next.role === 'admin' && next.disabledAt === null))
    throw new TocsinError('user.last_admin', `${next.name} is the last admin.`, {
      hints: ['Make somebody else admin first, or use `tocsin users` at the machine.'],
    })
}

/**
 * Changes a user and signs them out everywhere: nobody goes on with what was taken from them.
 * @throws TocsinError `user.unknown`, `user.forged`, `user.weak_password`, `user.approver_taken`, `user.last_admin`
 */
export const changeUser = (
  { db, secret }: UserBook,
  name: string,
  change: UserChange,
): Promise<User> =>
  db.transaction(async (tx) => {
    await holdUsers(tx)
    const row = await findRow(tx, name)
    // Signing a row that somebody else wrote would make theirs count.
    if (!isProven(secret, row) && change.password === undefined)
      throw new TocsinError(
        'user.forged',
        `The row of ${row.name} was not written by this installation, or its secret is another one.`,
        {
          hints: [
            `\`tocsin users password ${row.name}\` gives it a new password and counts again.`,
          ],
        },
      )
    const { ifUnchangedSince } = change
    if (ifUnchangedSince !== undefined && row.changedAt.getTime() !== ifUnchangedSince)
      throw new TocsinError('user.bad_link', 'This link was used, or the user was changed since.')
    if (change.approver !== undefined) await checkApprover(tx, row.name, change.approver)
    const next = {
      ...row,
      role: change.role ?? row.role,
      approver: change.approver === undefined ? row.approver : change.approver,
      passwordHash:
        change.password === undefined
          ? row.passwordHash
          : await hashPassword(change.password, row.name, change.cost),
      changedAt: new Date(),
      disabledAt:
        change.disabled === undefined ? row.disabledAt : change.disabled ? new Date() : null,
      ...(change.factor === null ? { totp: null, totpStep: null } : {}),
    }
    const signed = { ...next, proof: sign(secret, next) }
    if (change.keepAdmin) await demandAdmin(tx, secret, signed)
    await tx.update(tables.consoleUser).set(signed).where(eq(tables.consoleUser.name, row.name))
    if (change.factor === null)
      await tx.delete(tables.consoleRecovery).where(eq(tables.consoleRecovery.user, row.name))
    await endSessionsOf(tx, row.name)
    return publicOf(secret, signed)
  })

/**
 * Gives somebody a second factor and signs them out everywhere. They stay who they were: their answers to proposals
 * that are older still count.
 * @throws TocsinError `user.unknown`, `user.forged`
 */
export const setFactor = <T>(
  { db, secret }: UserBook,
  name: string,
  { totp, step }: { readonly totp: string; readonly step: number },
  withIt: (tx: DatabaseTransaction) => Promise<T>,
): Promise<T> =>
  db.transaction(async (tx) => {
    const row = await findRow(tx, name)
    if (!isProven(secret, row))
      throw new TocsinError('user.forged', `The row of ${row.name} is not of this installation.`)
    const next = { ...row, totp, totpStep: step }
    await tx
      .update(tables.consoleUser)
      .set({ ...next, proof: sign(secret, next) })
      .where(eq(tables.consoleUser.name, row.name))
    await endSessionsOf(tx, row.name)
    return withIt(tx)
  })

/** A user who may sign in, with the hash of the password; undefined for everybody else. */
export const findActiveUser = async (
  { db, secret }: UserBook,
  name: string,
): Promise<Row | undefined> => {
  const [row] = await db
    .select()
    .from(tables.consoleUser)
    .where(eq(tables.consoleUser.name, userNameOf(name).slice(0, 200)))
  return row && row.disabledAt === null && isProven(secret, row) ? row : undefined
}

/** Whether there are any users at all. */
export const hasUsers = async (db: Database): Promise<boolean> => {
  const rows = await db.select({ name: tables.consoleUser.name }).from(tables.consoleUser).limit(1)
  return rows.length > 0
}

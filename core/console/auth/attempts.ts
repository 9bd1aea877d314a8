import { inArray, lt, sql } from 'drizzle-orm'
import { TocsinError } from '../../base/index.ts'
import { type Database, tables } from '../../store/index.ts'

/** How many tries are free, and how long the wait may grow. */
type Limit = { readonly free: number; readonly longestS: number }

/**
 * A user can be kept out by somebody who guesses at them, so that wait is the shorter one; an address is one household
 * or office at most.
 */
const LIMITS: Readonly<Record<'user' | 'address', Limit>> = {
  user: { free: 5, longestS: 300 },
  address: { free: 20, longestS: 900 },
}

/** After so long without a failure it is forgotten (ms). */
const FORGET_MS = 3_600_000

const keysOf = (user: string, address: string): readonly string[] => [
  `user:${user.slice(0, 200)}`,
  `address:${address.slice(0, 64)}`,
]

/** Doubles from one second on, for each failure beyond those that are free. */
const waitS = (failures: number, { free, longestS }: Limit): number =>
  failures < free ? 0 : Math.min(longestS, 2 ** Math.min(failures - free, 20))

/**
 * Counts a try before it is made, so that many at once count each; `forgetTries` takes it back after a success.
 * @throws TocsinError `auth.too_many` while somebody has to wait
 */
export const countTry = (
  db: Database,
  user: string,
  address: string,
  now = new Date(),
): Promise<void> =>
  db.transaction(async (tx) => {
    const { consoleAttempt: t } = tables
    const keys = keysOf(user, address)
    await tx.delete(t).where(lt(t.lastAt, new Date(now.getTime() - FORGET_MS)))
    await tx
      .insert(t)
      .values(keys.map((key) => ({ key, failures: 0, lastAt: now, blockedUntil: now })))
      .onConflictDoNothing()
    const rows = await tx
      .select()
      .from(t)
      .where(inArray(t.key, [...keys]))
      .orderBy(t.key)
      .for('update')
    const until = Math.max(...rows.map(({ blockedUntil }) => blockedUntil.getTime()))
    if (until > now.getTime()) {
      const s = Math.ceil((until - now.getTime()) / 1_000)
      throw new TocsinError('auth.too_many', `Too many tries. Try again in ${s} s.`, {
        retry: { afterMs: s * 1_000 },
      })
    }
    for (const row of rows) {
      const limit = row.key.startsWith('user:') ? LIMITS.user : LIMITS.address
      const failures = row.failures + 1
      const blockedUntil = new Date(now.getTime() + waitS(failures, limit) * 1_000)
      await tx
        .update(t)
        .set({ failures, lastAt: now, blockedUntil })
        .where(sql`${t.key} = ${row.key}`)
    }
  })

/** After a success: the user begins anew, and the address is owed one try less. */
export const forgetTries = async (db: Database, user: string, address: string): Promise<void> => {
  const { consoleAttempt: t } = tables
  const [userKey, addressKey] = keysOf(user, address)
  await db.delete(t).where(sql`${t.key} = ${userKey}`)
  await db
    .update(t)
    .set({ failures: sql`greatest(${t.failures} - 1, 0)`, blockedUntil: sql`${t.lastAt}` })
    .where(sql`${t.key} = ${addressKey}`)
}

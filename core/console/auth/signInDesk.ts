import { isTocsinError, TocsinError } from '../../base/index.ts'
import type { Config } from '../../config/types.ts'
import type { Store, tables } from '../../store/index.ts'
import type { ConsoleContext } from '../principal.ts'
import { countTry, forgetTries } from './attempts.ts'
import { noteDeed } from './audit.ts'
import type { Auth } from './createAuth.ts'
import { spendCode } from './factor.ts'
import { OWASP_COST, type PasswordCost, verifyPassword } from './passwords.ts'
import { renderSignIn } from './renderSignIn.ts'
import { findActiveUser, hasUsers, userNameOf } from './users.ts'

export type SignInOptions = {
  readonly config: () => Config
  readonly store: Store
  readonly auth: Auth
  /** Of a guess at a password. Default: what OWASP asks for. */
  readonly cost?: PasswordCost | undefined
}

export type RefusalStatus = 200 | 401 | 403 | 429 | 503

/** What a page says of a refusal, with its status; errors of other kinds go on. */
export const refusalOf = (
  error: unknown,
): { readonly message: string; readonly status: Exclude<RefusalStatus, 200> } => {
  if (!isTocsinError(error)) throw error
  const { code, message } = error
  if (code === 'auth.too_many') return { message, status: 429 }
  if (code === 'auth.busy' || code === 'oidc.unreachable') return { message, status: 503 }
  return { message, status: code === 'auth.wrong' ? 401 : 403 }
}

/** What the ways of signing in have in common. */
export const createSignInDesk = ({ config, store, auth, cost }: SignInOptions) => {
  const { db } = store
  const note = (
    c: ConsoleContext,
    who: string,
    act: string,
    result: 'done' | 'refused',
    code?: string,
  ): Promise<void> =>
    noteDeed(db, {
      who,
      via: result === 'done' ? 'session' : 'none',
      act,
      origin: auth.addressOf(c),
      result,
      detail: code ? { code } : {},
    })

  return {
    note,
    /**
     * The user of a name and password. Whether there is such a user shows neither in the answer nor in its time.
     * @throws TocsinError `auth.wrong`, `auth.too_many`, `auth.busy`
     */
    check: async (
      c: ConsoleContext,
      name: string,
      password: string,
      act: string,
    ): Promise<typeof tables.consoleUser.$inferSelect> => {
      const address = auth.addressOf(c)
      const user = userNameOf(name).slice(0, 200)
      try {
        await countTry(db, user, address)
        const row = await findActiveUser(await auth.book(), user)
        if (!(await verifyPassword(password, row?.passwordHash, cost ?? OWASP_COST)) || !row)
          throw new TocsinError('auth.wrong', 'Name or password are wrong.')
        await forgetTries(db, user, address)
        return row
      } catch (error) {
        if (isTocsinError(error)) await note(c, user, act, 'refused', error.code)
        throw error
      }
    },
    /**
     * Takes the second factor of somebody whose password was right. Guesses at codes are counted apart, and a right
     * password forgives none of them.
     * @throws TocsinError `auth.wrong`, `auth.too_many`
     */
    checkCode: async (
      c: ConsoleContext,
      row: typeof tables.consoleUser.$inferSelect,
      code: string,
      act: string,
    ): Promise<void> => {
      const address = auth.addressOf(c)
      const guesses = `${row.name} code`
      try {
        await countTry(db, guesses, address)
        const way = await spendCode(await auth.book(), row, code)
        await forgetTries(db, guesses, address)
        if (way === 'recovery') await note(c, row.name, 'sign-in.recovery', 'done')
      } catch (error) {
        if (isTocsinError(error)) await note(c, row.name, act, 'refused', `${error.code} (code)`)
        throw error
      }
    },
    showSignIn: async (
      c: ConsoleContext,
      to: string,
      message?: string,
      user?: string,
      status: RefusalStatus = 200,
      words?: string,
    ): Promise<Response> => {
      const oidc = config().console.oidc?.label
      const hasPasswords = await hasUsers(db)
      const view = { nonce: c.get('nonce'), to, message, oidc, hasPasswords, words }
      return c.html(renderSignIn(user === undefined ? view : { ...view, user }), status)
    },
  }
}

export type SignInDesk = ReturnType<typeof createSignInDesk>

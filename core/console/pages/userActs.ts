import { TocsinError } from '../../base/index.ts'
import { invitePassword, inviteUser } from '../auth/invites.ts'
import { endSessionsOf } from '../auth/sessions.ts'
import { createToken, revokeToken } from '../auth/tokens.ts'
import { changeUser, parseRole, type UserChange } from '../auth/users.ts'
import { actForm, type ConsoleContext, isFresh, principalOf } from '../principal.ts'
import type { PageOptions } from './kit.ts'
import { showUsers } from './users.ts'

/** What an admin does to one user. */
export const USER_ACTS = ['role', 'disable', 'enable', 'factor', 'password', 'sessions'] as const
type UserAct = (typeof USER_ACTS)[number]

/** The form of somebody who proved just now who they are; undefined for whoever has to do that first. */
const readFresh = async (c: ConsoleContext): Promise<URLSearchParams | undefined> => {
  const form = await actForm(c)
  const principal = principalOf(c)
  if (principal.via !== 'session')
    throw new TocsinError('auth.forbidden', 'This needs a person who signed in.')
  return isFresh(principal) ? form : undefined
}

const proveFirst = (c: ConsoleContext): Response => c.redirect('/sign-in/again?to=/users', 303)

const back = (c: ConsoleContext, words: string): Response =>
  c.redirect(`/users?said=${encodeURIComponent(words)}`, 303)

const inviterOf = (c: ConsoleContext) => ({
  name: principalOf(c).name,
  isOidc: c.get('isOidc'),
})

const linkTo = (c: ConsoleContext, options: PageOptions, ticket: string): string =>
  `${options.auth.publicUrl() ?? new URL(c.req.url).origin}/welcome?t=${ticket}`

/** Gives out a link by which somebody becomes a user. */
export const invite = async (c: ConsoleContext, options: PageOptions): Promise<Response> => {
  const form = await readFresh(c)
  if (!form) return proveFirst(c)
  const role = parseRole(form.get('role') ?? '')
  const name = form.get('name') ?? ''
  const act = { act: 'user.invite', subject: name, detail: { role } }
  const made = await options.perform(c, act, async () =>
    inviteUser(await options.auth.book(), { name, role, by: inviterOf(c) }),
  )
  return showUsers(c, options, {
    title: `A link for ${made.name}, good for a day and once`,
    value: linkTo(c, options, made.ticket),
  })
}

const CHANGES: Readonly<
  Record<Exclude<UserAct, 'password' | 'sessions'>, (form: URLSearchParams) => UserChange>
> = {
  role: (form) => ({ role: parseRole(form.get('role') ?? ''), keepAdmin: true }),
  disable: () => ({ disabled: true, keepAdmin: true }),
  enable: () => ({ disabled: false }),
  factor: () => ({ factor: null }),
}

const SAID: Readonly<Record<keyof typeof CHANGES, string>> = {
  role: 'has another role, and is signed out everywhere.',
  disable: 'may sign in no more, and is signed out everywhere.',
  enable: 'may sign in again.',
  factor: 'has no second factor any more, and is signed out everywhere.',
}

/** Changes a user, signs them out, or gives out a link to a new password. */
export const changeUserBy = async (
  c: ConsoleContext,
  options: PageOptions,
  what: UserAct,
): Promise<Response> => {
  const form = await readFresh(c)
  if (!form) return proveFirst(c)
  const name = (c.req.param('name') ?? '').slice(0, 200)
  const book = await options.auth.book()
  const act = { act: `user.${what}`, subject: name, detail: Object.fromEntries(form) }
  if (what === 'sessions') {
    const ended = await options.perform(c, act, () => endSessionsOf(book.db, name))
    return back(c, `${name} is signed out: ${ended} ${ended === 1 ? 'session' : 'sessions'}.`)
  }
  if (what === 'password') {
    const ticket = await options.perform(c, act, () =>
      invitePassword(book, { name, by: inviterOf(c) }),
    )
    return showUsers(c, options, {
      title: `A link for ${name} to a new password, good for a day and once`,
      value: linkTo(c, options, ticket),
    })
  }
  const user = await options.perform(c, act, () => changeUser(book, name, CHANGES[what](form)))
  return back(c, `${user.name} ${SAID[what]}`)
}

/** Makes a token and shows it, this once. */
export const makeToken = async (c: ConsoleContext, options: PageOptions): Promise<Response> => {
  const form = await readFresh(c)
  if (!form) return proveFirst(c)
  const scopes = form.getAll('scope')
  const name = form.get('name') ?? ''
  const act = { act: 'token.create', subject: name, detail: { scopes } }
  const { token } = await options.perform(c, act, () =>
    createToken(options.store.db, {
      ...{ name, scopes, days: Number(form.get('days')), perMinute: 120 },
      by: principalOf(c).name,
    }),
  )
  return showUsers(c, options, { title: `The token "${name}", shown this once`, value: token })
}

/** Ends a token at once. */
export const endToken = async (c: ConsoleContext, options: PageOptions): Promise<Response> => {
  const form = await readFresh(c)
  if (!form) return proveFirst(c)
  const id = c.req.param('id') ?? ''
  const act = { act: 'token.revoke', subject: id }
  const row = await options.perform(c, act, () => revokeToken(options.store.db, id))
  return back(c, `The token ${row.name} is revoked.`)
}

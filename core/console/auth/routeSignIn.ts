import type { Hono } from 'hono'
import { isTocsinError, TocsinError } from '../../base/index.ts'
import {
  actForm,
  type ConsoleContext,
  type ConsoleEnv,
  csrfField,
  needs,
  open,
  principalOf,
} from '../principal.ts'
import { readBounded } from '../readBounded.ts'
import { readInvitation, takeInvitation } from './invites.ts'
import { renderAgain, renderCode, renderWelcome } from './renderSignIn.ts'
import { returnPath } from './returnPath.ts'
import { routeProvider } from './routeProvider.ts'
import { openTicket, sealTicket } from './seal.ts'
import { endSession, endSessionsOf } from './sessions.ts'
import {
  createSignInDesk,
  type RefusalStatus,
  refusalOf,
  type SignInDesk,
  type SignInOptions,
} from './signInDesk.ts'
import { findActiveUser } from './users.ts'

const GUARD = open('people come here to sign in')
const WELCOME = open('a link of an admin says who may choose a password')
const MAX_FORM = 8_192
/** So long somebody may look for their telephone (ms). */
const CODE_MS = 300_000

type Row = NonNullable<Awaited<ReturnType<typeof findActiveUser>>>

const readForm = async (c: ConsoleContext): Promise<URLSearchParams> => {
  const body = await readBounded(c.req.raw.body, MAX_FORM)
  if (body === undefined) throw new TocsinError('form.too_large', 'This form is too large.')
  return new URLSearchParams(body)
}

/** Begins the session of somebody who proved all that they have to. */
const enter = async (
  c: ConsoleContext,
  auth: SignInOptions['auth'],
  desk: SignInDesk,
  { name, role, approver }: Row,
  act: string,
): Promise<void> => {
  await auth.begin(c, { user: name, role, approver, via: 'password' })
  await desk.note(c, name, act, 'done')
}

const routePassword = (app: Hono<ConsoleEnv>, { auth }: SignInOptions, desk: SignInDesk): void => {
  app.get('/sign-in', GUARD, async (c) => {
    const to = returnPath(c.req.query('to'))
    return c.get('principal') ? c.redirect(to, 303) : desk.showSignIn(c, to)
  })

  app.post('/sign-in', GUARD, async (c) => {
    const form = await readForm(c)
    const to = returnPath(form.get('to'))
    const name = form.get('user') ?? ''
    try {
      auth.demandSafeWay(c)
      const row = await desk.check(c, name, form.get('password') ?? '', 'sign-in')
      if (row.totp !== null) {
        const text = JSON.stringify([row.name, row.changedAt.getTime()])
        const expiresMs = Date.now() + CODE_MS
        const ticket = sealTicket(await auth.secret(), 'sign-in', { text, expiresMs })
        return c.html(renderCode({ nonce: c.get('nonce'), to, ticket }))
      }
      await enter(c, auth, desk, row, 'sign-in')
      return c.redirect(to, 303)
    } catch (error) {
      const { message, status } = refusalOf(error)
      return desk.showSignIn(c, to, message, name.slice(0, 200), status)
    }
  })

  app.post('/sign-in/code', GUARD, async (c) => {
    const form = await readForm(c)
    const to = returnPath(form.get('to'))
    const ticket = form.get('ticket') ?? ''
    const text = openTicket(await auth.secret(), 'sign-in', ticket)
    const [name, changedAtMs] = text ? (JSON.parse(text) as readonly [string, number]) : []
    const row = name === undefined ? undefined : await findActiveUser(await auth.book(), name)
    if (!row || row.changedAt.getTime() !== changedAtMs)
      return desk.showSignIn(c, to, 'That took too long. Begin again.', undefined, 403)
    try {
      auth.demandSafeWay(c)
      await desk.checkCode(c, row, form.get('code') ?? '', 'sign-in')
      await enter(c, auth, desk, row, 'sign-in')
      return c.redirect(to, 303)
    } catch (error) {
      const { message, status } = refusalOf(error)
      return c.html(renderCode({ nonce: c.get('nonce'), to, ticket, message }), status)
    }
  })
}

const routeAgain = (
  app: Hono<ConsoleEnv>,
  { config, auth }: SignInOptions,
  desk: SignInDesk,
): void => {
  const show = async (
    c: ConsoleContext,
    to: string,
    message?: string,
    status: RefusalStatus = 200,
  ): Promise<Response> => {
    const oidc = c.get('isOidc') ? config().console.oidc?.label : undefined
    const { name } = principalOf(c)
    const row = oidc ? undefined : await findActiveUser(await auth.book(), name)
    const hasFactor = (row?.totp ?? null) !== null
    const view = { nonce: c.get('nonce'), to, name, csrf: csrfField(c), message, oidc, hasFactor }
    return c.html(renderAgain(view), status)
  }

  app.get('/sign-in/again', needs('viewer'), (c) => show(c, returnPath(c.req.query('to'))))

  app.post('/sign-in/again', needs('viewer'), async (c) => {
    const form = await actForm(c)
    const to = returnPath(form.get('to'))
    const { name, via } = principalOf(c)
    try {
      if (via !== 'session') throw new TocsinError('auth.required', 'Nobody is signed in here.')
      auth.demandSafeWay(c)
      const row = await desk.check(c, name, form.get('password') ?? '', 'sign-in.again')
      if (row.totp !== null) await desk.checkCode(c, row, form.get('code') ?? '', 'sign-in.again')
      await enter(c, auth, desk, row, 'sign-in.again')
      return c.redirect(to, 303)
    } catch (error) {
      const { message, status } = refusalOf(error)
      return show(c, to, message, status)
    }
  })
}

/** Where links of admins lead: somebody chooses the password by which they sign in from then on. */
const routeWelcome = (
  app: Hono<ConsoleEnv>,
  { auth, cost }: SignInOptions,
  desk: SignInDesk,
): void => {
  const show = async (c: ConsoleContext, ticket: string, message?: string, status?: 403) => {
    const { name, kind } = await readInvitation(await auth.book(), ticket)
    const view = { nonce: c.get('nonce'), ticket, name, isNew: kind === 'new', message }
    return c.html(renderWelcome(view), status ?? 200)
  }

  app.get('/welcome', WELCOME, (c) => show(c, c.req.query('t') ?? ''))

  app.post('/welcome', WELCOME, async (c) => {
    const form = await readForm(c)
    const ticket = form.get('ticket') ?? ''
    auth.demandSafeWay(c)
    const book = await auth.book()
    const { kind, by } = await readInvitation(book, ticket)
    try {
      const password = form.get('password') ?? ''
      if (password !== form.get('again'))
        throw new TocsinError('user.weak_password', 'The two are not the same.')
      const { name } = await takeInvitation(book, ticket, { password, cost })
      await desk.note(c, name, kind === 'new' ? 'user.welcome' : 'user.new_password', 'done', by)
      const words = `You may sign in now, ${name}.`
      return desk.showSignIn(c, '/', undefined, name, 200, words)
    } catch (error) {
      if (isTocsinError(error) && error.code === 'user.weak_password')
        return show(c, ticket, error.message, 403)
      throw error
    }
  })
}

const routeSignOut = (
  app: Hono<ConsoleEnv>,
  { auth, store }: SignInOptions,
  desk: SignInDesk,
): void => {
  app.post('/sign-out', needs('viewer'), async (c) => {
    const form = await actForm(c)
    const { name, via } = principalOf(c)
    const id = auth.cookie(c)
    if (via === 'session' && id) {
      const everywhere = form.get('everywhere') === '1'
      if (everywhere) await endSessionsOf(store.db, name)
      else await endSession(store.db, id)
      await desk.note(c, name, everywhere ? 'sign-out.everywhere' : 'sign-out', 'done')
    }
    auth.clearCookie(c)
    return c.redirect('/sign-in', 303)
  })
}

/** The pages and forms by which people sign in, prove it again, and sign out. */
export const routeSignIn = (app: Hono<ConsoleEnv>, options: SignInOptions): void => {
  const desk = createSignInDesk(options)
  routePassword(app, options, desk)
  routeAgain(app, options, desk)
  routeWelcome(app, options, desk)
  routeSignOut(app, options, desk)
  routeProvider(app, options, desk)
}

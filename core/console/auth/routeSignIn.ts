import type { Hono } from 'hono'
import { TocsinError } from '../../base/index.ts'
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
import { renderAgain } from './renderSignIn.ts'
import { returnPath } from './returnPath.ts'
import { routeProvider } from './routeProvider.ts'
import { endSession, endSessionsOf } from './sessions.ts'
import {
  createSignInDesk,
  type RefusalStatus,
  refusalOf,
  type SignInDesk,
  type SignInOptions,
} from './signInDesk.ts'

const GUARD = open('people come here to sign in')
const MAX_FORM = 8_192

const routePassword = (app: Hono<ConsoleEnv>, { auth }: SignInOptions, desk: SignInDesk): void => {
  app.get('/sign-in', GUARD, async (c) => {
    const to = returnPath(c.req.query('to'))
    return c.get('principal') ? c.redirect(to, 303) : desk.showSignIn(c, to)
  })

  app.post('/sign-in', GUARD, async (c) => {
    const body = await readBounded(c.req.raw.body, MAX_FORM)
    if (body === undefined) throw new TocsinError('form.too_large', 'This form is too large.')
    const form = new URLSearchParams(body)
    const to = returnPath(form.get('to'))
    const name = form.get('user') ?? ''
    try {
      auth.demandSafeWay(c)
      const row = await desk.check(c, name, form.get('password') ?? '', 'sign-in')
      const { role, approver } = row
      await auth.begin(c, { user: row.name, role, approver, via: 'password' })
      await desk.note(c, row.name, 'sign-in', 'done')
      return c.redirect(to, 303)
    } catch (error) {
      const { message, status } = refusalOf(error)
      return desk.showSignIn(c, to, message, name.slice(0, 200), status)
    }
  })
}

const routeAgain = (
  app: Hono<ConsoleEnv>,
  { config, auth }: SignInOptions,
  desk: SignInDesk,
): void => {
  const show = (
    c: ConsoleContext,
    to: string,
    message?: string,
    status: RefusalStatus = 200,
  ): Response => {
    const oidc = c.get('isOidc') ? config().console.oidc?.label : undefined
    const { name } = principalOf(c)
    const view = { nonce: c.get('nonce'), to, name, csrf: csrfField(c), message, oidc }
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
      const { role, approver } = row
      await auth.begin(c, { user: row.name, role, approver, via: 'password' })
      await desk.note(c, name, 'sign-in.again', 'done')
      return c.redirect(to, 303)
    } catch (error) {
      const { message, status } = refusalOf(error)
      return show(c, to, message, status)
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
  routeSignOut(app, options, desk)
  routeProvider(app, options, desk)
}

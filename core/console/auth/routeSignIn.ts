import type { Hono } from 'hono'
import { deleteCookie, getCookie, setCookie } from 'hono/cookie'
import { isTocsinError, TocsinError } from '../../base/index.ts'
import type { Config } from '../../config/types.ts'
import type { Store } from '../../store/index.ts'
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
import { countTry, forgetTries } from './attempts.ts'
import { noteDeed } from './audit.ts'
import type { Auth } from './createAuth.ts'
import { createOidc, type Oidc } from './oidc.ts'
import { OWASP_COST, type PasswordCost, verifyPassword } from './passwords.ts'
import { renderAgain, renderSignIn } from './renderSignIn.ts'
import { returnPath } from './returnPath.ts'
import { endSession, endSessionsOf } from './sessions.ts'
import { findActiveUser, hasUsers, userNameOf } from './users.ts'

const FLOW_COOKIE = 'tocsin-flow'
const WRONG = 'Name or password are wrong.'
const SIGN_IN = open('people come here to sign in')

type Deps = {
  readonly config: () => Config
  readonly store: Store
  readonly auth: Auth
  readonly cost?: PasswordCost | undefined
}

/** The pages and forms by which people sign in, prove it again, and sign out. */
export const routeSignIn = (app: Hono<ConsoleEnv>, { config, store, auth, cost }: Deps): void => {
  const { db } = store
  let provider: { readonly settings: object; readonly oidc: Oidc } | undefined
  const getOidc = (): Oidc => {
    const settings = config().console.oidc
    if (!settings) throw new TocsinError('oidc.none', 'No identity provider is configured.')
    if (provider?.settings !== settings) provider = { settings, oidc: createOidc(settings) }
    return provider.oidc
  }

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

  /** The user of a name and password. Whether there is such a user shows neither in the answer nor in its time. */
  const check = async (c: ConsoleContext, name: string, password: string, act: string) => {
    const address = auth.addressOf(c)
    const user = userNameOf(name).slice(0, 200)
    try {
      await countTry(db, user, address)
      const row = await findActiveUser(await auth.book(), user)
      if (!(await verifyPassword(password, row?.passwordHash, cost ?? OWASP_COST)) || !row)
        throw new TocsinError('auth.wrong', WRONG)
      await forgetTries(db, user, address)
      return row
    } catch (error) {
      if (isTocsinError(error)) await note(c, user, act, 'refused', error.code)
      throw error
    }
  }

  const showSignIn = async (
    c: ConsoleContext,
    to: string,
    message?: string,
    user?: string,
    status: 200 | 401 | 403 | 429 | 503 = 200,
  ): Promise<Response> => {
    const oidc = config().console.oidc?.label
    const view = { nonce: c.get('nonce'), to, message, oidc, hasPasswords: await hasUsers(db) }
    return c.html(renderSignIn(user === undefined ? view : { ...view, user }), status)
  }

  /** What a page says of a refusal, with its status; errors of other kinds go on. */
  const refusalOf = (error: unknown): { message: string; status: 401 | 403 | 429 | 503 } => {
    if (!isTocsinError(error)) throw error
    const { code, message } = error
    if (code === 'auth.too_many') return { message, status: 429 }
    if (code === 'auth.busy' || code === 'oidc.unreachable') return { message, status: 503 }
    return { message, status: code === 'auth.wrong' ? 401 : 403 }
  }

  app.get('/sign-in', SIGN_IN, async (c) => {
    const to = returnPath(c.req.query('to'))
    const principal = c.get('principal')
    if (principal) return c.redirect(to, 303)
    return showSignIn(c, to)
  })

  app.post('/sign-in', SIGN_IN, async (c) => {
    const body = await readBounded(c.req.raw.body, 8_192)
    if (body === undefined) throw new TocsinError('form.too_large', 'This form is too large.')
    const form = new URLSearchParams(body)
    const to = returnPath(form.get('to'))
    const name = form.get('user') ?? ''
    try {
      auth.demandSafeWay(c)
      const row = await check(c, name, form.get('password') ?? '', 'sign-in')
      await auth.begin(c, {
        user: row.name,
        role: row.role,
        approver: row.approver,
        via: 'password',
      })
      await note(c, row.name, 'sign-in', 'done')
      return c.redirect(to, 303)
    } catch (error) {
      const { message, status } = refusalOf(error)
      return showSignIn(c, to, message, name.slice(0, 200), status)
    }
  })

  const showAgain = (
    c: ConsoleContext,
    to: string,
    message?: string,
    status: 200 | 401 | 403 | 429 | 503 = 200,
  ): Response => {
    const { name, isOidc } = { name: principalOf(c).name, isOidc: c.get('isOidc') === true }
    const oidc = isOidc ? config().console.oidc?.label : undefined
    const view = { nonce: c.get('nonce'), to, name, csrf: csrfField(c), message, oidc }
    return c.html(renderAgain(view), status)
  }

  app.get('/sign-in/again', needs('viewer'), (c) => showAgain(c, returnPath(c.req.query('to'))))

  app.post('/sign-in/again', needs('viewer'), async (c) => {
    const form = await actForm(c)
    const to = returnPath(form.get('to'))
    const { name, via } = principalOf(c)
    try {
      if (via !== 'session') throw new TocsinError('auth.required', 'Nobody is signed in here.')
      auth.demandSafeWay(c)
      const row = await check(c, name, form.get('password') ?? '', 'sign-in.again')
      await auth.begin(c, {
        user: row.name,
        role: row.role,
        approver: row.approver,
        via: 'password',
      })
      await note(c, name, 'sign-in.again', 'done')
      return c.redirect(to, 303)
    } catch (error) {
      const { message, status } = refusalOf(error)
      return showAgain(c, to, message, status)
    }
  })

  app.post('/sign-out', needs('viewer'), async (c) => {
    const form = await actForm(c)
    const { name, via } = principalOf(c)
    const id = auth.cookie(c)
    if (via === 'session' && id) {
      const everywhere = form.get('everywhere') === '1'
      if (everywhere) await endSessionsOf(db, name)
      else await endSession(db, id)
      await note(c, name, everywhere ? 'sign-out.everywhere' : 'sign-out', 'done')
    }
    auth.clearCookie(c)
    return c.redirect('/sign-in', 303)
  })

  const flowCookie = () => {
    const isSecure = auth.publicUrl()?.startsWith('https:') ?? false
    const path = '/sign-in/oidc'
    return { path, httpOnly: true, sameSite: 'Lax', secure: isSecure, maxAge: 600 } as const
  }

  app.get('/sign-in/oidc', SIGN_IN, async (c) => {
    const to = returnPath(c.req.query('to'))
    try {
      auth.demandSafeWay(c)
      const origin = auth.publicUrl() ?? `http://${c.req.header('host')}`
      const { url, flow } = await getOidc().begin({
        redirectUri: `${origin}/sign-in/oidc/back`,
        to,
        again: c.req.query('again') === '1',
      })
      setCookie(c, FLOW_COOKIE, flow, flowCookie())
      return c.redirect(url, 303)
    } catch (error) {
      const { message, status } = refusalOf(error)
      return showSignIn(c, to, message, undefined, status)
    }
  })

  app.get('/sign-in/oidc/back', SIGN_IN, async (c) => {
    const flow = getCookie(c, FLOW_COOKIE)
    deleteCookie(c, FLOW_COOKIE, { path: '/sign-in/oidc' })
    try {
      const { to, ...person } = await getOidc().finish(flow, new URL(c.req.url).search)
      await auth.begin(c, person)
      await note(c, person.user, 'sign-in.oidc', 'done')
      return c.redirect(to, 303)
    } catch (error) {
      const { message, status } = refusalOf(error)
      if (isTocsinError(error)) await note(c, 'unknown', 'sign-in.oidc', 'refused', error.code)
      return showSignIn(c, '/', message, undefined, status)
    }
  })
}

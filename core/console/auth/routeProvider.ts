import type { Hono } from 'hono'
import { deleteCookie, getCookie, setCookie } from 'hono/cookie'
import { isTocsinError, TocsinError } from '../../base/index.ts'
import { type ConsoleEnv, open } from '../principal.ts'
import { createOidc, type Oidc } from './oidc.ts'
import { returnPath } from './returnPath.ts'
import { refusalOf, type SignInDesk, type SignInOptions } from './signInDesk.ts'

const FLOW_COOKIE = 'tocsin-flow'
const PATH = '/sign-in/oidc'
const GUARD = open('people come here to sign in')

/** The way to the identity provider, and back. */
export const routeProvider = (
  app: Hono<ConsoleEnv>,
  { config, auth }: SignInOptions,
  desk: SignInDesk,
): void => {
  let provider: { readonly settings: object; readonly oidc: Oidc } | undefined
  const getOidc = (): Oidc => {
    const settings = config().console.oidc
    if (!settings) throw new TocsinError('oidc.none', 'No identity provider is configured.')
    if (provider?.settings !== settings) provider = { settings, oidc: createOidc(settings) }
    return provider.oidc
  }
  const flowCookie = () => {
    const secure = auth.publicUrl()?.startsWith('https:') ?? false
    return { path: PATH, httpOnly: true, sameSite: 'Lax', secure, maxAge: 600 } as const
  }

  app.get(PATH, GUARD, async (c) => {
    const to = returnPath(c.req.query('to'))
    try {
      auth.demandSafeWay(c)
      const origin = auth.publicUrl() ?? `http://${c.req.header('host')}`
      const { url, flow } = await getOidc().begin({
        redirectUri: `${origin}${PATH}/back`,
        to,
        again: c.req.query('again') === '1',
      })
      setCookie(c, FLOW_COOKIE, flow, flowCookie())
      return c.redirect(url, 303)
    } catch (error) {
      const { message, status } = refusalOf(error)
      return desk.showSignIn(c, to, message, undefined, status)
    }
  })

  app.get(`${PATH}/back`, GUARD, async (c) => {
    const flow = getCookie(c, FLOW_COOKIE)
    deleteCookie(c, FLOW_COOKIE, { path: PATH })
    try {
      const { to, ...person } = await getOidc().finish(flow, new URL(c.req.url).search)
      await auth.begin(c, person)
      await desk.note(c, person.user, 'sign-in.oidc', 'done')
      return c.redirect(to, 303)
    } catch (error) {
      const { message, status } = refusalOf(error)
      if (isTocsinError(error)) await desk.note(c, 'unknown', 'sign-in.oidc', 'refused', error.code)
      return desk.showSignIn(c, '/', message, undefined, status)
    }
  })
}

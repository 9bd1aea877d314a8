import type { Context, Handler, MiddlewareHandler } from 'hono'
import { isSameText, TocsinError } from '../base/index.ts'
import { html, type Markup } from './html.ts'
import { readBounded } from './readBounded.ts'
import type { ConsoleVariables } from './security.ts'

/** What somebody may do; each role may do what those before it may. */
export const ROLES = ['viewer', 'responder', 'approver', 'admin'] as const
export type Role = (typeof ROLES)[number]

/** What a token may be used for. None of them approves. */
export const SCOPES = ['read', 'acknowledge', 'silence', 'subscribe', 'halt'] as const
export type Scope = (typeof SCOPES)[number]

/** Who asks. */
export type Principal = {
  readonly name: string
  readonly role: Role
  /** `local`: somebody at this machine, where nobody has to sign in. */
  readonly via: 'session' | 'token' | 'local'
  /** Of a token: all that it may be used for. */
  readonly scopes: readonly Scope[]
  /** Name under `signer.approvers` for which this person answers proposals. */
  readonly approver: string | undefined
  /** When this person last proved who they are. */
  readonly verifiedAt: Date | undefined
}

export type ConsoleEnv = { Variables: ConsoleVariables }
export type ConsoleContext = Context<ConsoleEnv>

/** What a route demands. `open`: it asks nobody, or asks in a way of its own (a link, the token of the halt). */
export type Need =
  | { readonly kind: 'role'; readonly role: Role; readonly scope: Scope | undefined }
  | { readonly kind: 'open'; readonly why: string }

const needsOf = new WeakMap<object, Need>()

/** What a handler of the route table demands; undefined for one that is no guard. */
export const needOf = (handler: Handler | MiddlewareHandler): Need | undefined =>
  needsOf.get(handler)

const guard = (
  need: Need,
  handler: MiddlewareHandler<ConsoleEnv>,
): MiddlewareHandler<ConsoleEnv> => {
  needsOf.set(handler, need)
  return handler
}

export const hasRole = (principal: Pick<Principal, 'role'>, role: Role): boolean =>
  ROLES.indexOf(principal.role) >= ROLES.indexOf(role)

/** Whether somebody passes a guard. A token is asked for its scope alone, and passes where a scope is named. */
export const isAllowed = (
  principal: Principal,
  need: { readonly role: Role; readonly scope?: Scope | undefined },
): boolean =>
  principal.via === 'token'
    ? need.scope !== undefined && principal.scopes.includes(need.scope)
    : hasRole(principal, need.role)

const isPage = (c: ConsoleContext): boolean =>
  !c.req.path.startsWith('/api/') && c.req.path !== '/graphql'

/**
 * Lets through who has the role, or a token of the scope. Every route names what it needs, by this or by `open`: a
 * console with a route that does not is not started.
 * @example app.get('/bots', needs('viewer', 'read'), showBots)
 */
export const needs = (role: Role, scope?: Scope): MiddlewareHandler<ConsoleEnv> =>
  guard({ kind: 'role', role, scope }, async (c, next) => {
    const principal = c.get('principal')
    if (!principal) {
      if (isPage(c) && c.req.method === 'GET') {
        const { pathname, search } = new URL(c.req.url)
        return c.redirect(`/sign-in?to=${encodeURIComponent(pathname + search)}`, 303)
      }
      throw new TocsinError('auth.required', 'Sign in, or send a token.')
    }
    if (!isAllowed(principal, { role, scope }))
      throw new TocsinError(
        'auth.forbidden',
        principal.via === 'token'
          ? `This needs ${scope ? `a token with the scope "${scope}"` : 'a person who signed in'}.`
          : `This needs the role "${role}"; you have "${principal.role}".`,
      )
    return next()
  })

/** Says of a route that it asks nobody to sign in, and why that is right. */
export const open = (why: string): MiddlewareHandler<ConsoleEnv> =>
  guard({ kind: 'open', why }, (_, next) => next())

/** Who asks, behind a guard. @throws TocsinError `auth.required` */
export const principalOf = (c: ConsoleContext): Principal => {
  const principal = c.get('principal')
  if (!principal) throw new TocsinError('auth.required', 'Sign in, or send a token.')
  return principal
}

const MAX_FORM = 65_536
const FIELD = '_csrf'

/** The hidden field that every form of a page carries. */
export const csrfField = (c: ConsoleContext): Markup =>
  html`<input type="hidden" name="${FIELD}" value="${c.get('csrf')}">`

/** Whether a token for forms is the one of this session. Scripts send it as the header `x-csrf-token`. */
export const isCsrfToken = (c: ConsoleContext, given: string | null | undefined): boolean =>
  c.get('csrf') !== '' && isSameText(given ?? '', c.get('csrf'))

/**
 * Reads the form of a POST that changes something; who sends it passed `needs` already, and the origin was checked.
 * @throws TocsinError `auth.csrf` for a form that is not of this session, `form.too_large`
 */
export const actForm = async (c: ConsoleContext): Promise<URLSearchParams> => {
  const body = await readBounded(c.req.raw.body, MAX_FORM)
  if (body === undefined) throw new TocsinError('form.too_large', 'This form is too large.')
  const form = new URLSearchParams(body)
  if (!isCsrfToken(c, form.get(FIELD)))
    throw new TocsinError('auth.csrf', 'This form is of an older session. Open the page again.')
  form.delete(FIELD)
  return form
}

/** Somebody who has to have proved who they are within this (ms) may approve. */
export const FRESH_MS = 300_000

/** Whether this person proved who they are just now; where they have not, send them to `/sign-in/again?to=…`. */
export const isFresh = (principal: Principal, now = Date.now()): boolean =>
  principal.via === 'session' &&
  principal.verifiedAt !== undefined &&
  now - principal.verifiedAt.getTime() < FRESH_MS

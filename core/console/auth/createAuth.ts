import { randomBytes } from 'node:crypto'
import type { MiddlewareHandler } from 'hono'
import { TocsinError } from '../../base/index.ts'
import type { Config } from '../../config/types.ts'
import { loadPeopleSecret, type PeopleSecret } from '../../response/light.ts'
import type { Store } from '../../store/index.ts'
import { type ConsoleContext, type ConsoleEnv, hasRole, type Principal } from '../principal.ts'
import { isLoopback, nameOfHost } from '../security.ts'
import { clientAddress } from './clientAddress.ts'
import { createPace } from './pace.ts'
import { createSessionCookie } from './sessionCookie.ts'
import { createSession, findSession, SESSION_LIMITS, type SignedIn } from './sessions.ts'
import { createTokenDoor } from './tokens.ts'
import { findActiveUser, hasUsers, type UserBook } from './users.ts'

export type AuthOptions = {
  readonly config: () => Config
  readonly store: Store
}

/** Who may come in, and how they are known again. */
export type Auth = {
  /** Finds out who asks, and never refuses by itself but a wrong token. */
  readonly middleware: MiddlewareHandler<ConsoleEnv>
  readonly secret: () => Promise<PeopleSecret>
  readonly book: () => Promise<UserBook>
  /** Whether people have to sign in: there are users, or an identity provider. */
  readonly isRequired: () => Promise<boolean>
  /** Begins a session in place of the one before, and sets its cookie. */
  readonly begin: (
    c: ConsoleContext,
    who: SignedIn & { readonly verifiedAt?: Date | undefined },
  ) => Promise<void>
  /** The cookie of this request. */
  readonly cookie: (c: ConsoleContext) => string | undefined
  readonly clearCookie: (c: ConsoleContext) => void
  readonly addressOf: (c: ConsoleContext) => string
  /** @throws TocsinError `auth.insecure` where a password would travel in the clear */
  readonly demandSafeWay: (c: ConsoleContext) => void
  readonly publicUrl: () => string | undefined
}

/** How long it may take until a first user is noticed (ms). */
const LOOK_MS = 2_000

/** Routes that ask nobody, and say for themselves when the database does not answer. */
const UNASKED: readonly string[] = ['/health', '/ready', '/answer', '/api/halt']

/** Scheme, name and port by which browsers reach the console; undefined where nobody said. */
export const publicUrlOf = ({ console: own, people }: Config): string | undefined => {
  const url = own.publicUrl ?? people?.url
  return url !== undefined && URL.canParse(url) ? new URL(url).origin : undefined
}

/** Whoever is at the machine, while nobody has to sign in. */
const localOf = ({ open, host }: Config['console']): Principal => ({
  name: 'local',
  role: open && isLoopback(host) ? 'admin' : 'viewer',
  via: 'local',
  scopes: [],
  approver: undefined,
  verifiedAt: undefined,
})

type Known = {
  readonly principal: Principal
  readonly csrf: string
  readonly isOidc: boolean
  readonly lacksFactor?: boolean
}

/** Most requests of one person in a minute, where the watchlist says nothing. */
const PER_MINUTE = 600

/** Whether there are users, asked now and then; users that vanish do not open the console again. */
const createUserWatch = (store: Store): (() => Promise<boolean>) => {
  let known = false
  let lookedAt = 0
  return async () => {
    if (known || Date.now() - lookedAt < LOOK_MS) return known
    known = await hasUsers(store.db)
    lookedAt = Date.now()
    return known
  }
}

const createSecretLoader = (config: () => Config): (() => Promise<PeopleSecret>) => {
  let loaded: Promise<PeopleSecret> | undefined
  return () => {
    loaded ??= loadPeopleSecret(config()).catch((error: unknown) => {
      loaded = undefined
      throw error
    })
    return loaded
  }
}

/** Who a cookie stands for. Whatever changed since they signed in counts at once. */
const findPerson = async (
  { config, store }: AuthOptions,
  secret: PeopleSecret,
  id: string,
): Promise<Known | undefined> => {
  const { session, oidc, requireTotp } = config().console
  const found = await findSession(store.db, secret, id, session ?? SESSION_LIMITS)
  if (!found || (found.via === 'oidc' && !oidc)) return undefined
  const book = { db: store.db, secret }
  const user = found.via === 'password' ? await findActiveUser(book, found.user) : found
  if (!user) return undefined
  // Who has none yet may come in and get one, and until then only look.
  const lacksFactor =
    requireTotp === true && 'totp' in user && user.totp === null && hasRole(user, 'approver')
  return {
    csrf: found.csrf,
    isOidc: found.via === 'oidc',
    lacksFactor,
    principal: {
      name: found.user,
      role: lacksFactor ? 'viewer' : user.role,
      via: 'session',
      scopes: [],
      approver: lacksFactor ? undefined : (user.approver ?? undefined),
      verifiedAt: found.verifiedAt,
    },
  }
}

/** A token of ours that a program sent; pages ask for people, and bearers of another kind are not ours to judge. */
const bearerOf = (c: ConsoleContext): string | undefined => {
  const isProgram = c.req.path.startsWith('/api/') || c.req.path === '/graphql'
  if (!isProgram) return undefined
  return /^Bearer +(tcs_\S{1,200})$/i.exec(c.req.header('authorization') ?? '')?.[1]
}

export const createAuth = (options: AuthOptions): Auth => {
  const { config, store } = options
  const tokens = createTokenDoor(store.db)
  const pace = createPace()
  const watchUsers = createUserWatch(store)
  const secret = createSecretLoader(config)
  /** Forms of pages that nobody signed in to. */
  const localCsrf = randomBytes(32).toString('base64url')
  const publicUrl = (): string | undefined => publicUrlOf(config())
  const isSecure = (): boolean => publicUrl()?.startsWith('https:') ?? false
  const cookie = createSessionCookie(isSecure)
  const addressOf = (c: ConsoleContext): string => clientAddress(c, config().console.proxies ?? [])
  const isRequired = async (): Promise<boolean> =>
    config().console.oidc !== undefined || (await watchUsers())

  const find = async (c: ConsoleContext): Promise<Known | undefined> => {
    const id = cookie.read(c)
    const known = id ? await findPerson(options, await secret(), id) : undefined
    if (known || (await isRequired())) return known
    return { principal: localOf(config().console), csrf: localCsrf, isOidc: false }
  }

  return {
    secret,
    book: async () => ({ db: store.db, secret: await secret() }),
    isRequired,
    cookie: cookie.read,
    clearCookie: cookie.clear,
    addressOf,
    publicUrl,
    begin: async (c, who) => {
      const limits = config().console.session ?? SESSION_LIMITS
      const { id, session } = await createSession(store.db, await secret(), {
        ...who,
        address: addressOf(c),
        agent: c.req.header('user-agent') ?? '',
        limits,
        replaces: cookie.read(c),
      })
      cookie.set(c, id, limits.absoluteS)
      c.set('csrf', session.csrf)
    },
    demandSafeWay: (c) => {
      const name = nameOfHost(c.req.header('host') ?? '')
      const own = publicUrl()
      if (isLoopback(name) || (own && isSecure() && new URL(own).hostname === name)) return
      throw new TocsinError('auth.insecure', 'A password would travel in the clear by this way.', {
        hints: ['Name the https address in `console.publicUrl`, and sign in there.'],
      })
    },
    middleware: async (c, next) => {
      if (UNASKED.includes(c.req.path)) return next()
      const bearer = bearerOf(c)
      const known = bearer
        ? { principal: await tokens.admit(bearer), csrf: '', isOidc: false }
        : await find(c)
      if (known?.principal.via === 'session')
        pace(known.principal.name, config().console.perMinute ?? PER_MINUTE, 'You may send')
      c.set('lacksFactor', known?.lacksFactor ?? false)
      c.set('principal', known?.principal)
      c.set('csrf', known?.csrf ?? '')
      c.set('isOidc', known?.isOidc ?? false)
      return next()
    },
  }
}

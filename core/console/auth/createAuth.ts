import { randomBytes } from 'node:crypto'
import type { MiddlewareHandler } from 'hono'
import { getCookie, setCookie } from 'hono/cookie'
import { z } from 'zod'
import { TocsinError } from '../../base/index.ts'
import type { Config } from '../../config/types.ts'
import { loadPeopleSecret, type PeopleSecret } from '../../response/light.ts'
import type { Store } from '../../store/index.ts'
import type { ConsoleContext, ConsoleEnv, Principal } from '../principal.ts'
import { isLoopback, nameOfHost } from '../security.ts'
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

const COOKIE = 'tocsin'
/** How long it may take until a first user is noticed (ms). */
const LOOK_MS = 2_000

/** Routes that ask nobody; they answer also while the database does not. */
const UNASKED: readonly string[] = ['/health', '/answer', '/api/halt']

const connection = z.object({
  incoming: z.object({ socket: z.object({ remoteAddress: z.string() }) }),
})

const plainAddress = (address: string): string => address.trim().replace(/^::ffff:/, '')

export const publicUrlOf = ({ console: own, people }: Config): string | undefined =>
  (own.publicUrl ?? people?.url)?.replace(/\/+$/, '')

export const createAuth = (options: AuthOptions): Auth => {
  const { config, store } = options
  const tokens = createTokenDoor(store.db)
  /** Forms of pages that nobody signed in to. */
  const localCsrf = randomBytes(32).toString('base64url')
  let loaded: Promise<PeopleSecret> | undefined
  let known = false
  let lookedAt = 0

  const secret = (): Promise<PeopleSecret> => {
    loaded ??= loadPeopleSecret(config()).catch((error: unknown) => {
      loaded = undefined
      throw error
    })
    return loaded
  }
  const book = async (): Promise<UserBook> => ({ db: store.db, secret: await secret() })

  const isRequired = async (): Promise<boolean> => {
    if (config().console.oidc || known) return true
    if (Date.now() - lookedAt < LOOK_MS) return false
    // Users that vanish do not open the console again.
    known ||= await hasUsers(store.db)
    lookedAt = Date.now()
    return known
  }

  const publicUrl = (): string | undefined => publicUrlOf(config())
  const isSecure = (): boolean => publicUrl()?.startsWith('https:') ?? false
  const limits = () => config().console.session ?? SESSION_LIMITS
  const cookie = (c: ConsoleContext): string | undefined =>
    isSecure() ? getCookie(c, COOKIE, 'host') : getCookie(c, COOKIE)
  const setOwnCookie = (c: ConsoleContext, value: string, maxAge: number): void => {
    const common = { path: '/', httpOnly: true, sameSite: 'Lax', maxAge } as const
    if (isSecure()) setCookie(c, COOKIE, value, { ...common, secure: true, prefix: 'host' })
    else setCookie(c, COOKIE, value, common)
  }

  const addressOf = (c: ConsoleContext): string => {
    const parsed = connection.safeParse(c.env)
    if (!parsed.success) return 'unknown'
    const address = plainAddress(parsed.data.incoming.socket.remoteAddress)
    const proxies = config().console.proxies ?? []
    if (!proxies.includes(address)) return address
    const hops = (c.req.header('x-forwarded-for') ?? '').slice(0, 1_000).split(',')
    const own = hops
      .map(plainAddress)
      .filter((hop) => hop !== '' && !proxies.includes(hop))
      .at(-1)
    return own?.slice(0, 64) ?? address
  }

  const fromSession = async (
    id: string,
  ): Promise<
    { readonly principal: Principal; readonly csrf: string; readonly isOidc: boolean } | undefined
  > => {
    const found = await findSession(store.db, await secret(), id, limits())
    if (!found) return undefined
    const user = found.via === 'password' ? await findActiveUser(await book(), found.user) : found
    // Whatever changed since they signed in counts at once.
    if (!user || (found.via === 'oidc' && !config().console.oidc)) return undefined
    return {
      csrf: found.csrf,
      isOidc: found.via === 'oidc',
      principal: {
        name: found.user,
        role: user.role,
        via: 'session',
        scopes: [],
        approver: user.approver ?? undefined,
        verifiedAt: found.verifiedAt,
      },
    }
  }

  const local = (): Principal => {
    const { open, host } = config().console
    return {
      name: 'local',
      role: open && isLoopback(host) ? 'admin' : 'viewer',
      via: 'local',
      scopes: [],
      approver: undefined,
      verifiedAt: undefined,
    }
  }

  return {
    secret,
    book,
    isRequired,
    cookie,
    addressOf,
    publicUrl,
    clearCookie: (c) => setOwnCookie(c, '', 0),
    begin: async (c, who) => {
      const { id, session } = await createSession(store.db, await secret(), {
        ...who,
        address: addressOf(c),
        agent: c.req.header('user-agent') ?? '',
        limits: limits(),
        replaces: cookie(c),
      })
      setOwnCookie(c, id, limits().absoluteS)
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
      const bearer = /^Bearer +(\S{1,200})$/i.exec(c.req.header('authorization') ?? '')?.[1]
      const isProgram = c.req.path.startsWith('/api/') || c.req.path === '/graphql'
      if (bearer && isProgram) c.set('principal', await tokens.admit(bearer))
      else {
        const id = cookie(c)
        const session = id ? await fromSession(id) : undefined
        if (session) {
          c.set('principal', session.principal)
          c.set('csrf', session.csrf)
          c.set('isOidc', session.isOidc)
        } else if (!(await isRequired())) {
          c.set('principal', local())
          c.set('csrf', localCsrf)
        }
      }
      return next()
    },
  }
}

import { randomBytes } from 'node:crypto'
import { isTocsinError, messageOf, TocsinError } from '../../base/index.ts'
import type { Config } from '../../config/types.ts'
import { ROLES, type Role } from '../principal.ts'
import { isLoopback } from '../security.ts'
import type { SignedIn } from './sessions.ts'

type OidcSettings = NonNullable<Config['console']['oidc']>
type Library = typeof import('openid-client')
type Client = Awaited<ReturnType<Library['discovery']>>

/** What a sign-in under way remembers until the provider sends the person back. */
type Flow = {
  readonly state: string
  readonly nonce: string
  readonly verifier: string
  readonly redirectUri: string
  readonly to: string
  readonly again: boolean
  readonly until: number
}

/** Somebody whom the provider vouches for. */
export type OidcPerson = SignedIn & { readonly verifiedAt: Date; readonly to: string }

const FLOW_MS = 600_000
const MAX_FLOWS = 1_000
/** Whoever proves anew who they are did so at the provider within this (s). */
const AGAIN_S = 300
const TIMEOUT_S = 10

const refuse = (code: string, message: string, cause?: unknown): TocsinError =>
  new TocsinError(code, message, {
    cause,
    hints: ['Sign in again; if it stays, whoever runs the identity provider can say why.'],
  })

const textsOf = (claim: unknown): readonly string[] => {
  if (typeof claim === 'string') return [claim]
  return Array.isArray(claim) ? claim.filter((each) => typeof each === 'string') : []
}

/** The highest role of the groups that somebody is in. */
const roleOf = (settings: OidcSettings, claim: unknown): Role | undefined => {
  const roles = textsOf(claim)
    .slice(0, 500)
    .flatMap((group) => (Object.hasOwn(settings.roles, group) ? [settings.roles[group]] : []))
  return ROLES.toReversed().find((role) => roles.includes(role))
}

const personOf = (settings: OidcSettings, claims: Readonly<Record<string, unknown>>): SignedIn => {
  const name = claims[settings.nameClaim]
  if (typeof name !== 'string' || !/^[^\p{C}]{1,200}$/u.test(name))
    throw refuse('oidc.no_name', `The provider does not say "${settings.nameClaim}".`)
  if (settings.nameClaim === 'email' && claims['email_verified'] !== true)
    throw refuse('oidc.unverified', 'The provider has not verified this e-mail address.')
  const role = roleOf(settings, claims[settings.rolesClaim])
  if (!role) throw refuse('oidc.no_role', 'You are in none of the groups that may sign in.')
  const approver = Object.hasOwn(settings.approvers, name) ? settings.approvers[name] : undefined
  return { user: name.toLowerCase(), role, approver: approver ?? null, via: 'oidc' }
}

/** Exchanges what the provider sent for who it is. @throws TocsinError `oidc.*` */
const redeem = async (
  settings: OidcSettings,
  library: Library,
  client: Client,
  flow: Flow,
  search: string,
): Promise<OidcPerson> => {
  const url = new URL(flow.redirectUri)
  url.search = search
  const tokens = await library.authorizationCodeGrant(client, url, {
    pkceCodeVerifier: flow.verifier,
    expectedState: flow.state,
    expectedNonce: flow.nonce,
    idTokenExpected: true,
    ...(flow.again ? { maxAge: AGAIN_S } : {}),
  })
  const claims = tokens.claims()
  if (!claims) throw refuse('oidc.no_id_token', 'The provider sent no identity.')
  const more = client.serverMetadata().userinfo_endpoint
    ? await library.fetchUserInfo(client, tokens.access_token, claims.sub)
    : {}
  const authTime = claims.auth_time
  return {
    ...personOf(settings, { ...more, ...claims }),
    to: flow.to,
    // A provider that does not say when vouches for no moment.
    verifiedAt: new Date(typeof authTime === 'number' ? Math.min(authTime * 1_000, Date.now()) : 0),
  }
}

/** Sign-in by an identity provider: authorization code with PKCE, state and nonce. */
export type Oidc = {
  /** Where to send the person, and the key of the flow for a cookie. */
  readonly begin: (given: {
    readonly redirectUri: string
    readonly to: string
    readonly again: boolean
  }) => Promise<{ readonly url: string; readonly flow: string }>
  /** Who came back. @throws TocsinError `oidc.*` */
  readonly finish: (flow: string | undefined, search: string) => Promise<OidcPerson>
}

export const createOidc = (settings: OidcSettings): Oidc => {
  const flows = new Map<string, Flow>()
  const issuer = new URL(settings.issuer)
  let known: Promise<Client> | undefined

  const discover = (library: Library) => {
    if (issuer.protocol !== 'https:' && !isLoopback(issuer.hostname))
      throw refuse('oidc.insecure', 'The identity provider is not called by https.')
    const { clientId, clientSecret } = settings
    known ??= library
      .discovery(
        issuer,
        clientId,
        undefined,
        clientSecret ? library.ClientSecretBasic(clientSecret) : library.None(),
        {
          timeout: TIMEOUT_S,
          execute: issuer.protocol === 'https:' ? [] : [library.allowInsecureRequests],
        },
      )
      .catch((cause: unknown) => {
        known = undefined
        throw refuse('oidc.unreachable', 'The identity provider does not answer.', cause)
      })
    return known
  }

  const tidy = (): void => {
    const now = Date.now()
    for (const [key, { until }] of flows)
      if (until <= now || flows.size >= MAX_FLOWS) flows.delete(key)
  }

  return {
    begin: async ({ redirectUri, to, again }) => {
      const library = await import('openid-client')
      const client = await discover(library)
      tidy()
      const flow = randomBytes(24).toString('base64url')
      const verifier = library.randomPKCECodeVerifier()
      const state = library.randomState()
      const nonce = library.randomNonce()
      flows.set(flow, {
        ...{ state, nonce, verifier, redirectUri, to, again },
        until: Date.now() + FLOW_MS,
      })
      const url = library.buildAuthorizationUrl(client, {
        redirect_uri: redirectUri,
        scope: settings.scopes.join(' '),
        code_challenge: await library.calculatePKCECodeChallenge(verifier),
        code_challenge_method: 'S256',
        state,
        nonce,
        ...(again ? { prompt: 'login', max_age: String(AGAIN_S) } : {}),
      })
      return { url: url.href, flow }
    },
    finish: async (key, search) => {
      const flow = key === undefined ? undefined : flows.get(key)
      // Used up, however it ends.
      if (key !== undefined) flows.delete(key)
      if (!flow || flow.until <= Date.now())
        throw refuse('oidc.no_flow', 'This sign-in was not begun here, or too long ago.')
      const library = await import('openid-client')
      const client = await discover(library)
      try {
        return await redeem(settings, library, client, flow, search)
      } catch (error) {
        if (isTocsinError(error)) throw error
        throw refuse('oidc.refused', `The sign-in did not succeed: ${messageOf(error)}.`, error)
      }
    },
  }
}

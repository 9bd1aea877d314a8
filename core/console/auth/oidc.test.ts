import { createServer, type Server } from 'node:http'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { cookieOf, createTestConsole, type TestConsole } from '../../../test/support/testConsole.ts'
import { tables } from '../../store/index.ts'
import { listDeeds } from './audit.ts'

/** People of the identity provider, by what they type there. */
const PEOPLE: Readonly<Record<string, Record<string, unknown>>> = {
  ada: { email: 'Ada@Example.org', email_verified: true, groups: ['staff', 'guardians'] },
  eve: { email: 'eve@example.org', email_verified: true, groups: ['visitors'] },
  mia: { email: 'ada@example.org', email_verified: false, groups: ['guardians'] },
}
const BACK = 'http://localhost/sign-in/oidc/back'
let provider: Server
let it: TestConsole

beforeAll(async () => {
  // The package has no types.
  const name: string = 'oidc-provider'
  const { default: Provider } = (await import(name)) as {
    default: new (
      issuer: string,
      settings: object,
    ) => { callback: () => Parameters<typeof createServer>[1] }
  }
  let answer: ReturnType<InstanceType<typeof Provider>['callback']>
  provider = createServer((request, response) => answer?.(request, response))
  await new Promise<void>((resolve) => provider.listen(0, '127.0.0.1', resolve))
  const address = provider.address()
  const issuer = `http://127.0.0.1:${address && typeof address === 'object' ? address.port : 0}`
  answer = new Provider(issuer, {
    clients: [
      {
        client_id: 'tocsin',
        client_secret: 'a-secret-of-the-client-0123456789',
        redirect_uris: [BACK],
      },
    ],
    cookies: { keys: ['k'] },
    pkce: { required: () => true },
    claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['groups'] },
    findAccount: (_: unknown, id: string) => ({
      accountId: id,
      claims: () => ({ sub: id, ...PEOPLE[id] }),
    }),
  }).callback()
  it = await createTestConsole({
    oidc: {
      issuer,
      clientId: 'tocsin',
      clientSecret: 'a-secret-of-the-client-0123456789',
      label: 'Example',
      scopes: ['openid', 'profile', 'email'],
      nameClaim: 'email',
      rolesClaim: 'groups',
      roles: { staff: 'viewer', guardians: 'approver' },
      approvers: { 'Ada@Example.org': 'Ada' },
    },
  })
})
afterAll(async () => {
  await it?.stop()
  provider?.closeAllConnections()
  provider?.close()
})
beforeEach(async () => {
  await it.database.db.delete(tables.consoleSession)
})

/** A browser at the provider: keeps cookies, follows it until it sends the person back to us. */
const logIn = async (start: string, who: string): Promise<string> => {
  const jar = new Map<string, string>()
  const visit = async (url: string, form?: Record<string, string>): Promise<Response> => {
    const response = await fetch(url, {
      redirect: 'manual',
      method: form ? 'POST' : 'GET',
      headers: { cookie: [...jar].map(([key, value]) => `${key}=${value}`).join('; ') },
      ...(form ? { body: new URLSearchParams(form) } : {}),
    })
    for (const line of response.headers.getSetCookie()) {
      const [, key, value] = /^([^=]+)=([^;]*)/.exec(line) ?? []
      if (key !== undefined && value !== undefined) jar.set(key, value)
    }
    return response
  }
  let url = start
  for (let step = 0; step < 12; step++) {
    if (url.startsWith(BACK)) return url
    let response = await visit(url)
    if (response.status === 200) {
      const page = await response.text()
      const prompt = page.includes('name="login"') ? 'login' : 'consent'
      const action = /action="([^"]+)"/.exec(page)?.[1] ?? ''
      response = await visit(
        new URL(action, url).href,
        prompt === 'login' ? { prompt, login: who, password: 'x' } : { prompt },
      )
    }
    url = new URL(response.headers.get('location') ?? '', url).href
  }
  throw new Error(`the provider did not send us back: ${url}`)
}

const begin = async (query = '?to=/incidents') => {
  const answer = await it.call(`/sign-in/oidc${query}`)
  const cookie = answer.headers.getSetCookie()[0]?.split(';')[0] ?? ''
  return { url: answer.headers.get('location') ?? '', cookie, status: answer.status }
}
const finish = (back: string, cookie: string): Promise<Response> => {
  const { pathname, search } = new URL(back)
  return it.call(pathname + search, { headers: { cookie } })
}
const enter = async (who: string): Promise<Response> => {
  const { url, cookie } = await begin()
  return finish(await logIn(url, who), cookie)
}

test('default: a person of a group comes in with its role, and as the approver named', async () => {
  const { url } = await begin()
  const asked = new URL(url).searchParams
  expect(asked.get('code_challenge_method')).toBe('S256')
  for (const key of ['code_challenge', 'state', 'nonce']) expect(asked.get(key)).toBeTruthy()
  const answer = await enter('ada')
  expect([answer.status, answer.headers.get('location')]).toEqual([303, '/incidents'])
  const cookie = cookieOf(answer)
  const me = await (await it.call('/api/v1/me', { headers: { cookie } })).json()
  expect(me).toMatchObject({ name: 'ada@example.org', role: 'approver', approver: 'Ada' })
  const again = await it.call('/sign-in/again?to=/actions', { headers: { cookie } })
  expect(await again.text()).toContain('/sign-in/oidc?again=1&amp;to=%2Factions')
})

test('behavior: whoever proves it again is asked anew, and the moment is the provider’s', async () => {
  const { url, cookie } = await begin('?again=1&to=/actions')
  expect(new URL(url).searchParams.get('prompt')).toBe('login')
  const answer = await finish(await logIn(url, 'ada'), cookie)
  const me = (await (
    await it.call('/api/v1/me', { headers: { cookie: cookieOf(answer) } })
  ).json()) as { verifiedAt: string }
  expect(Math.abs(Date.now() - Date.parse(me.verifiedAt))).toBeLessThan(60_000)
})

test('error: no group, an address that is not verified, another state, and a second use', async () => {
  const codes = async () =>
    (await listDeeds(it.database.db, { limit: 1 })).map(({ act, detail }) => [act, detail])
  expect((await enter('eve')).status).toBe(403)
  expect(await codes()).toEqual([['sign-in.oidc', { code: 'oidc.no_role' }]])
  expect((await enter('mia')).status).toBe(403)
  expect(await codes()).toEqual([['sign-in.oidc', { code: 'oidc.unverified' }]])

  const one = await begin()
  const back = await logIn(one.url, 'ada')
  const other = await begin()
  expect((await finish(back, other.cookie)).status).toBe(403)
  expect(await codes()).toEqual([['sign-in.oidc', { code: 'oidc.refused' }]])
  expect((await finish(back, '')).status).toBe(403)
  expect(await codes()).toEqual([['sign-in.oidc', { code: 'oidc.no_flow' }]])
  expect((await finish(back, one.cookie)).status).toBe(303)
  expect((await finish(back, one.cookie)).status).toBe(403)

  const forged = await begin()
  const url = new URL(await logIn(forged.url, 'ada'))
  url.searchParams.set('iss', 'https://evil.example')
  expect((await finish(url.href, forged.cookie)).status).toBe(403)
  expect(await codes()).toEqual([['sign-in.oidc', { code: 'oidc.refused' }]])
  expect(await it.database.db.select().from(tables.consoleSession)).toHaveLength(1)
})

test('behavior: nobody is in without the provider, and there is no password to guess', async () => {
  const page = await (await it.call('/sign-in')).text()
  expect(page).toContain('Sign in by Example')
  expect(page).not.toContain('type="password"')
  expect((await it.call('/')).status).toBe(303)
})

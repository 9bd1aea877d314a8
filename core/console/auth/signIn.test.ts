import { eq } from 'drizzle-orm'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import {
  CHEAP,
  cookieOf,
  createTestConsole,
  SECRET,
  signIn,
  type TestConsole,
} from '../../../test/support/testConsole.ts'
import { createPeopleSecret } from '../../response/light.ts'
import { tables } from '../../store/index.ts'
import { listDeeds, noteDeed } from './audit.ts'
import { clientAddress } from './clientAddress.ts'
import { hashPassword, OWASP_COST, verifyPassword } from './passwords.ts'
import { returnPath } from './returnPath.ts'
import { findSession, SESSION_LIMITS } from './sessions.ts'
import { addUser, changeUser, listUsers } from './users.ts'

const PASSWORD = 'correct horse battery'
const secret = createPeopleSecret(SECRET)
let it: TestConsole
const book = () => ({ db: it.database.db, secret })

beforeAll(async () => {
  it = await createTestConsole()
})
afterAll(() => it?.stop())
beforeEach(async () => {
  const { db } = it.database
  await db.delete(tables.consoleUser)
  await db.delete(tables.consoleSession)
  await db.delete(tables.consoleAttempt)
  await addUser(book(), {
    name: 'Ada',
    role: 'responder',
    password: PASSWORD,
    approver: 'Ada',
    cost: CHEAP,
  })
})

const post = (path: string, fields: Record<string, string>, headers: Record<string, string> = {}) =>
  it.call(path, {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded', ...headers },
    body: new URLSearchParams(fields).toString(),
  })
const enter = (password = PASSWORD, user = 'ada', more: Record<string, string> = {}) =>
  post('/sign-in', { user, password, ...more })

test('default: the cost of a guess is what OWASP asks for, and the hash says so', async () => {
  const hash = await hashPassword(PASSWORD, 'ada')
  expect(hash).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$/)
  expect(OWASP_COST).toEqual({ memoryKiB: 19_456, passes: 2 })
  expect(await verifyPassword(PASSWORD, hash)).toBe(true)
  expect(await verifyPassword(`${PASSWORD}x`, hash)).toBe(false)
})

test('default: nobody sees anything before signing in; then the page asked for is shown', async () => {
  const away = await it.call('/?bot=x')
  expect(away.status).toBe(303)
  expect(away.headers.get('location')).toBe('/sign-in?to=%2F%3Fbot%3Dx')
  expect((await it.call('/api/findings')).status).toBe(401)
  expect((await it.call('/api/v1/status')).status).toBe(401)
  const answer = await enter(PASSWORD, ' ADA ', { to: '/findings?bot=x' })
  expect(answer.status).toBe(303)
  expect(answer.headers.get('location')).toBe('/findings?bot=x')
  const set = answer.headers.getSetCookie()[0] ?? ''
  expect(set).toMatch(/^tocsin=[\w-]{43}; /)
  expect(set).toContain('HttpOnly')
  expect(set).toContain('SameSite=Lax')
  const cookie = cookieOf(answer)
  expect((await it.call('/', { headers: { cookie } })).status).toBe(200)
  const rows = await it.database.db.select().from(tables.consoleSession)
  expect(rows.map(({ idHash }) => cookie.includes(idHash))).toEqual([false])
})

test('error: wrong names and wrong passwords are answered alike', async () => {
  const [wrong, unknown] = [await enter('not the password'), await enter(PASSWORD, 'grace')]
  expect([wrong.status, unknown.status]).toEqual([401, 401])
  const bare = async (answer: Response, name: string) =>
    (await answer.text()).replaceAll(/nonce="[^"]*"/g, '').replaceAll(name, '')
  expect(await bare(wrong, 'ada')).toBe(await bare(unknown, 'grace'))
  expect(wrong.headers.getSetCookie()).toEqual([])
})

test('behavior: who guesses has to wait, longer each time, and the right password waits too', async () => {
  for (let i = 0; i < 5; i++) expect((await enter('not the password')).status).toBe(401)
  const blocked = await enter()
  expect(blocked.status).toBe(429)
  const [row] = await it.database.db
    .select()
    .from(tables.consoleAttempt)
    .where(eq(tables.consoleAttempt.key, 'user:ada'))
  expect(row?.failures).toBe(5)
  await it.database.db.update(tables.consoleAttempt).set({ blockedUntil: new Date(Date.now() - 1) })
  expect((await enter()).status).toBe(303)
  const deeds = await listDeeds(it.database.db, { limit: 3, who: 'ada' })
  expect(deeds.map(({ result, detail }) => [result, detail])).toEqual([
    ['done', {}],
    ['refused', { code: 'auth.too_many' }],
    ['refused', { code: 'auth.wrong' }],
  ])
})

test('behavior: tries at once count each', async () => {
  const answers = await Promise.all(Array.from({ length: 12 }, () => enter('not the password')))
  expect(answers.filter(({ status }) => status === 401).length).toBeLessThanOrEqual(5)
})

test('behavior: a row that somebody else wrote signs nobody in, and neither does a session', async () => {
  const { db } = it.database
  const [own] = await db.select().from(tables.consoleUser)
  if (!own) throw new Error('no user')
  await db.insert(tables.consoleUser).values({ ...own, name: 'mallory', role: 'admin' })
  expect((await enter(PASSWORD, 'mallory')).status).toBe(401)
  await db
    .update(tables.consoleUser)
    .set({ role: 'admin' })
    .where(eq(tables.consoleUser.name, 'ada'))
  expect((await enter()).status).toBe(401)
  expect((await listUsers(book())).map(({ isProven }) => isProven)).toEqual([false, false])
  await expect(changeUser(book(), 'ada', { disabled: false })).rejects.toMatchObject({
    code: 'user.forged',
  })
  await db
    .update(tables.consoleUser)
    .set({ role: own.role })
    .where(eq(tables.consoleUser.name, 'ada'))
  await db.delete(tables.consoleAttempt)
  const { cookie } = await signIn(it, 'ada', PASSWORD)
  expect((await it.call('/', { headers: { cookie } })).status).toBe(200)
  await db.update(tables.consoleSession).set({ verifiedAt: new Date(Date.now() + 60_000) })
  expect((await it.call('/api/v1/me', { headers: { cookie } })).status).toBe(401)
})

test('behavior: what is changed of a user counts at once, everywhere', async () => {
  const { cookie } = await signIn(it, 'ada', PASSWORD)
  await changeUser(book(), 'ada', { role: 'viewer' })
  expect((await it.call('/api/v1/me', { headers: { cookie } })).status).toBe(401)
  await changeUser(book(), 'ada', { disabled: true })
  expect((await enter()).status).toBe(401)
  await changeUser(book(), 'ada', {
    disabled: false,
    password: 'quite another secret',
    cost: CHEAP,
  })
  expect((await enter()).status).toBe(401)
  expect((await enter('quite another secret')).status).toBe(303)
})

test('behavior: a session ends unused, in any case after its time, and its id changes at each sign-in', async () => {
  const { cookie } = await signIn(it, 'ada', PASSWORD)
  const id = cookie.split('=')[1] ?? ''
  const at = (s: number) =>
    findSession(it.database.db, secret, id, SESSION_LIMITS, new Date(Date.now() + s * 1_000))
  expect(await at(3_590)).toBeDefined()
  expect(await at(3_590 + 3_600)).toBeUndefined()
  const first = await signIn(it, 'ada', PASSWORD)
  const again = await post(
    '/sign-in',
    { user: 'ada', password: PASSWORD },
    { cookie: first.cookie },
  )
  expect(cookieOf(again)).not.toBe(first.cookie)
  expect((await it.call('/api/v1/me', { headers: { cookie: first.cookie } })).status).toBe(401)
  const late = (cookieOf(again).split('=')[1] ?? '') as string
  await it.database.db
    .update(tables.consoleSession)
    .set({ seenAt: new Date(Date.now() + 43_190_000) })
  const absolute = new Date(Date.now() + 43_201_000)
  expect(await findSession(it.database.db, secret, late, SESSION_LIMITS, absolute)).toBeUndefined()
})

test('behavior: signing out ends this session, or every one of the person', async () => {
  const [a, b, c] = [
    await signIn(it, 'ada', PASSWORD),
    await signIn(it, 'ada', PASSWORD),
    await signIn(it, 'ada', PASSWORD),
  ]
  const status = async ({ cookie }: { cookie: string }) =>
    (await it.call('/api/v1/me', { headers: { cookie } })).status
  expect((await post('/sign-out', { _csrf: 'wrong' }, { cookie: a.cookie })).status).toBe(403)
  expect(await status(a)).toBe(200)
  expect((await post('/sign-out', { _csrf: a.csrf }, { cookie: a.cookie })).status).toBe(303)
  expect([await status(a), await status(b)]).toEqual([401, 200])
  await post('/sign-out', { _csrf: b.csrf, everywhere: '1' }, { cookie: b.cookie })
  expect([await status(b), await status(c)]).toEqual([401, 401])
})

test('behavior: proving again who one is wants the password and this session', async () => {
  const { cookie, csrf } = await signIn(it, 'ada', PASSWORD)
  const page = await it.call('/sign-in/again?to=/actions/x', { headers: { cookie } })
  expect(await page.text()).toContain('Prove that it is you, ada')
  const again = (password: string, token: string) =>
    post('/sign-in/again', { password, _csrf: token, to: '/actions/x' }, { cookie })
  expect((await again(PASSWORD, 'x')).status).toBe(403)
  expect((await again('not the password', csrf)).status).toBe(401)
  const done = await again(PASSWORD, csrf)
  expect([done.status, done.headers.get('location')]).toEqual([303, '/actions/x'])
  expect(cookieOf(done)).not.toBe(cookie)
})

test('error: forms of other sites are refused, whatever they claim to be', async () => {
  const bad = [
    { origin: 'https://evil.example' },
    { origin: 'null' },
    { origin: 'http://localhost.evil.example' },
    { 'sec-fetch-site': 'cross-site' },
    { 'sec-fetch-site': 'same-site' },
  ]
  for (const headers of bad)
    expect((await post('/sign-in', { user: 'ada', password: PASSWORD }, headers)).status).toBe(403)
  const own = { origin: 'http://localhost', 'sec-fetch-site': 'same-origin' }
  expect((await post('/sign-in', { user: 'ada', password: PASSWORD }, own)).status).toBe(303)
})

test('error: hostile input is shown as text, and too much of it is refused', async () => {
  const answer = await enter('x', '"><script>alert(1)</script>')
  const body = await answer.text()
  expect(body).not.toContain('<script>alert')
  expect((await post('/sign-in', { user: 'a'.repeat(20_000), password: 'x' })).status).toBe(413)
  expect((await post('/sign-in', { user: 'a\u0000b', password: 'x\u0000' })).status).not.toBe(503)
})

test('error: a password does not travel in the clear', async () => {
  const answer = await post('/sign-in', { user: 'ada', password: PASSWORD }, { host: '10.0.0.7' })
  expect(answer.status).toBe(403)
  expect(answer.headers.getSetCookie()).toEqual([])
})

test('behavior: by https the cookie is this host’s alone, and goes nowhere in the clear', async () => {
  const own = await createTestConsole({ publicUrl: 'https://tocsin.example/' })
  try {
    await addUser(
      { db: own.database.db, secret },
      { name: 'ada', role: 'viewer', password: PASSWORD, cost: CHEAP },
    )
    const send = (host: string, origin: string) =>
      own.call('/sign-in', {
        method: 'POST',
        headers: { host, origin, 'content-type': 'application/x-www-form-urlencoded' },
        body: new URLSearchParams({ user: 'ada', password: PASSWORD }).toString(),
      })
    const answer = await send('tocsin.example', 'https://tocsin.example')
    expect(answer.status).toBe(303)
    expect(answer.headers.getSetCookie()[0]).toMatch(/^__Host-tocsin=.*; Path=\/; .*Secure/)
    expect(answer.headers.get('strict-transport-security')).toBe('max-age=31536000')
    const bare = cookieOf(answer).replace('__Host-', '')
    expect((await own.call('/api/v1/me', { headers: { cookie: bare } })).status).toBe(401)
    // A proxy that does not keep the name: the browser still says where the form is from.
    expect((await send('127.0.0.1:4680', 'https://tocsin.example')).status).toBe(303)
    expect((await send('10.0.0.7', 'https://tocsin.example')).status).toBe(403)
    expect((await send('tocsin.example', 'http://tocsin.example.evil.example')).status).toBe(403)
  } finally {
    await own.stop()
  }
})

test('behavior: the address is the far end’s, unless a proxy of ours says more', () => {
  const at = (remoteAddress: string, forwarded?: string) => {
    const env = { incoming: { socket: { remoteAddress } } }
    const req = { header: () => forwarded }
    return clientAddress({ env, req } as never, ['10.0.0.2', '10.0.0.3'])
  }
  expect(at('::ffff:10.0.0.9', '1.1.1.1')).toBe('10.0.0.9')
  expect(at('10.0.0.2')).toBe('10.0.0.2')
  expect(at('10.0.0.2', '6.6.6.6, 9.9.9.9, 10.0.0.3')).toBe('9.9.9.9')
  expect(clientAddress({ env: undefined, req: { header: () => '1.1.1.1' } } as never, [])).toBe(
    'unknown',
  )
})

test('behavior: after signing in people stay here', () => {
  for (const path of [
    '//evil.example',
    '/\\evil.example',
    'https://evil.example',
    'javascript:x',
    '/a\nb',
    '',
    '/sign-out',
    '/\t/evil.example',
    '/.//evil.example',
  ])
    expect(returnPath(path)).toMatch(/^\/(?!\/)/)
  expect(returnPath('https://evil.example')).toBe('/')
  expect(returnPath('//evil.example')).toBe('/')
  expect(returnPath('/.//evil.example')).toBe('/')
  expect(returnPath('/findings?bot=a&x=//b')).toBe('/findings?bot=a&x=//b')
})

test('error: weak passwords, odd names, and a second user for one approver', async () => {
  const base = { name: 'grace', role: 'viewer', password: PASSWORD, cost: CHEAP } as const
  const codeOf = (given: object) =>
    addUser(book(), { ...base, ...given }).then(
      () => 'added',
      ({ code }: { code: string }) => code,
    )
  expect(await codeOf({ password: 'short' })).toBe('user.weak_password')
  expect(await codeOf({ password: 'aaaaaaaaaaaaaaaa' })).toBe('user.weak_password')
  expect(await codeOf({ password: 'grace1234567' })).toBe('user.weak_password')
  expect(await codeOf({ name: '<b>' })).toBe('user.bad_name')
  expect(await codeOf({ name: 'ada' })).toBe('user.exists')
  expect(await codeOf({ approver: ' ada ' })).toBe('user.approver_taken')
  expect(await codeOf({})).toBe('added')
})

test('behavior: the audit cannot be changed or deleted', async () => {
  const { db, pool } = it.database
  await noteDeed(db, { who: 'x', via: 'cli', act: 'a', origin: 'machine', result: 'done' })
  for (const statement of [
    `update tocsin.console_audit set who = 'y'`,
    'delete from tocsin.console_audit',
    'truncate tocsin.console_audit',
  ])
    await expect(pool.query(statement)).rejects.toThrow('append-only')
})

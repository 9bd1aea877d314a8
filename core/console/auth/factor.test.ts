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
import { listDeeds } from './audit.ts'
import { beginFactor, confirmFactor } from './factor.ts'
import { hotp, stepAt } from './totp.ts'
import { addUser, changeUser, listUsers } from './users.ts'

const PASSWORD = 'correct horse battery'
const secret = createPeopleSecret(SECRET)
let it: TestConsole
const book = () => ({ db: it.database.db, secret })

beforeAll(async () => {
  it = await createTestConsole({ requireTotp: true, perMinute: 200 })
})
afterAll(() => it?.stop())
beforeEach(async () => {
  const { db } = it.database
  await db.delete(tables.consoleUser)
  await db.delete(tables.consoleSession)
  await db.delete(tables.consoleAttempt)
  await db.delete(tables.consoleRecovery)
})

const add = (
  name: string,
  role: 'viewer' | 'responder' | 'approver' | 'admin',
  approver?: string,
) => addUser(book(), { name, role, password: PASSWORD, approver, cost: CHEAP })

type Person = { readonly cookie: string; readonly csrf: string }

const send = (path: string, fields: Record<string, string>, person?: Person) =>
  it.call(path, {
    method: 'POST',
    headers: {
      'content-type': 'application/x-www-form-urlencoded',
      ...(person ? { cookie: person.cookie } : {}),
    },
    body: new URLSearchParams({ ...fields, ...(person ? { _csrf: person.csrf } : {}) }).toString(),
  })

const me = async (cookie: string) => {
  const answer = await it.call('/api/v1/me', { headers: { cookie } })
  return answer.ok ? ((await answer.json()) as { role: string; csrf: string }) : undefined
}

/** Base32 as the page shows it, back to the key. */
const keyOf = (shown: string): Buffer => {
  const bits = [...shown.replaceAll(/[^A-Z2-7]/g, '')]
    .map((letter) =>
      'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.indexOf(letter).toString(2).padStart(5, '0'),
    )
    .join('')
  return Buffer.from((bits.match(/.{8}/g) ?? []).map((byte) => Number.parseInt(byte, 2)))
}

/** A second factor for somebody, as of a step a while ago; its key. */
const enrol = async (name: string) => {
  const { key, ticket } = beginFactor(secret, name, 'Tocsin')
  const now = Date.now() - 120_000
  const code = hotp(keyOf(key), stepAt(now))
  const codes = await confirmFactor(book(), name, { ticket, code, now })
  return { codes, code: (shift = 0) => hotp(keyOf(key), stepAt(Date.now()) + shift) }
}

/** What stands in a hidden field of a page. */
const hidden = (page: string, name: string): string =>
  new RegExp(`name="${name}" value="([^"]*)"`).exec(page)?.[1] ?? ''

const enter = async (name: string, code: string): Promise<Response> => {
  const page = await (await send('/sign-in', { user: name, password: PASSWORD })).text()
  return send('/sign-in/code', { ticket: hidden(page, 'ticket'), code, to: '/bots' })
}

test('behavior: who needs a second factor only sees until they have one, and then signs in by both', async () => {
  await add('ada', 'admin', 'Ada')
  const person = await signIn(it, 'ada', PASSWORD)
  expect((await me(person.cookie))?.role).toBe('viewer')
  const page = await it.call('/users', { headers: { cookie: person.cookie } })
  expect(page.status).toBe(403)
  const account = await it.call('/account', { headers: { cookie: person.cookie } })
  expect(await account.text()).toContain('You only see, for now.')

  const setup = await (await send('/account/factor', {}, person)).text()
  expect(setup).toContain('otpauth://totp/Tocsin%20test:ada?secret=')
  const key = keyOf(/secret=([A-Z2-7]+)/.exec(setup)?.[1] ?? '')
  const ticket = hidden(setup, 'ticket')
  const wrong = await send('/account/factor/confirm', { ticket, code: '000000' }, person)
  expect(wrong.status).toBe(401)
  const code = hotp(key, stepAt(Date.now()))
  const done = await send('/account/factor/confirm', { ticket, code }, person)
  const shown = await done.text()
  expect(shown.match(/[a-z2-7]{5}-[a-z2-7]{5}/g)?.length).toBeGreaterThanOrEqual(10)
  // The session before is over; the new one may what the role may.
  expect(await me(person.cookie)).toBeUndefined()
  expect((await me(cookieOf(done)))?.role).toBe('admin')

  const half = await send('/sign-in', { user: 'ada', password: PASSWORD })
  expect([half.status, half.headers.getSetCookie()]).toEqual([200, []])
  const replayed = await enter('ada', code)
  expect([replayed.status, replayed.headers.getSetCookie()]).toEqual([401, []])
  const [row] = await it.database.db.select().from(tables.consoleUser)
  expect(JSON.stringify(row)).not.toContain(key.toString('hex'))
})

test('behavior: a code counts once, also when it comes twice at once; a recovery code too', async () => {
  await add('ada', 'approver')
  const { code, codes } = await enrol('ada')
  const now = code()
  const twice = await Promise.all([enter('ada', now), enter('ada', now)])
  expect(twice.map(({ status }) => status).sort()).toEqual([303, 401])
  const [recovery = ''] = codes
  const first = await enter('ada', ` ${recovery.toUpperCase()}`)
  expect([first.status, first.headers.get('location')]).toEqual([303, '/bots'])
  expect((await enter('ada', recovery)).status).toBe(401)
  const deeds = await listDeeds(it.database.db, { limit: 50, who: 'ada' })
  expect(deeds.some(({ act }) => act === 'sign-in.recovery')).toBe(true)
})

test('error: guesses at codes have to wait, and a right password forgives none', async () => {
  await add('ada', 'approver')
  const { code } = await enrol('ada')
  for (let i = 0; i < 5; i++) expect((await enter('ada', '000000')).status).toBe(401)
  expect((await enter('ada', code())).status).toBe(429)
})

test('error: whoever takes the factor out of the row takes away the user', async () => {
  await add('ada', 'approver')
  await enrol('ada')
  await it.database.db.update(tables.consoleUser).set({ totp: null })
  expect((await send('/sign-in', { user: 'ada', password: PASSWORD })).status).toBe(401)
  expect((await listUsers(book())).map(({ isProven }) => isProven)).toEqual([false])
})

test('error: tickets of others, older ones, and those of another step are refused', async () => {
  await add('ada', 'approver')
  await add('eve', 'viewer')
  const { code } = await enrol('ada')
  const eve = beginFactor(secret, 'eve', 'Tocsin')
  await expect(
    confirmFactor(book(), 'ada', { ticket: eve.ticket, code: '000000' }),
  ).rejects.toMatchObject({ code: 'auth.ticket_expired' })
  expect((await send('/sign-in/code', { ticket: eve.ticket, code: code() })).status).toBe(403)
  const page = await (await send('/sign-in', { user: 'ada', password: PASSWORD })).text()
  await changeUser(book(), 'ada', { role: 'viewer' })
  const late = await send('/sign-in/code', { ticket: hidden(page, 'ticket'), code: code() })
  expect(late.status).toBe(403)
})

/** An admin with a second factor, who proved just now who they are. */
const admin = async (name = 'root'): Promise<Person> => {
  await add(name, 'admin')
  const { code } = await enrol(name)
  const cookie = cookieOf(await enter(name, code()))
  return { cookie, csrf: (await me(cookie))?.csrf ?? '' }
}

test('behavior: an admin invites, and who follows the link chooses the password, once', async () => {
  const root = await admin()
  const made = await (
    await send('/users/invite', { name: 'Grace', role: 'responder' }, root)
  ).text()
  const link = /\/welcome\?t=([\w-]+)/.exec(made)?.[1] ?? ''
  const page = await it.call(`/welcome?t=${link}`)
  expect(await page.text()).toContain('Welcome, grace')
  const choose = (password: string, again = password) =>
    send('/welcome', { ticket: link, password, again })
  expect((await choose('short')).status).toBe(403)
  expect((await choose(PASSWORD, 'another one of these')).status).toBe(403)
  expect((await choose(PASSWORD)).status).toBe(200)
  expect((await choose('quite another secret')).status).toBe(400)
  expect((await me((await signIn(it, 'grace', PASSWORD)).cookie))?.role).toBe('responder')
  const unused = await (await send('/users/invite', { name: 'eve', role: 'admin' }, root)).text()
  await add('other', 'admin')
  await changeUser(book(), 'root', { disabled: true })
  const stale = /\/welcome\?t=([\w-]+)/.exec(unused)?.[1] ?? ''
  expect((await it.call(`/welcome?t=${stale}`)).status).toBe(400)
})

test('behavior: roles, locks, factors, sessions and passwords of others, each written down', async () => {
  const root = await admin()
  await add('grace', 'viewer')
  await add('ada', 'approver', 'Ada')
  const { code } = await enrol('ada')
  const grace = await signIn(it, 'grace', PASSWORD)
  expect((await send('/users/grace/role', { role: 'responder' }, root)).status).toBe(303)
  expect(await me(grace.cookie)).toBeUndefined()
  const again = await signIn(it, 'grace', PASSWORD)
  expect((await me(again.cookie))?.role).toBe('responder')
  await send('/users/grace/sessions', {}, root)
  expect(await me(again.cookie)).toBeUndefined()
  await send('/users/grace/disable', {}, root)
  expect((await send('/sign-in', { user: 'grace', password: PASSWORD })).status).toBe(401)
  await send('/users/grace/enable', {}, root)
  const reset = await (await send('/users/grace/password', {}, root)).text()
  const ticket = /\/welcome\?t=([\w-]+)/.exec(reset)?.[1] ?? ''
  const fresh = 'quite another secret'
  expect((await send('/welcome', { ticket, password: fresh, again: fresh })).status).toBe(200)
  expect((await send('/welcome', { ticket, password: PASSWORD, again: PASSWORD })).status).toBe(400)
  // Nobody gets the password of somebody who answers proposals.
  expect((await send('/users/ada/password', {}, root)).status).toBe(400)
  expect((await send('/users/ada/factor', {}, root)).status).toBe(303)
  expect((await enter('ada', code())).status).toBe(403)
  const deeds = await listDeeds(it.database.db, { limit: 50, who: 'root' })
  const acts = deeds.map(({ act, subject, result }) => `${act} ${subject} ${result}`)
  for (const expected of [
    'user.role grace done',
    'user.sessions grace done',
    'user.disable grace done',
    'user.password ada refused',
    'user.factor ada done',
  ])
    expect(acts).toContain(expected)
})

test('error: the last admin stays; others, older proofs and foreign forms change nothing', async () => {
  const root = await admin()
  for (const [act, fields] of [
    ['disable', {}],
    ['role', { role: 'viewer' }],
  ] as const)
    expect((await send(`/users/root/${act}`, fields, root)).status).toBe(400)
  expect((await send('/users/root/disable', {}, { ...root, csrf: 'x' })).status).toBe(403)
  await add('grace', 'responder')
  const grace = await signIn(it, 'grace', PASSWORD)
  expect((await send('/users/grace/role', { role: 'admin' }, grace)).status).toBe(403)
  // Two admins who take the role from each other at once: one of them stays.
  await add('other', 'admin')
  const both = await Promise.allSettled([
    changeUser(book(), 'root', { role: 'viewer', keepAdmin: true }),
    changeUser(book(), 'other', { role: 'viewer', keepAdmin: true }),
  ])
  expect(both.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected'])
  await it.database.db.delete(tables.consoleUser).where(eq(tables.consoleUser.name, 'other'))
})

test('error: people who send too much hear when to try again', async () => {
  await add('grace', 'viewer')
  const { cookie } = await signIn(it, 'grace', PASSWORD)
  const answers = await Promise.all(
    Array.from({ length: 210 }, () => it.call('/api/v1/me', { headers: { cookie } })),
  )
  const refused = answers.filter(({ status }) => status === 429)
  expect(refused.length).toBeGreaterThanOrEqual(5)
  expect(Number(refused[0]?.headers.get('retry-after'))).toBeGreaterThanOrEqual(1)
})
